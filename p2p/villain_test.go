package p2p

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
	msmux "github.com/multiformats/go-multistream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// villain is a bare libp2p host with any key, which speaks our protocols by
// hand and wrongly.
type villain struct {
	t  *testing.T
	lp host.Host
	n  *node
}

func newVillain(t *testing.T, n *node) *villain {
	t.Helper()
	key, err := identity(n.key)
	if err != nil {
		t.Fatal(err)
	}
	lp, err := libp2p.New(append(tcpTransport(), libp2p.Identity(key), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lp.Close() })
	return &villain{t, lp, n}
}

// dial connects on the libp2p level.
func (v *villain) dial(h *Host) (network.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var addrs []multiaddr.Multiaddr
	for _, s := range h.Addrs() {
		addrs = append(addrs, multiaddr.StringCast(s))
	}
	v.lp.Peerstore().AddAddrs(h.ID(), addrs, time.Hour)
	return v.lp.Network().DialPeer(ctx, h.ID())
}

// open opens a stream of any protocol on the connection.
func (v *villain) open(c network.Conn, id protocol.ID) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	st, err := c.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	st.SetDeadline(time.Now().Add(10 * time.Second))
	return st, msmux.SelectProtoOrFail(id, st)
}

func (v *villain) hello() *hello {
	return &hello{
		Version: protocolVersion, ChainID: testChain, Genesis: testGenesis, Client: "villain", Role: 1, Instance: 666,
		Record: testRecord(v.t, v.n, 1, time.Now(), "/ip4/127.0.0.1/tcp/1").encode(),
	}
}

// greet makes a proper handshake.
func (v *villain) greet(c network.Conn) {
	v.t.Helper()
	st, err := v.open(c, handshakeID)
	if err != nil {
		v.t.Fatal(err)
	}
	st.Write(appendFrame(nil, v.hello().encode()))
	if _, err := readFrame(bufio.NewReader(st), 1<<20); err != nil {
		v.t.Fatal(err)
	}
	st.Write((&verdict{}).frame())
	st.Close()
}

// waitReset reads until the other side gives up.
func waitReset(t *testing.T, st network.Stream) {
	t.Helper()
	_, err := io.Copy(io.Discard, st)
	var timeout interface{ Timeout() bool }
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("stream ended with %v, want a reset", err)
	}
}

// logLines collects log output.
type logLines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// eventually waits for something that another goroutine does.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// TestStrangerIsRefused: a key that is not on the list gets no connection, no
// stream, no identify; the node says so once in its log.
func TestStrangerIsRefused(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	lines := &logLines{}
	cfg := a.config()
	cfg.Logger = slog.New(slog.NewTextHandler(lines, nil))
	a.start(t, cfg, []Member{b.member(t)}, nil)
	stranger := newVillain(t, newNode(t, 9, RoleValidator))
	for range 5 {
		c, err := stranger.dial(a.h)
		if err != nil {
			continue // refused during the handshake: fine
		}
		// TLS lets the dialler believe in the connection for a moment.
		if _, err := stranger.open(c, handshakeID); err == nil {
			t.Fatal("a stranger opened a stream")
		}
		c.Close()
	}
	if n := testutil.ToFloat64(a.h.metrics.gated.WithLabelValues("stranger")); n != 5 {
		t.Errorf("gated %v strangers, want 5", n)
	}
	if n := len(a.h.session.Load().lp.Network().Peers()); n != 0 {
		t.Errorf("%d peers in the swarm", n)
	}
	if n := strings.Count(lines.String(), "not a member"); n != 1 {
		t.Errorf("%d log lines about it, want 1 in 30 s:\n%s", n, lines)
	}
}

// TestStrangerIsNotDialled: the gate works in the other direction too.
func TestStrangerIsNotDialled(t *testing.T) {
	a := newNode(t, 0, RoleValidator)
	a.start(t, a.config(), nil, nil)
	stranger := newVillain(t, newNode(t, 9, RoleValidator))
	err := a.h.session.Load().lp.Connect(context.Background(), peer.AddrInfo{ID: stranger.lp.ID(), Addrs: stranger.lp.Addrs()})
	if err == nil {
		t.Fatal("a stranger was dialled")
	}
}

