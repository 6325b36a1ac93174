package rpc

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync"
	"sync/atomic"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// This file takes large notifications past go-ethereum's server. It looks through the
// JSON of each value, to be sure of it, and copies it twice: for a block of a megabyte
// and a half that takes ten times as long as reading and writing it. What it gets
// instead is a ticket, and the socket that writes its message puts the value there.

// Verbatim is the result of one notification, JSON that is written to the WebSocket as it
// is: it must be valid. Use Notifier.Notify with it once, and Close it afterwards.
type Verbatim struct {
	json    []byte
	ticket  string        // empty: there is none
	written chan struct{} // closed when it was written, or could not be
}

// Verbatim returns a notification for the connection of a call, which must be closed. The
// bytes may not change until Wait has returned nil.
func (s *Server) Verbatim(ctx context.Context, json []byte) *Verbatim {
	v := NewVerbatim(ctx, json)
	if _, ours := s.sockets.Load(gethrpc.PeerInfoFromContext(ctx).RemoteAddr); ours {
		v.ticket = tickets.next()
		tickets.open.Store(v.ticket, v)
	}
	return v
}

// NewVerbatim is Server.Verbatim for connections of other servers: they look through the
// JSON as through any other.
func NewVerbatim(_ context.Context, json []byte) *Verbatim {
	return &Verbatim{json: json, written: make(chan struct{})}
}

// Close forgets a notification that was not written.
func (v *Verbatim) Close() { tickets.open.Delete(v.ticket) }

// Wait returns when the notification was written, or with ctx: what comes before the
// answer to a subscription is out waits in a queue, and so it may be written afterwards.
func (v *Verbatim) Wait(ctx context.Context) error {
	select {
	case <-v.written:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// MarshalJSON implements json.Marshaler: it returns the ticket, or a copy.
func (v *Verbatim) MarshalJSON() ([]byte, error) {
	if v.ticket == "" {
		own := bytes.Clone(v.json) // it is read after this
		close(v.written)
		return own, nil
	}
	return []byte(v.ticket), nil
}

// tickets are those of notifications that wait. The secret in each makes sure that no
// value from outside looks like one.
var tickets = &ticketOffice{secret: strings.ToLower(rand.Text())}

type ticketOffice struct {
	secret string
	count  atomic.Uint64
	open   sync.Map // from ticket to *Verbatim
}

// ticketBytes is the length of all tickets: quotation marks, the secret and 16 digits.
var ticketBytes = len(tickets.secret) + 18

func (o *ticketOffice) next() string {
	n := binary.BigEndian.AppendUint64(nil, o.count.Add(1))
	return `"` + o.secret + hex.EncodeToString(n) + `"`
}

// verbatim returns what the ticket in a notification stands for and what is before it, or
// nil if there is none. A ticket is good once.
func (m message) verbatim() (v *Verbatim, before []byte) {
	before, ok := bytes.CutSuffix(m.Params, []byte{'}'})
	if !ok || m.ID != nil || len(before) < ticketBytes {
		return nil, nil
	}
	before, ticket := before[:len(before)-ticketBytes], before[len(before)-ticketBytes:]
	if !bytes.HasPrefix(ticket[1:], []byte(tickets.secret)) || !bytes.HasSuffix(before, []byte(`"result":`)) {
		return nil, nil
	}
	found, _ := tickets.open.LoadAndDelete(string(ticket))
	v, _ = found.(*Verbatim)
	return v, before
}
