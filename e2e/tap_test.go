package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/internal/bubble"
	quoratenode "github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
)

// tapVariable names the file into which a node writes its votes. With it the
// test binary is a node: connections between nodes are encrypted, consensus
// gossip goes to validators alone, and much goes by direct streams, so nobody
// beside a node sees all that it says.
const tapVariable = "E2E_TAP"

// gcPercent is what node.Run sets.
const gcPercent = 400

// tappedNode runs "start --dir DIR --flag value …" with a tap, and returns the
// exit code. Only the command line's own parser is not the product's.
func tappedNode(args []string, path string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runTapped(ctx, args, path); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 1
	}
	return 0
}

func runTapped(ctx context.Context, args []string, path string) error {
	flags := map[string]string{}
	dir := ""
	for i := 1; i+1 < len(args); i += 2 {
		if args[i] == "--dir" {
			dir = args[i+1]
		}
		for _, s := range config.Settings() {
			if args[i] == "--"+s.Flag() {
				flags[s.Key] = args[i+1]
			}
		}
	}
	cfg, _, err := config.Load(dir, os.Environ(), flags)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Log.Level})).With("node", cfg.Name)
	n, err := quoratenode.Build(cfg, log, quoratenode.Options{Tap: func(data []byte) {
		if v := engine.VoteIn(data); v != nil {
			// What a dead process has written stays in the kernel. A line that the
			// kill has cut off is no vote, and the next begins with a line feed.
			if _, err := fmt.Fprintf(file, "\n%d %x\n", time.Now().UnixMicro(), v.Encode()); err != nil {
				panic(err) // a vote would leave unseen
			}
		}
	}})
	if err != nil {
		return err
	}
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(cfg.Plan().GoLimit)
	return n.Run(ctx)
}

// votes compares all that validators sign, over all their lives.
type votes struct {
	t        testing.TB
	dir      string
	recorder *bubble.Recorder
	stop     context.Context
	reading  sync.WaitGroup

	mu     sync.Mutex
	taps   map[*node]*tap
	stolen bool     // a key is in two hands: a contradiction is news, no failure
	double []string // contradictions
	pardon *pardon  // who may propose twice at one place, nil: nobody
}

// tap reads what one node writes.
type tap struct {
	node  *node
	index uint64 // in the validator set
	mu    sync.Mutex
	read  int64         // bytes of the file
	last  consensus.Seq // of the newest COMMIT
	newer []newerCommit // each above all before it
}

// newerCommit is a COMMIT above all that the node signed before, and when it
// signed it.
type newerCommit struct {
	seq consensus.Seq
	at  time.Time
}

// watchVotes follows the files of all nodes until the test ends.
func watchVotes(t testing.TB, f *fleet) *votes {
	ctx, cancel := context.WithCancel(context.Background())
	v := &votes{t: t, dir: f.dir, stop: ctx, taps: map[*node]*tap{}}
	v.recorder = bubble.NewRecorder(v.contradicted)
	t.Cleanup(func() { cancel(); v.reading.Wait() })
	order := slices.Clone(f.Validators)
	slices.SortFunc(order, func(a, b *node) int { return a.Address.Cmp(b.Address) })
	for i, n := range order {
		v.add(n, uint64(i))
	}
	return v
}

func (v *votes) contradicted(what string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.double = append(v.double, what)
	switch {
	case v.pardon.covers(what):
		v.t.Logf("as a restored copy that nobody can contradict may: %s", what)
	case !v.stolen:
		v.t.Errorf("DOUBLE VOTE: %s", what)
	}
}

// pardon names whose proposals may contradict each other, and in which epochs.
type pardon struct {
	index       uint64
	first, last consensus.Epoch
}

// covers reports whether a contradiction is one that is pardoned.
func (p *pardon) covers(what string) bool {
	var index uint64
	var e consensus.Epoch
	_, err := fmt.Sscanf(what, fmt.Sprintf("validator %%d signed two %s at epoch %%d ", consensus.PrePrepare), &index, &e)
	return p != nil && err == nil && index == p.index && p.first <= e && e <= p.last
}

// window is how far ahead of its head a devnet's primary proposes.
const window = 8

// excuse lets a node propose twice at one place, where it had proposed when all
// were killed at once: above a head, and a window above the newest COMMIT at
// most. Such a node comes back from an old copy of everything, its key's file
// included, and a proposal that it had sent and nobody had accepted yet is known
// to nobody: the copy counts as one of the f (docs/protocol.md, Starting). It is
// no excuse for any other vote, nor for other epochs, nor after the returned
// function was called; and the chain must not fork all the same.
func (v *votes) excuse(n *node, head uint64) (end func()) {
	v.drain()
	newest := consensus.Seq(head)
	v.mu.Lock()
	all := slices.Collect(maps.Keys(v.taps))
	v.mu.Unlock()
	for _, o := range all {
		newest = max(newest, consensus.Seq(v.committed(o)))
	}
	p := &pardon{index: v.of(n).index, first: consensus.Epoch(head / epoch), last: consensus.Epoch((newest + window - 1) / epoch)}
	set := func(p *pardon) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.pardon = p
	}
	set(p)
	return func() { v.drain(); set(nil) }
}