// TestNoiseFallback: a member that offers only Noise is let in.
func TestNoiseFallback(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	a.start(t, a.config(), []Member{b.member(t)}, nil)
	key, err := identity(b.key)
	if err != nil {
		t.Fatal(err)
	}
	lp, err := libp2p.New(libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.DisableMetrics(), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New), libp2p.Muxer(yamux.ID, yamux.DefaultTransport))
	if err != nil {
		t.Fatal(err)
	}
	defer lp.Close()
	v := &villain{t, lp, b}
	c, err := v.dial(a.h)
	if err != nil {
		t.Fatal(err)
	}
	v.greet(c)
	eventually(t, "handshake", func() bool { return len(a.h.Peers()) == 1 })
}

// TestMetrics: everything that an operator is promised is in the registry.
func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleObserver)
	got, fn := collect(1)
	ca := a.config()
	ca.Registerer = reg
	a.start(t, ca, []Member{b.member(t)}, func(h *Host) {
		h.OnMessage(TopicBlocks, accepting(fn))
		h.OnPush("batch", 10, fn)
	})
	b.start(t, b.config(), []Member{a.member(t, a.h.Addrs()...)}, nil)
	eventually(t, "connection", func() bool { return len(a.h.Peers()) == 1 && len(b.h.Peers()) == 1 })
	if err := b.h.Push(a.h.ID(), "batch", []byte("12345")); err != nil {
		t.Fatal(err)
	}
	receive(t, got, "push")
	want := `
# HELP quorate_p2p_peers Connected peers after the handshake.
# TYPE quorate_p2p_peers gauge
quorate_p2p_peers{role="observer"} 1
quorate_p2p_peers{role="validator"} 0
# HELP quorate_p2p_handshakes_total Handshakes by result; all but ok closed the connection.
# TYPE quorate_p2p_handshakes_total counter
quorate_p2p_handshakes_total{result="ok"} 1
`
	eventually(t, "metrics", func() bool {
		return testutil.GatherAndCompare(reg, strings.NewReader(want), "quorate_p2p_peers", "quorate_p2p_handshakes_total") == nil
	})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, f := range families {
		have[f.GetName()] = true
	}
	for _, name := range []string{
		"quorate_p2p_stream_bytes_total", "quorate_p2p_gossip_rpc_dropped_total", "quorate_p2p_gossip_messages_total",
		"quorate_p2p_gossip_resubscribe_total", "libp2p_rcmgr_connections",
	} {
		if !have[name] {
			t.Errorf("%s is missing", name)
		}
	}
	a.stop() // a second host in one process uses the same collectors
	again := newNode(t, 0, RoleValidator)
	again.start(t, ca, nil, nil)
}

// TestWrongNetwork: both sides refuse each other and say both values, the
// dialler also in MemberStates.
func TestWrongNetwork(t *testing.T) {
	otherGenesis := common.HexToHash("0xbb")
	for _, c := range []struct {
		name   string
		change func(*Config)
		values [2]string
	}{
		{"genesis", func(c *Config) { c.Genesis = otherGenesis }, [2]string{testGenesis.Hex(), otherGenesis.Hex()}},
		{"chain", func(c *Config) { c.ChainID = 4242 }, [2]string{"1337", "4242"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
			la, lb := &logLines{}, &logLines{}
			ca, cb := a.config(), b.config()
			ca.Logger, cb.Logger = slog.New(slog.NewTextHandler(la, nil)), slog.New(slog.NewTextHandler(lb, nil))
			c.change(&cb)
			a.start(t, ca, []Member{b.member(t)}, nil)
			b.start(t, cb, []Member{a.member(t, a.h.Addrs()...)}, nil)
			for _, log := range []*logLines{la, lb} {
				eventually(t, "log line with both values", func() bool {
					s := log.String()
					return strings.Contains(s, "handshake failed") && strings.Contains(s, c.values[0]) && strings.Contains(s, c.values[1])
				})
			}
			eventually(t, "error at the dialler", func() bool {
				e := b.h.MemberStates()[0].LastError
				return strings.Contains(e, c.values[0]) && strings.Contains(e, c.values[1])
			})
			if len(a.h.Peers())+len(b.h.Peers()) != 0 {
				t.Error("they count as connected")
			}
			if n := testutil.ToFloat64(a.h.metrics.handshakes.WithLabelValues(c.name)); n < 1 {
				t.Error("not counted")
			}
		})
	}
}

