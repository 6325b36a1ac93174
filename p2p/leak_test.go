package p2p

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"
)

// TestRunEndsEverything: after Run no goroutine of a busy host is left.
func TestRunEndsEverything(t *testing.T) {
	before := goleak.IgnoreCurrent()
	got, fn := collect(10)
	hang := func(ctx context.Context, _ peer.ID, _ []byte, _ func([]byte) error) error {
		<-ctx.Done()
		return nil
	}
	prepare := func(h *Host) {
		h.OnMessage(TopicConsensus, accepting(fn))
		h.OnMessage(TopicBlocks, accepting(fn))
		h.OnPush("batch", 10, fn)
		h.Serve("hangs", 10, hang)
	}
	a, b := pair(t, nil, prepare, prepare)
	eventually(t, "subscription", func() bool { return len(b.h.session.Load().gossip.topics[TopicConsensus].topic.ListPeers()) == 1 })
	if err := b.h.Broadcast(TopicConsensus, []byte("vote")); err != nil {
		t.Fatal(err)
	}
	if err := b.h.Push(a.h.ID(), "batch", []byte("x")); err != nil {
		t.Fatal(err)
	}
	receive(t, got, "first message")
	receive(t, got, "second message")
	result := make(chan error, 1)
	go func() { result <- b.h.Request(context.Background(), a.h.ID(), "hangs", nil, noChunks) }()
	b.stop()
	a.stop()
	if err := receive(t, result, "end of the request"); err == nil {
		t.Error("the request succeeded")
	}
	goleak.VerifyNone(t, before)
}

// TestRunReportsPortInUse: a host that cannot listen says so and leaves nothing.
func TestRunReportsPortInUse(t *testing.T) {
	// The port is held by a plain socket: another host would start goroutines of
	// its own at any moment, and they would count as left behind.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	before := goleak.IgnoreCurrent()
	cfg := newNode(t, 0, RoleValidator).config()
	cfg.Listen = []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", taken.Addr().(*net.TCPAddr).Port)}
	h, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("got %v", err)
	}
	goleak.VerifyNone(t, before)
}
