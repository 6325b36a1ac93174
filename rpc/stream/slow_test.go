package stream_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
)

// TestSlowStreams: clients that stop reading in the middle of large blocks hold next to
// nothing, whoever reads beside them gets every block at once, and when they read again
// they get what they missed.
func TestSlowStreams(t *testing.T) {
	const clients, blocks = 40, 60
	w := newWorld(t, 1, func(c *rpc.Config) {
		c.Limits.StreamHold, c.Limits.StreamCache, c.Limits.WriteTimeout = time.Millisecond, 1<<20, time.Hour
	})
	slow := make([]net.Conn, clients)
	for i := range slow {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /v1/stream?from=0&include=transactions,receipts HTTP/1.1\r\nHost: localhost\r\n\r\n")
		slow[i] = conn
	}
	fast := w.stream(t, "?from=2")
	before := live()
	for range blocks { // of half a megabyte each
		var txs []*types.Transaction
		for range 200 {
			txs = append(txs, w.net.Users[0].Log(logger))
		}
		w.add(t, txs...)
		fast.expect(t, w, w.head(), "")
	}
	whole := w.stream(t, "?from=0&include=transactions,receipts") // when it is at the head, the others were served as far as their buffers go
	for n := range w.head() + 1 {
		whole.expect(t, w, n, "transactions,receipts")
	}
	whole.close()
	if grown := live() - before; grown > clients*(256<<10)+(24<<20) { // the chain's own caches are up to 16 MB
		t.Errorf("%d slow clients hold %d kB", clients, grown>>10)
	} else {
		t.Logf("%d slow clients, %d blocks: %d kB more in memory", clients, blocks, grown>>10)
	}
	for _, conn := range slow[:2] {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil) // not closed: that would read to its end
		if err != nil {
			t.Fatal(err)
		}
		e := &events{resp, bufio.NewReaderSize(resp.Body, 1<<20), func() {}}
		for n := range w.head() + 1 {
			e.expect(t, w, n, "transactions,receipts")
		}
	}
}

func live() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) //nolint:gosec // less than 2^63
}