// TestBadHello: what a member may get wrong in the handshake; its connection is
// closed each time and it never counts as a peer.
func TestBadHello(t *testing.T) {
	a, b, other := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator), newNode(t, 2, RoleValidator)
	a.start(t, a.config(), []Member{b.member(t), other.member(t)}, nil)
	v := newVillain(t, b)
	change := func(fn func(*hello)) []byte {
		h := v.hello()
		fn(h)
		return appendFrame(nil, h.encode())
	}
	for name, wire := range map[string][]byte{
		"nothing but an end":  {},
		"garbage":             []byte("\x20GET / HTTP/1.1\r\nHost: x\r\n\r\n....."),
		"cut":                 change(func(*hello) {})[:40],
		"giant":               {0xff, 0xff, 0xff, 0xff, 0x0f},
		"endless length":      {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80},
		"long length":         {0x81, 0x00, 0xc0},
		"version":             change(func(h *hello) { h.Version = 99 }),
		"no record":           change(func(h *hello) { h.Record = nil }),
		"record of another":   change(func(h *hello) { h.Record = testRecord(t, other, 1, time.Now()).encode() }),
		"forged record":       change(func(h *hello) { h.Record[len(h.Record)-1] ^= 1 }),
		"terminal escape":     change(func(h *hello) { h.Client = "\x1b[2J" }),
		"many topics":         change(func(h *hello) { h.Topics = make([]string, 9) }),
		"record is too large": change(func(h *hello) { h.Record = make([]byte, maxRecordBytes+1) }),
	} {
		c, err := v.dial(a.h)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		st, err := v.open(c, handshakeID)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		st.Write(wire)
		st.CloseWrite()
		io.Copy(io.Discard, st)
		st.Close()
		eventually(t, name+": connection closed", c.IsClosed)
		if n := len(a.h.Peers()); n != 0 {
			t.Errorf("%s: %d peers", name, n)
		}
	}
	c, err := v.dial(a.h) // and the right way still works
	if err != nil {
		t.Fatal(err)
	}
	v.greet(c)
	eventually(t, "proper handshake", func() bool { return len(a.h.Peers()) == 1 })
}

// TestSilentPeerIsCutOff: no hello within the time, no connection.
func TestSilentPeerIsCutOff(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	cfg := a.config()
	cfg.Limits.HandshakeTimeout = 50 * time.Millisecond
	a.start(t, cfg, []Member{b.member(t)}, func(h *Host) {
		h.OnPush("batch", 10, func(peer.ID, []byte) { t.Error("a push before the handshake was handled") })
	})
	v := newVillain(t, b)
	c, err := v.dial(a.h)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := v.open(c, a.h.ns.stream("batch")); err == nil {
		st.Write(appendFrame(nil, []byte("x")))
	}
	eventually(t, "connection closed", c.IsClosed)
}

