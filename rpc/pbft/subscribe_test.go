package pbft

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc"
)

// stream is a feed with one subscriber.
type stream struct {
	events chan consensus.ProtocolEvent
	closed chan struct{}
	once   sync.Once
}

func newStream(buffer int) *stream {
	return &stream{events: make(chan consensus.ProtocolEvent, buffer), closed: make(chan struct{})}
}

func (s *stream) Events() <-chan consensus.ProtocolEvent { return s.events }
func (s *stream) Close()                                 { s.once.Do(func() { close(s.closed) }) }

// serve runs a server on a real port until the test ends.
func (n *network) serve(t *testing.T, l rpc.Limits) (addr string) {
	t.Helper()
	cfg := rpc.DefaultConfig()
	cfg.Port, cfg.Limits = 0, l
	s, err := rpc.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Register("pbft", n.api(t, l, s.Disconnect)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String()
}

func event(seq consensus.Seq) consensus.ProtocolEvent {
	return consensus.ProtocolEvent{Time: 5, Kind: "COMMIT", From: common.Address{1}, Seq: seq, View: 2, Epoch: 3, Sample: 1}
}

// TestSubscribeProtocol: events arrive in order and complete, and leaving frees
// the feed and the seat.
func TestSubscribeProtocol(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	n := newNetwork(t)
	t.Run("", func(t *testing.T) {
		l := rpc.DefaultLimits()
		l.PerConnection = 1
		s := newStream(100)
		n.events = s
		c, err := gethrpc.DialContext(t.Context(), "ws://"+n.serve(t, l))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := make(chan json.RawMessage, 100)
		sub, err := c.Subscribe(t.Context(), "pbft", got, "protocol")
		if err != nil {
			t.Fatal(err)
		}
		for seq := range consensus.Seq(50) {
			s.events <- event(seq)
		}
		s.events <- consensus.ProtocolEvent{Time: 6, Kind: "STATUS", To: common.Address{2}, Sample: 4}
		for seq := range 50 {
			want := fmt.Sprintf(`{"timeUs":5,"kind":"COMMIT","from":"0x0100000000000000000000000000000000000000","to":null,"epoch":3,"view":2,"seq":%d,"sample":1}`, seq)
			if e := string(<-got); e != want {
				t.Fatalf("got  %s\nwant %s", e, want)
			}
		}
		if e := string(<-got); e != `{"timeUs":6,"kind":"STATUS","from":null,"to":"0x0200000000000000000000000000000000000000","epoch":0,"view":0,"seq":0,"sample":4}` {
			t.Errorf("STATUS: %s", e)
		}
		if _, err := c.Subscribe(t.Context(), "pbft", got, "protocol"); err == nil || !strings.Contains(err.Error(), "too many subscriptions: a connection may have 1") {
			t.Errorf("a second one: %v", err)
		}
		if _, err := c.Subscribe(t.Context(), "pbft", got, "moons"); err == nil || err.Error() != `no "moons" subscription in pbft namespace` {
			t.Errorf("unknown: %v", err)
		}
		sub.Unsubscribe()
		<-s.closed
		n.events = nil
		for { // the seat is free a moment after the answer
			_, err := c.Subscribe(t.Context(), "pbft", got, "protocol")
			if err == nil || !strings.Contains(err.Error(), "too many") {
				if err == nil || err.Error() != errBroken.Error() {
					t.Errorf("nothing to watch: %v", err)
				}
				return
			}
		}
	})
}

// TestSlowReader does not read while more comes than is kept for it: it is told
// with a code, and its connection ends.
func TestSlowReader(t *testing.T) {
	n := newNetwork(t)
	s := newStream(4)
	n.events = s
	c := dialRaw(t, n.serve(t, rpc.DefaultLimits()))
	c.write(t, `{"jsonrpc":"2.0","id":1,"method":"pbft_subscribe","params":["protocol"]}`)
	if answer, err := c.read(); err != nil || !strings.Contains(answer, `"result":"0x`) {
		t.Fatalf("subscribing: %s %v", answer, err)
	}
	s.events <- event(1)
	if _, err := c.read(); err != nil { // from here on the server keeps nothing back
		t.Fatal(err)
	}
	for full := false; !full; { // what the feed does: it never waits
		select {
		case s.events <- event(1):
		default:
			close(s.events)
			full = true
		}
	}
	<-s.closed // the server is done with it, and nobody has read anything
	last, err := "", error(nil)
	for err == nil {
		var text string
		if text, err = c.read(); err == nil {
			last = text
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the connection ended with %v", err)
	}
	if !strings.Contains(last, `"result":{"error":{"code":-32005,"message":"subscription dropped: more than 4096 messages behind"}}`) {
		t.Errorf("the last message is %s", last)
	}
}

// rawSocket is a WebSocket client that reads when it is told to.
type rawSocket struct {
	net.Conn
	in *bufio.Reader
}

func dialRaw(t *testing.T, addr string) *rawSocket {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &rawSocket{conn, bufio.NewReader(conn)}
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", addr)
	r, err := http.ReadResponse(c.in, nil)
	if err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v %v", r, err)
	}
	r.Body.Close()
	return c
}

// write sends one text frame, masked with zeros.
func (c *rawSocket) write(t *testing.T, text string) {
	t.Helper()
	if _, err := c.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)); err != nil || len(text) > 125 {
		t.Fatal(err, len(text))
	}
}

// read returns the next text message; io.EOF when the server closes.
func (c *rawSocket) read() (string, error) {
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c.in, head); err != nil {
			return "", err
		}
		size := uint64(head[1])
		if size > 125 {
			long := make([]byte, map[uint64]int{126: 2, 127: 8}[size])
			if _, err := io.ReadFull(c.in, long); err != nil {
				return "", err
			}
			size = binary.BigEndian.Uint64(append(make([]byte, 8-len(long)), long...))
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(c.in, body); err != nil {
			return "", err
		}
		switch head[0] & 0x0f {
		case 1:
			return string(body), nil
		case 8:
			return "", io.EOF
		}
	}
}
