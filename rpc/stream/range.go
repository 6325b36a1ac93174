package stream

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/quorate/quorate/rpc"
)

const (
	defaultLimit = 100             // blocks of a GET /v1/blocks that names no limit
	rangeWait    = 5 * time.Second // a GET /v1/blocks waits for its place
)

// wanted is a GET /v1/blocks.
type wanted struct {
	from, last uint64
	include    Include
	full       bool // every block is there: the answer can never change
	head       uint64
}

// rangeOf reads a request for a range.
func (d *Doors) rangeOf(r *http.Request) (*wanted, error) {
	q, err := query(r, "from", "limit", "include")
	if err != nil {
		return nil, err
	}
	o := &wanted{head: d.head()}
	if o.include, err = includeOf(q); err != nil {
		return nil, err
	}
	from, err := numberOf(q, "from")
	switch {
	case err != nil:
		return nil, err
	case from == nil:
		return nil, rpc.InvalidParams("from is missing: the number of the first block")
	}
	o.from = from.At(o.head)
	limit, most := uint64(min(defaultLimit, d.d.Limits.RangeBlocks)), uint64(d.d.Limits.RangeBlocks) //nolint:gosec // validated
	if q.Has("limit") {
		if limit, err = rpc.ParseNumber(q.Get("limit")); err != nil || limit == 0 || limit > most {
			return nil, rpc.InvalidParams("limit is %.40q; a number from 1 to %d is expected (%s): the last line of an answer says where to go on", q.Get("limit"), most, rpc.LimitKey("RangeBlocks"))
		}
	}
	if o.from > o.head+1 {
		return nil, aboveHead(o.from, o.head)
	}
	if err := d.here(o.from); err != nil {
		return nil, err
	}
	o.last = o.from + limit - 1
	o.full = o.last <= o.head && *from != rpc.Latest
	o.last = min(o.last, o.head)
	return o, nil
}

// serveRange is GET /v1/blocks.
func (d *Doors) serveRange(w http.ResponseWriter, r *http.Request) {
	o, err := d.rangeOf(r)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Vary", "Accept-Encoding")
	if known, err := d.mark(w, r, o); err != nil || known {
		if err != nil {
			refuse(w, err)
		}
		return
	}
	leave, err := d.takeRange(r.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	defer leave()
	rpc.Release(r.Context())
	a := &answer{d: d, wanted: o, coding: codingOf(r.Header.Get("Accept-Encoding")), head: r.Method == http.MethodHead}
	a.serve(r.Context(), w)
}

// mark says how long the answer may be kept; known is true for a client that has it.
func (d *Doors) mark(w http.ResponseWriter, r *http.Request, o *wanted) (known bool, err error) {
	h := w.Header()
	if !o.full {
		h.Set("Cache-Control", "no-store")
		return false, nil
	}
	last, err := d.d.Chain.Header(o.last)
	if err != nil {
		return false, err
	}
	hash := last.Hash()
	// Weak: each coding has other bytes, and certificates differ between nodes.
	tag := fmt.Sprintf(`W/"%x-%d-%d"`, hash[:12], o.from, o.include)
	h.Set("ETag", tag)
	h.Set("Cache-Control", whose(r)+", max-age=31536000, immutable")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return true, nil
	}
	return false, nil
}

// whose says which caches may keep an answer: that to a client that has shown who it is
// is for nobody else, though a cache between would give it to everybody.
func whose(r *http.Request) string {
	if r.Header.Get("Authorization") != "" || r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return "private"
	}
	return "public"
}

// takeRange takes one of the places for ranges, and of those of the caller.
func (d *Doors) takeRange(ctx context.Context) (leave func(), err error) {
	own, err := d.d.Turn(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.ranges.wait(ctx, rangeWait); err != nil {
		own()
		return nil, err
	}
	return func() { <-d.ranges.places; own() }, nil
}

// answer is one GET /v1/blocks under way.
type answer struct {
	d *Doors
	*wanted
	coding coding
	head   bool

	blocks []byte       // in plain, of one piece
	out    bytes.Buffer // the same, coded
	ready  []byte       // which of the two is to be written
	total  int          // bytes in plain
	ended  bool
}

// serve writes the answer. An error before its first byte is told, a later one breaks
// the connection off: an answer without its last line is none.
func (a *answer) serve(ctx context.Context, w http.ResponseWriter) {
	squeeze, put := a.coding.writer(&a.out)
	defer put()
	a.blocks = take()
	defer func() { giveBack(a.blocks) }()
	next := a.from
	out := rpc.NewProgress(w, a.d.d.Limits)
	reader, leave := a.d.ranges.enter(func() { out.End(errSlow) })
	defer leave()
	out.Taken = func(n int) { reader.sent.Add(int64(n)) }
	for first := true; !a.ended; first = false {
		n, err := rpc.Work(ctx, rpc.AnyTurn, a.d.places, func() (uint64, error) { return a.step(squeeze, next) })
		if first && err != nil {
			refuse(w, err)
			return
		}
		if first {
			w.Header().Set("Content-Type", "application/x-ndjson")
			if a.coding != plain {
				w.Header().Set("Content-Encoding", string(a.coding))
			}
			if a.head {
				return
			}
		}
		if err == nil {
			_, err = out.Write(a.ready)
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			a.d.d.Log.Debug("GET /v1/blocks broken off", "block", next, "reason", err)
			panic(http.ErrAbortHandler)
		}
		next = n
	}
}

// step reads and codes one piece, the last line with the last one. It returns the block
// to go on from.
func (a *answer) step(squeeze squeezer, next uint64) (uint64, error) {
	p := piece{a.blocks[:0], next}
	if next <= a.last {
		var err error
		if p, err = a.d.pass(a.blocks[:0], next, a.last, a.include, lines); err != nil {
			return next, err
		}
	}
	a.total += len(p.data)
	if a.ended = p.next > a.last || a.total >= a.d.d.Limits.RangeBytes; a.ended {
		p.data = append(strconv.AppendUint(append(p.data, `{"next":"0x`...), p.next, 16), "\"}\n"...)
	}
	a.blocks, a.ready = p.data, p.data
	if squeeze == nil {
		return p.next, nil
	}
	a.out.Reset()
	if _, err := squeeze.Write(p.data); err != nil {
		return p.next, err
	}
	if a.ended {
		if err := squeeze.Close(); err != nil {
			return p.next, err
		}
	}
	a.ready = a.out.Bytes()
	return p.next, nil
}
