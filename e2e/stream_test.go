package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// This file: GET /v1/stream of real nodes under load. A client that is cut off all the
// time misses nothing, and a hundred that do not read disturb nobody.

// TestStreamBreaks: a client is cut off at random places and goes on where it was, at
// any of the nodes, while blocks are made: it gets each block once, and each is the
// child of the one before.
func TestStreamBreaks(t *testing.T) {
	full(t)
	random := seed(t)
	d := startDevnet(t, 4, 0)
	l := startLoad(d, d.Validators, 4)
	breaks := faultRounds(200, 1000) // a thousand take a minute
	c := &follower{t: t}
	began := time.Now()
	for range breaks {
		// An event of this load has 2 to 20 kB: many connections end before one.
		c.follow(d.Validators[random.IntN(4)], int64(random.IntN(12_000)), math.MaxUint64, random)
	}
	took := time.Since(began)
	l.finish()
	head := settled(t, d.Validators, recoverLimit)
	c.follow(d.Validators[0], math.MaxInt64, head, random)
	if b, err := d.Validators[1].block(t.Context(), head); err != nil || b.Hash != c.last {
		t.Errorf("the last block is %s by the stream, %+v by eth_getBlockByNumber, %v", c.last, b, err)
	}
	if c.blocks < uint64(breaks)/10 || c.midst < breaks/10 {
		t.Errorf("%d blocks and %d breaks within an event in %d connections: too few to say anything", c.blocks, c.midst, breaks)
	}
	t.Logf("%d connections cut in %s, %d of them within an event: %d blocks, each once", breaks, ms(took), c.midst, c.blocks)
	d.stop()
}

// follower reads blocks over many connections.
type follower struct {
	t      *testing.T
	blocks uint64      // that have come; the next number
	last   common.Hash // of the last
	midst  int         // connections that ended within an event
}

// follow reads so many bytes of a stream, or until a block has come, as an EventSource
// does: an event is one when its empty line has come.
func (c *follower) follow(n *node, bytes int64, until uint64, random *rand.Rand) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), commitLimit)
	defer cancel()
	include := []string{"", "&include=transactions", "&include=receipts,certificate"}[random.IntN(3)]
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.RPC+"/v1/stream?from=0"+include, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.blocks > 0 {
		r.Header.Set("Last-Event-ID", strconv.FormatUint(c.blocks-1, 10))
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatalf("%s: %v", n.Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %s", n.Name, resp.Status)
	}
	in := bufio.NewReader(io.LimitReader(resp.Body, bytes))
	var id, data string
	for c.blocks <= until {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			if id != "" || strings.HasPrefix(line, "id") {
				c.midst++
			}
			return
		}
		if err != nil {
			c.t.Fatalf("%s: after block %d: %v", n.Name, c.blocks, err)
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); {
		case name == "id":
			id = value
		case name == "data":
			data = value
		case name == "event" && value != "block":
			c.t.Fatalf("%s: event %q", n.Name, value)
		case name == "" && id != "":
			c.take(n, id, data)
			id, data = "", ""
		}
	}
}

// take checks that a block is the next one.
func (c *follower) take(n *node, id, data string) {
	c.t.Helper()
	var b struct {
		Number hexutil.Uint64 `json:"number"`
		Hash   common.Hash    `json:"hash"`
		Block  struct {
			ParentHash common.Hash `json:"parentHash"`
		} `json:"block"`
	}
	if err := json.Unmarshal([]byte(data), &b); err != nil {
		c.t.Fatalf("%s: block %s: %v", n.Name, id, err)
	}
	if uint64(b.Number) != c.blocks || id != strconv.FormatUint(c.blocks, 10) || b.Block.ParentHash != c.last {
		c.t.Fatalf("%s: id %s, block %d, child of %s; wanted is block %d, child of %s", n.Name, id, b.Number, b.Block.ParentHash, c.blocks, c.last)
	}
	c.blocks, c.last = c.blocks+1, b.Hash
}

// Of the clients that hardly read.
const (
	slowStreams = 100
	// slowMemory is what they may cost a node together, in bytes: of each a piece of 256
	// KiB, the 64 KiB that are being written and the connection's buffers, and as much
	// again until the garbage collector has seen that they are free.
	slowMemory = slowStreams * 2 * (256 + 64 + 64) << 10
	slowFor    = 15 * time.Second
)

