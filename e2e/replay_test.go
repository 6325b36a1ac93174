package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/p2p"
	"github.com/quorate/quorate/registry"
)

// protocolConsensus is on which validators push messages to each other, and wireVote the
// type of a vote there.
const (
	protocolConsensus = p2p.Protocol("consensus")
	wireVote          = 0x01
)

// TestReplay: a member sends again what all validators have signed: in other epochs and
// views of the same network, with other words in the place of those that were signed, and
// in another network of the same validators. Nobody counts it, nobody is accused, and
// nobody halts.
func TestReplay(t *testing.T) {
	fault(t)
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 6)
	f.reaches(f.Validators[0], epoch+epoch/2) // votes of two epochs
	replayer := f.Validators[3]
	others := f.others(replayer)
	f.kill(replayer)
	f.served(l, 50) // and of what the loss of one brings
	signed := f.votes.all(t)
	if kinds := kindsOf(signed); len(kinds) < 4 {
		t.Fatalf("signed were only %v", kinds)
	}
	sent := f.replays(t, replayer, others, signed, func() { f.served(l, 100) })
	notMoved(t, others)
	f.start(replayer)
	f.answer(replayer)
	f.served(l, 50)
	f.finish(l)
	t.Logf("%d messages sent again, of %d signed votes %v", sent, len(signed), kindsOf(signed))

	// The same validators, keys and ports, and another chain id.
	f.kill(f.Validators...)
	for _, n := range f.Validators {
		born(t, n.Dir, 1338)
	}
	for _, n := range others {
		n.restart()
	}
	a := someone(t, 1338)
	final(t, others[0], send(t, others[0], a.transfer(a.address, 0)))
	sent = f.replays(t, replayer, others, signed, func() {
		for range 10 {
			final(t, others[0], send(t, others[0], a.transfer(a.address, 0)))
		}
	})
	notMoved(t, others)
	settled(t, others, commitLimit)
	t.Logf("%d messages sent in another network", sent)
}

// all returns every different vote that was signed up to now.
func (v *votes) all(t *testing.T) (out []*consensus.Vote) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(v.dir, "votes-*"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if _, vote := parseTap(line); vote != nil && !seen[string(vote.Encode())] {
				seen[string(vote.Encode())] = true
				out = append(out, vote)
			}
		}
	}
	return out
}

// kindsOf counts votes by kind.
func kindsOf(list []*consensus.Vote) map[string]int {
	out := map[string]int{}
	for _, v := range list {
		out[v.Kind.String()]++
	}
	return out
}

// replays sends votes to these nodes from a host with the key of a node that is down, each
// as it was signed and each with another epoch and another view, while something goes on.
func (f *fleet) replays(t *testing.T, from *node, to []*node, signed []*consensus.Vote, meanwhile func()) (sent int) {
	t.Helper()
	h, stop := memberHost(t, from)
	defer stop()
	eventually(t, discoverLimit, "the replayer is connected", func(context.Context) error {
		if have := len(h.Peers()); have < len(to) {
			return fmt.Errorf("to %d of %d", have, len(to))
		}
		return nil
	})
	ids := make([]peer.ID, len(to))
	for i, n := range to {
		id, err := peer.Decode(n.NodeID)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id
	}
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, v := range signed {
			later, elsewhere := *v, *v
			later.Epoch++
			elsewhere.View++
			for _, x := range []*consensus.Vote{v, &later, &elsewhere} {
				data := append([]byte{wireVote}, x.Encode()...)
				for _, id := range ids {
					if ctx.Err() != nil {
						return
					}
					if h.Push(id, protocolConsensus, data) == nil {
						sent++
					}
				}
				_ = h.Broadcast(p2p.TopicConsensus, data)
			}
		}
	})
	meanwhile()
	sending.Wait()
	cancel()
	if sent == 0 {
		t.Error("nothing was sent: nothing has been tested")
	}
	return sent
}

// memberHost is a host with a node's key, that knows who its network is and no protocol.
func memberHost(t *testing.T, n *node) (h *p2p.Host, stop func()) {
	t.Helper()
	g, err := genesis.Load(filepath.Join(n.Dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.LoadNodeKey(filepath.Join(n.Dir, "nodekey"))
	if err != nil {
		t.Fatal(err)
	}
	var members []p2p.Member
	for _, m := range registry.New(g).Members() {
		id, err := peer.Decode(m.NodeID)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, p2p.Member{ID: id, Role: p2p.RoleValidator, Validator: m.Validator, Name: m.Name, Addresses: m.Addresses})
	}
	h, err = p2p.New(p2p.Config{Key: key, ChainID: g.ChainID, Genesis: g.Hash(), Role: p2p.RoleValidator, Logger: slog.New(slog.DiscardHandler)}, members)
	if err != nil {
		t.Fatal(err)
	}
	h.OnMessage(p2p.TopicConsensus, func(peer.ID, []byte) p2p.Verdict { return p2p.Accept })
	h.OnPush(protocolConsensus, 8<<20, func(peer.ID, []byte) {})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return h, func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// notMoved: nobody is accused, halted or held back.
func notMoved(t *testing.T, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		evidence, err := n.call(t.Context(), "pbft_evidence")
		if err != nil || string(evidence) != "[]" {
			t.Errorf("%s has evidence %s, %v", n.Name, evidence, err)
		}
		s, err := n.status(t.Context())
		if err != nil || s.Halt != "" || s.Mode == "halted" {
			t.Errorf("%s: %+v, %v", n.Name, s, err)
		}
	}
}

// born gives a folder the genesis of another network with the same members, and takes away
// what its node remembers of this one.
func born(t *testing.T, dir string, chainID uint64) {
	t.Helper()
	file := filepath.Join(dir, "genesis.json")
	g, err := genesis.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	g.ChainID = chainID
	if err := os.WriteFile(file, g.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	// Beside the key stands that it never voted, as when it was made.
	notes, err := filepath.Glob(filepath.Join(dir, "keystore", "voted-*"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("%s: %v, %v", dir, notes, err)
	}
	var note map[string]any
	data, err := os.ReadFile(notes[0])
	if err == nil {
		err = json.Unmarshal(data, &note)
	}
	if err != nil {
		t.Fatal(err)
	}
	note["voted"] = nil
	if data, err = json.Marshal(note); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(notes[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
}