// add follows the file of one more process, which signs as validator index.
func (v *votes) add(n *node, index uint64) {
	x := &tap{node: n, index: index}
	v.mu.Lock()
	v.taps[n] = x
	v.mu.Unlock()
	v.reading.Go(func() {
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for v.stop.Err() == nil {
			v.follow(x)
			select {
			case <-tick.C:
			case <-v.stop.Done():
			}
		}
	})
}

// of returns a node's tap.
func (v *votes) of(n *node) *tap {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.taps[n]
}

// file is where a node writes its votes: not in its folder, which tests wipe
// and copy.
func (v *votes) file(n *node) string { return filepath.Join(v.dir, "votes-"+n.Name) }

// follow reads the whole lines that are new in a file.
func (v *votes) follow(x *tap) {
	x.mu.Lock()
	defer x.mu.Unlock()
	file, err := os.Open(v.file(x.node))
	if err != nil {
		return // it has not voted yet
	}
	defer file.Close()
	if _, err := file.Seek(x.read, io.SeekStart); err != nil {
		v.t.Error(err)
	}
	data, err := io.ReadAll(file)
	if err != nil {
		v.t.Error(err)
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	x.read += int64(end)
	for line := range bytes.Lines(data[:end]) {
		at, vote := parseTap(string(line))
		if vote == nil || vote.Sender != x.index {
			continue // another's, which it passes on
		}
		v.recorder.Note(vote)
		if vote.Kind == consensus.Commit && vote.Seq > x.last {
			x.last = vote.Seq
			x.newer = append(x.newer, newerCommit{vote.Seq, at})
		}
	}
}

// parseTap reads a line: microseconds since 1970, and a vote; nil if the end of
// a life has cut it off.
func parseTap(line string) (time.Time, *consensus.Vote) {
	us, vote, _ := strings.Cut(strings.TrimSpace(line), " ")
	at, err := strconv.ParseInt(us, 10, 64)
	if err != nil {
		return time.Time{}, nil
	}
	raw, err := hex.DecodeString(vote)
	if err != nil {
		return time.Time{}, nil
	}
	v, err := consensus.DecodeVote(raw)
	if err != nil {
		return time.Time{}, nil
	}
	return time.UnixMicro(at), v
}

// drain reads what has been written up to now.
func (v *votes) drain() {
	v.mu.Lock()
	all := slices.Collect(maps.Values(v.taps))
	v.mu.Unlock()
	for _, x := range all {
		v.follow(x)
	}
}

// committed is the newest block for which a node has signed a COMMIT.
func (v *votes) committed(n *node) uint64 {
	x := v.of(n)
	x.mu.Lock()
	defer x.mu.Unlock()
	return uint64(x.last)
}

// above is when a node, since a moment, first signed a COMMIT for a block above
// one and above all that it signed before; false if it has not yet.
func (v *votes) above(n *node, number uint64, since time.Time) (time.Time, bool) {
	x := v.of(n)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.newer {
		if uint64(c.seq) > number && c.at.After(since) {
			return c.at, true
		}
	}
	return time.Time{}, false
}

// asked is how many different VIEW-CHANGEs were signed.
func (v *votes) asked() int {
	v.drain()
	return v.recorder.Count(consensus.ViewChange)
}

// String counts the votes that were compared.
func (v *votes) String() string {
	var out []string
	for k := consensus.PrePrepare; k <= consensus.NewView; k++ {
		out = append(out, fmt.Sprintf("%d %s", v.recorder.Count(k), k))
	}
	return "compared " + strings.Join(out, ", ")
}

// TestPardon: one validator's proposals, in its epochs, and nothing else.
func TestPardon(t *testing.T) {
	p := &pardon{index: 2, first: 3, last: 4}
	var heard []string
	r := bubble.NewRecorder(func(what string) { heard = append(heard, what) })
	for _, row := range []struct {
		vote consensus.Vote
		want bool
	}{
		{consensus.Vote{Kind: consensus.PrePrepare, Sender: 2, Epoch: 3, Seq: 200}, true},
		{consensus.Vote{Kind: consensus.PrePrepare, Sender: 2, Epoch: 4, View: 1, Seq: 260}, true},
		{consensus.Vote{Kind: consensus.PrePrepare, Sender: 2, Epoch: 5, Seq: 330}, false},
		{consensus.Vote{Kind: consensus.PrePrepare, Sender: 2, Epoch: 2, Seq: 150}, false},
		{consensus.Vote{Kind: consensus.PrePrepare, Sender: 1, Epoch: 3, Seq: 200}, false},
		{consensus.Vote{Kind: consensus.Prepare, Sender: 2, Epoch: 3, Seq: 200}, false},
	} {
		heard = nil
		other := row.vote
		other.Digest[0] = 1
		r.Note(&row.vote)
		r.Note(&other)
		if len(heard) != 1 || p.covers(heard[0]) != row.want || (*pardon)(nil).covers(heard[0]) {
			t.Errorf("%v: pardoned: %v", heard, !row.want)
		}
	}
}
