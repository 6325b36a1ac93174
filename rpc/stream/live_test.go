package stream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/rpc"
)

// events is a client of GET /v1/stream.
type events struct {
	resp *http.Response
	in   *bufio.Reader
	stop context.CancelFunc
}

// event is one of them; a comment has nothing but its text.
type event struct{ id, kind, data, comment string }

func (w *world) stream(t testing.TB, query string, header ...string) *events {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/stream"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	e := &events{resp, bufio.NewReader(resp.Body), stop}
	t.Cleanup(e.close)
	return e
}

func (e *events) close() {
	e.stop()
	_ = e.resp.Body.Close()
}

// next reads one event, or a comment.
func (e *events) next() (out event, err error) {
	for some := false; ; {
		line, err := e.in.ReadString('\n')
		if err != nil {
			return out, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" && some {
			return out, nil
		}
		some = some || line != ""
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "id":
			out.id = value
		case "event":
			out.kind = value
		case "data":
			out.data = value
		case "":
			out.comment = value
		}
	}
}

// block reads the next block, past comments.
func (e *events) block() (event, error) {
	for {
		if ev, err := e.next(); err != nil || ev.kind != "" {
			return ev, err
		}
	}
}

func (e *events) expect(t testing.TB, w *world, number uint64, include string) {
	t.Helper()
	got, err := e.block()
	if want := (event{id: fmt.Sprint(number), kind: "block", data: w.want(t, number, include)}); err != nil || got != want {
		t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
}

// TestLive: from the disk, then as blocks come, the same objects.
func TestLive(t *testing.T) {
	w := newWorld(t, 30)
	const all = "transactions,receipts,certificate"
	behind := w.stream(t, "?from=0x0&include="+all)
	for n := range uint64(31) {
		behind.expect(t, w, n, all)
	}
	latest, next := w.stream(t, "?from=latest"), w.stream(t, "")
	if _, err := next.next(); err != nil { // it has begun
		t.Fatal(err)
	}
	resumed := w.stream(t, "?from=3&include=receipts", "Last-Event-ID", "28")
	resumed.expect(t, w, 29, "receipts")
	resumed.expect(t, w, 30, "receipts")
	latest.expect(t, w, 30, "")
	for range 20 {
		w.grow(t, 1)
		behind.expect(t, w, w.head(), all)
		latest.expect(t, w, w.head(), "")
		next.expect(t, w, w.head(), "")
		resumed.expect(t, w, w.head(), "receipts")
	}
}

// TestLiveAhead: a client that comes from a node which was farther waits; nothing is
// sent twice.
func TestLiveAhead(t *testing.T) {
	w := newWorld(t, 3)
	e := w.stream(t, "", "Last-Event-ID", "5")
	if _, err := e.next(); err != nil {
		t.Fatal(err)
	}
	w.grow(t, 4)
	e.expect(t, w, 6, "")
	e.expect(t, w, 7, "")
}

// TestHeartbeat: a stream without blocks has comments.
func TestHeartbeat(t *testing.T) {
	w := newWorld(t, 1, func(c *rpc.Config) { c.Limits.StreamHeartbeat = time.Millisecond })
	e := w.stream(t, "")
	for range 5 {
		if ev, err := e.next(); err != nil || ev.kind != "" {
			t.Fatalf("%+v %v", ev, err)
		}
	}
	w.grow(t, 1)
	e.expect(t, w, 2, "")
}

// TestStreamsAreCounted: one too many is told so, and one that ends makes room.
func TestStreamsAreCounted(t *testing.T) {
	w := newWorld(t, 1, func(c *rpc.Config) { c.Limits.Streams = 2 })
	first := w.stream(t, "")
	w.stream(t, "")
	resp, body := fetch(t, w.url+"/v1/stream")
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "this node serves 2 at once (rpc.limits.streams)") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	first.close()
	for resp.StatusCode != http.StatusOK { // the server hears of it a moment later
		var err error
		if resp, err = http.Get(w.url + "/v1/stream"); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

// TestResume breaks connections off at random, in the middle of events too, while
// blocks come, and goes on after the last whole event: no block is lost, none is twice.
func TestResume(t *testing.T) {
	breaks := 100
	if testing.Verbose() || !testing.Short() {
		breaks = 1000
	}
	w := newWorld(t, 1)
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a test
	last, broken := "", 0
	for n := uint64(0); broken < breaks; {
		w.grow(t, random.IntN(4))
		query, header := "?from=0&include=receipts", []string(nil)
		if last != "" {
			header = []string{"Last-Event-ID", last}
		}
		if random.IntN(2) == 0 { // so many bytes, then the line is cut
			last, n = w.cut(t, random, query, header, last, n)
		} else if got := w.some(t, random, query, header, n); got > n {
			last, n = strconv.FormatUint(got-1, 10), got
		}
		broken++
		if random.IntN(10) == 0 && n > 4 { // and at times a client that was away for long
			n = uint64(random.IntN(4))
			if last = ""; n > 0 {
				last = strconv.FormatUint(n-1, 10)
			}
		}
	}
	t.Logf("%d connections broken off, the head is %d", broken, w.head())
}

// some reads a few whole events and checks them.
func (w *world) some(t *testing.T, random *rand.Rand, query string, header []string, n uint64) uint64 {
	t.Helper()
	e := w.stream(t, query, header...)
	defer e.close()
	for range random.IntN(6) {
		if n > w.head() {
			w.grow(t, 1)
		}
		e.expect(t, w, n, "receipts")
		n++
	}
	return n
}

// cut reads so many bytes of the connection, of which the last event is most likely
// not whole, and checks the whole ones.
func (w *world) cut(t *testing.T, random *rand.Rand, query string, header []string, last string, n uint64) (string, uint64) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/stream%s HTTP/1.1\r\nHost: localhost\r\n", query)
	if header != nil {
		fmt.Fprintf(conn, "%s: %s\r\n", header[0], header[1])
	}
	fmt.Fprint(conn, "\r\n")
	if n > w.head() {
		w.grow(t, 1)
	}
	raw := &io.LimitedReader{R: conn, N: int64(400 + random.IntN(4000))} // less than an event and the head of the answer
	resp, err := http.ReadResponse(bufio.NewReader(raw), nil)
	if err != nil {
		return last, n // cut off in the headers
	}
	defer resp.Body.Close()
	e := &events{resp, bufio.NewReader(resp.Body), func() {}}
	for {
		ev, err := e.block()
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return last, n
		}
		if ev.id != fmt.Sprint(n) || ev.data != w.want(t, n, "receipts") {
			t.Fatalf("block %d: %+v", n, ev)
		}
		last = ev.id
		if n++; n > w.head() {
			return last, n
		}
	}
}