// TestSlowStreams: a hundred clients read a byte a second of one node's stream. Its
// memory stays within a bound, and the network makes blocks as promised.
func TestSlowStreams(t *testing.T) {
	full(t)
	if runtime.GOOS != "linux" {
		t.Skip("reads the memory of a process from Linux's /proc")
	}
	// What clients do to the time between blocks needs a machine with nothing else to do:
	// here they share two processors with all nodes. Otherwise the chain must go on.
	promised := recoverLimit
	if *long {
		promised = takeOver
	}
	f := startFleet(t, 4)
	l := startLoad(f.devnet, f.Validators, 4)
	n := f.Validators[1]
	f.served(l, 2500) // five megabytes a client
	quiet := f.watchGap(f.Validators, watchHeads)
	quiet.begin()
	work := processTime(t, n.PID)
	before := f.largest(slowFor)
	worked := processTime(t, n.PID) - work
	f.served(l, 100)
	without, _ := quiet.end(promised, "without slow clients")
	pace := f.pace(n, quiet.head)
	w := f.watchGap(f.Validators, watchHeads)
	w.begin()
	work = processTime(t, n.PID)
	slow := startSlow(t, n, slowStreams)
	most := f.largest(slowFor)
	work = processTime(t, n.PID) - work
	served := f.served(l, 100)
	gap, seen := w.end(promised, "slow clients of a stream")
	if read := slow.Load(); read < slowStreams*int64(slowFor/time.Second)/2 {
		t.Errorf("%d bytes were read by %d clients in %s: they are not connected", read, slowStreams, slowFor)
	}
	// A node grows under load, also without such clients: as the others do.
	grown, others := most[1]-before[1], max(most[0]-before[0], most[2]-before[2], most[3]-before[3])
	if grown > others+slowMemory {
		t.Errorf("%s grew by %d MiB with %d slow clients, the others by at most %d MiB: more than %d MiB for them", n.Name, grown>>20, slowStreams, others>>20, slowMemory>>20)
	}
	f.finish(l)
	t.Logf("%d clients at a byte a second for %s: %s grew by %d MiB to %d, the others by at most %d; longest time without a block %s, as seen %s, before there were clients %s; 100 receipts then took %s",
		slowStreams, slowFor, n.Name, grown>>20, most[1]>>20, others>>20, ms(gap), ms(seen), ms(without), ms(served))
	t.Logf("between blocks without and with them: %s and %s; processor time of %s in %s: %s and %s", pace, f.pace(n, w.head), n.Name, slowFor, ms(worked), ms(work))
}

// pace says how long it took from block to block above a number, as a node saw it.
func (f *fleet) pace(n *node, above uint64) string {
	f.t.Helper()
	at := slices.Sorted(maps.Values(f.certificates(n, above+1, f.headOf(n))))
	for i := len(at) - 1; i > 0; i-- {
		at[i] -= at[i-1]
	}
	if len(at) < 100 {
		return fmt.Sprintf("too few (%d blocks)", len(at))
	}
	took := at[1:]
	slices.Sort(took)
	return fmt.Sprintf("p50 %d ms, p99 %d ms of %d blocks", took[len(took)/2]/1000, took[len(took)*99/100]/1000, len(took))
}

// largest is the most memory that each node has during a time.
func (f *fleet) largest(during time.Duration) (most [4]int64) {
	f.t.Helper()
	until := time.NewTimer(during)
	defer until.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for i, now := range f.resident() {
			most[i] = max(most[i], now)
		}
		select {
		case <-tick.C:
		case <-until.C:
			return most
		}
	}
}

// resident is the memory of each node.
func (f *fleet) resident() (out [4]int64) {
	f.t.Helper()
	for i, n := range f.Validators {
		out[i] = residentBytes(f.t, n.PID)
	}
	return out
}

// startSlow has clients read the whole chain at a byte a second, until the test ends. It
// counts what they have read of the answers.
func startSlow(t *testing.T, n *node, clients int) *atomic.Int64 {
	t.Helper()
	u, err := url.Parse(n.RPC)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	read := new(atomic.Int64)
	for range clients {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		}
		if err == nil {
			_, err = fmt.Fprintf(conn, "GET /v1/stream?from=0&include=transactions,receipts HTTP/1.1\r\nHost: %s\r\n\r\n", u.Host)
		}
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer conn.Close()
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for one := make([]byte, 1); ; {
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
				if _, err := io.ReadFull(conn, one); err != nil {
					return // cut off after write_timeout
				}
				read.Add(1)
			}
		})
	}
	return read
}