// TestBadFrames: garbage, truncated and giant frames on every protocol reset
// the stream, are counted, and leave the connection and the handlers alone.
func TestBadFrames(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	got := make(chan string, 16)
	a.start(t, a.config(), []Member{b.member(t)}, func(h *Host) {
		h.OnPush("batch", 1000, func(_ peer.ID, data []byte) { got <- string(data) })
		h.Serve("blocks", 1000, func(_ context.Context, _ peer.ID, req []byte, send func([]byte) error) error {
			got <- string(req)
			return send(req)
		})
	})
	v := newVillain(t, b)
	c, err := v.dial(a.h)
	if err != nil {
		t.Fatal(err)
	}
	v.greet(c)
	eventually(t, "handshake", func() bool { return len(a.h.Peers()) == 1 })
	bad := map[string][]byte{
		"giant":          {0xff, 0xff, 0xff, 0xff, 0x0f},
		"one too large":  appendFrame(nil, make([]byte, maxExchangeBytes+1)),
		"endless length": {0x80, 0x80, 0x80, 0x80, 0x80, 0x80},
		"long length":    {0x81, 0x00, 'x'},
		"truncated":      {0x09, 'x'},
		"cut in length":  {0x80},
	}
	for _, p := range []Protocol{"batch", "blocks", recordsProtocol} {
		for name, wire := range bad {
			before := testutil.ToFloat64(a.h.metrics.badFrames.WithLabelValues(string(p)))
			st, err := v.open(c, a.h.ns.stream(p))
			if err != nil {
				t.Fatalf("%s %s: %v", p, name, err)
			}
			st.Write(wire)
			st.CloseWrite()
			waitReset(t, st)
			if n := testutil.ToFloat64(a.h.metrics.badFrames.WithLabelValues(string(p))); n != before+1 {
				t.Errorf("%s %s: counted %v", p, name, n-before)
			}
		}
	}
	st, _ := v.open(c, a.h.ns.stream("blocks")) // two requests on one stream
	st.Write([]byte{1, 'a', 1, 'b'})
	waitReset(t, st)
	for _, wire := range [][]byte{{0xc0, 0x01}, {0x83, 1, 2, 3}, {0xc4, 0x83, 1, 2, 3}} { // exchange: not a list, no record
		before := testutil.ToFloat64(a.h.metrics.badFrames.WithLabelValues("peers"))
		st, _ := v.open(c, a.h.ns.stream(recordsProtocol))
		st.Write(appendFrame(nil, wire))
		eventually(t, "bad records counted", func() bool { return testutil.ToFloat64(a.h.metrics.badFrames.WithLabelValues("peers")) == before+1 })
		st.Reset()
	}
	if c.IsClosed() || len(a.h.Peers()) != 1 {
		t.Error("the connection did not survive")
	}
	st, _ = v.open(c, a.h.ns.stream("batch"))
	st.Write(appendFrame(nil, []byte("good")))
	if s := receive(t, got, "good push"); s != "good" {
		t.Errorf("handler saw %q", s)
	}
}

// TestBadResponses: what a lying server may answer.
func TestBadResponses(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	a.start(t, a.config(), []Member{b.member(t)}, nil)
	v := newVillain(t, b)
	var wire []byte
	v.lp.SetStreamHandler(a.h.ns.stream("blocks"), func(st network.Stream) {
		io.Copy(io.Discard, st)
		st.Write(wire)
		st.CloseWrite()
	})
	c, err := v.dial(a.h)
	if err != nil {
		t.Fatal(err)
	}
	v.greet(c)
	eventually(t, "handshake", func() bool { return len(a.h.Peers()) == 1 })
	for name, w := range map[string][]byte{
		"nothing":          {},
		"unknown code":     {9, 0},
		"giant chunk":      {resultChunk, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"truncated chunk":  {resultChunk, 5, 1, 2},
		"no end":           {resultChunk, 1, 'x'},
		"giant error":      appendFrame([]byte{resultError}, make([]byte, maxErrorBytes+1)),
		"error with ESC":   appendFrame([]byte{resultError}, []byte("\x1b[2J")),
		"end with content": {resultEnd, 1, 'x'},
	} {
		wire = w
		if err := a.h.Request(context.Background(), v.lp.ID(), "blocks", []byte("q"), func([]byte) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	wire = []byte{resultChunk, 1, 'x', resultEnd, 0}
	if err := a.h.Request(context.Background(), v.lp.ID(), "blocks", []byte("q"), func([]byte) error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestStrangerFlood: a stranger that keeps connecting is cut off before the
// handshake costs anything, and connected members notice nothing.
func TestStrangerFlood(t *testing.T) {
	got, fn := collect(1)
	a, b := pair(t, func(c *Config) { c.Limits.AcceptBurst = 10; c.Limits.AcceptRate = 1 }, func(h *Host) { h.OnPush("batch", 10, fn) }, nil)
	stranger := newVillain(t, newNode(t, 9, RoleValidator))
	for range 50 {
		if c, err := stranger.dial(a.h); err == nil {
			c.Close()
		}
		stranger.lp.Network().(*swarm.Swarm).Backoff().Clear(a.h.ID())
	}
	eventually(t, "the rate limit works", func() bool { return testutil.ToFloat64(a.h.metrics.gated.WithLabelValues("rate")) > 20 })
	if n := testutil.ToFloat64(a.h.metrics.gated.WithLabelValues("stranger")); n > 20 {
		t.Errorf("%v handshakes with a stranger", n)
	}
	if err := b.h.Push(a.h.ID(), "batch", []byte("x")); err != nil {
		t.Fatal(err)
	}
	receive(t, got, "push during the flood")
}
