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
			if _, err := fmt.Fprintf(file, "\n%x\n", v.Encode()); err != nil {
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
	// excused validators may propose twice at one place: see excuse.
	excused map[uint64]bool
}

// tap reads what one node writes.
type tap struct {
	node  *node
	index uint64 // in the validator set
	mu    sync.Mutex
	read  int64         // bytes of the file
	last  consensus.Seq // of the newest COMMIT
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
	excused := false
	for index := range v.excused {
		excused = excused || strings.HasPrefix(what, fmt.Sprintf("validator %d signed two %s ", index, consensus.PrePrepare))
	}
	switch {
	case excused:
		v.t.Logf("as a restored copy that nobody can contradict may: %s", what)
	case !v.stolen:
		v.t.Errorf("DOUBLE VOTE: %s", what)
	}
}

// excuse lets a node propose twice at one place. When all were killed at once
// and one comes back from an old copy of everything, its key's file included, a
// proposal that it had sent and nobody had accepted yet is known to nobody: such
// a copy counts as one of the f (docs/protocol.md, Starting). It is no excuse for
// any other vote, and the chain must not fork all the same.
func (v *votes) excuse(n *node) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.excused == nil {
		v.excused = map[uint64]bool{}
	}
	v.excused[v.taps[n].index] = true
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
		raw, err := hex.DecodeString(strings.TrimSpace(string(line)))
		if err != nil || len(raw) == 0 {
			continue // cut off by the end of a life
		}
		vote, err := consensus.DecodeVote(raw)
		if err != nil || vote.Sender != x.index {
			continue // another's, which it passes on
		}
		v.recorder.Note(vote)
		if vote.Kind == consensus.Commit {
			x.last = max(x.last, vote.Seq)
		}
	}
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
