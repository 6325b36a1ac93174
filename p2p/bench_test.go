package p2p

import (
	"encoding/binary"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// BenchmarkGossipRoundTrip: a message to the other validator and its answer,
// over loopback TCP with TLS.
func BenchmarkGossipRoundTrip(b *testing.B) {
	for _, topic := range []Topic{TopicConsensus, TopicTransactions} {
		b.Run(string(topic), func(b *testing.B) { gossipRoundTrip(b, topic) })
	}
}

func gossipRoundTrip(b *testing.B, topic Topic) {
	back := make(chan struct{}, 1)
	x, y := pair(b, nil, func(h *Host) {
		h.OnMessage(topic, func(peer.ID, []byte) Verdict { back <- struct{}{}; return Accept })
	}, func(h *Host) {
		h.OnMessage(topic, func(_ peer.ID, data []byte) Verdict {
			h.Broadcast(topic, append([]byte{1}, data...))
			return Accept
		})
	})
	for _, n := range []*node{x, y} {
		eventually(b, "subscription", func() bool { return len(n.h.session.Load().gossip.topics[topic].topic.ListPeers()) == 1 })
	}
	heartbeat := time.NewTimer(2 * time.Second) // the mesh forms at a heartbeat
	<-heartbeat.C
	b.ResetTimer()
	for i := range b.N {
		msg := make([]byte, 128)
		binary.BigEndian.PutUint64(msg[1:], uint64(i))
		if err := x.h.Broadcast(topic, msg); err != nil {
			b.Fatal(err)
		}
		receive(b, back, "answer")
	}
}

// BenchmarkPushRoundTrip: a small message on a long-lived stream and its answer.
func BenchmarkPushRoundTrip(b *testing.B) {
	back := make(chan struct{}, 1)
	x, y := pair(b, nil, func(h *Host) {
		h.OnPush("pong", 1000, func(peer.ID, []byte) { back <- struct{}{} })
	}, func(h *Host) {
		h.OnPush("ping", 1000, func(from peer.ID, data []byte) { h.Push(from, "pong", data) })
	})
	msg := make([]byte, 128)
	b.ResetTimer()
	for range b.N {
		if err := x.h.Push(y.h.ID(), "ping", msg); err != nil {
			b.Fatal(err)
		}
		receive(b, back, "answer")
	}
}

// BenchmarkPushThroughput: batches of 1 MiB as fast as the queue takes them.
func BenchmarkPushThroughput(b *testing.B) {
	done := make(chan struct{}, 16)
	x, y := pair(b, nil, func(h *Host) {
		h.OnPush("batch", 2<<20, func(peer.ID, []byte) { done <- struct{}{} })
	}, nil)
	msg := make([]byte, 1<<20)
	b.SetBytes(int64(len(msg)))
	b.ResetTimer()
	sent := 0
	for got := 0; got < b.N; {
		for sent < b.N && sent-got < 16 {
			if err := y.h.Push(x.h.ID(), "batch", msg); err != nil {
				b.Fatal(err)
			}
			sent++
		}
		receive(b, done, "batch")
		got++
	}
}

// BenchmarkPushSmall: votes of 128 bytes, coalesced.
func BenchmarkPushSmall(b *testing.B) {
	done := make(chan struct{}, 1024)
	x, y := pair(b, nil, func(h *Host) {
		h.OnPush("vote", 1000, func(peer.ID, []byte) { done <- struct{}{} })
	}, nil)
	msg := make([]byte, 128)
	b.ResetTimer()
	sent := 0
	for got := range b.N {
		for sent < b.N && sent-got < 512 {
			if err := y.h.Push(x.h.ID(), "vote", msg); err != nil {
				b.Fatal(err)
			}
			sent++
		}
		<-done
	}
}

// BenchmarkIdleNode reports the share of a core that one node of four uses when
// nothing happens, in percent. One iteration is one second.
func BenchmarkIdleNode(b *testing.B) {
	nodes, members := make([]*node, 4), []Member{}
	for i := range nodes {
		nodes[i] = newNode(b, i, RoleValidator)
		cfg := nodes[i].config()
		all := append([]Member{}, members...)
		for j := i + 1; j < len(nodes); j++ {
			all = append(all, newNode(b, j, RoleValidator).member(b))
		}
		nodes[i].start(b, cfg, all, func(h *Host) {
			for _, topic := range []Topic{TopicConsensus, TopicTransactions, TopicBlocks} {
				h.OnMessage(topic, func(peer.ID, []byte) Verdict { return Accept })
			}
		})
		members = append(members, nodes[i].member(b, nodes[i].h.Addrs()...))
	}
	for _, n := range nodes {
		eventually(b, "full mesh", func() bool { return len(n.h.Peers()) == 3 })
	}
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	<-tick.C
	b.ResetTimer()
	before := cpu()
	for range b.N {
		<-tick.C
	}
	b.ReportMetric(100*(cpu()-before).Seconds()/float64(b.N)/4, "%core/node")
}
