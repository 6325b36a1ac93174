package engine

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startAll starts everybody; the returned function ends them.
func (w *world) startAll() func() {
	for _, m := range w.members {
		m.start()
	}
	synctest.Wait()
	return func() {
		for _, m := range w.members {
			if m.running() != nil {
				if err := m.kill(); err != nil {
					w.t.Errorf("member %d: %v", m.i, err)
				}
			}
		}
	}
}

func (w *world) submitAll(nonce uint64) {
	for _, m := range w.members {
		m.submit(transaction(nonce, 10))
	}
	synctest.Wait()
}

// TestRunCommitsInOrder: with one validator and with four, transactions are
// committed everywhere, in order, over the ends of epochs.
func TestRunCommitsInOrder(t *testing.T) {
	for _, n := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, n)
			defer w.startAll()()
			for nonce := range uint64(10) {
				w.submitAll(nonce)
				pass(time.Second)
			}
			for _, m := range w.members {
				if len(m.chain) != 10 {
					t.Errorf("n=%d: member %d has %d blocks", n, m.i, len(m.chain))
				}
				for i, b := range m.chain {
					if b.head.BlockHash != w.members[0].chain[i].head.BlockHash || b.txs != 1 {
						t.Errorf("n=%d: member %d: block %d is %+v", n, m.i, i+1, b)
					}
				}
				if !slices.Equal(m.epochs, []consensus.Epoch{0, 1, 2}) {
					t.Errorf("n=%d: member %d recorded epochs %v", n, m.i, m.epochs)
				}
			}
		})
	}
}

// TestIdleTimeIsNobodysFault: on a chain that was idle for longer than the
// timers wait, a proposal has its full time.
func TestIdleTimeIsNobodysFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.startAll()()
		for nonce := range uint64(40) {
			w.submitAll(nonce)
			pass(1500 * time.Millisecond)
		}
		for _, m := range w.members {
			if v := m.engine.ViewChanges(); len(v) != 0 || len(m.chain) != 40 {
				t.Errorf("member %d has %d blocks and view changes %+v", m.i, len(m.chain), v)
			}
		}
	})
}

// TestNothingLeavesBeforeItsJournal: the proposal is journalled before its
// PRE-PREPARE or PREPARE leaves, the lock before the COMMIT, and one block
// costs no more than these two appends.
func TestNothingLeavesBeforeItsJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.startAll()()
		w.forgetLog() // the journal is opened
		w.submitAll(1)
		commits := 0
		for _, m := range w.members {
			journalled, sent := 0, map[string]bool{}
			for _, e := range w.events() {
				who, what, _ := strings.Cut(e, " ")
				if who != strconv.Itoa(m.i) {
					continue
				}
				if sent[what] && what != "journal" {
					continue // again, to who asks
				}
				sent[what] = true
				switch what {
				case "journal":
					journalled++
				case "send PRE-PREPARE 1", "send PREPARE 1":
					if own := (what == "send PRE-PREPARE 1") == (m.i == 0); own && journalled != 1 || journalled < 1 {
						t.Errorf("member %d: %s after %d appends", m.i, what, journalled)
					}
				case "send COMMIT 1":
					commits++
					if journalled != 2 {
						t.Errorf("member %d: %s after %d appends", m.i, what, journalled)
					}
				}
			}
			if journalled > 2 {
				t.Errorf("member %d: %d journal appends for one block", m.i, journalled)
			}
		}
		if commits < 3 {
			t.Errorf("%d COMMITs were seen", commits)
		}
	})
}

// TestRestartSendsTheSameVotes: all are cut off and killed after their
// PREPAREs; they resume, send what they sent before, and commit.
func TestRestartSendsTheSameVotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		end := w.startAll()
		for _, m := range w.members[1:] {
			w.cut[m.address] = true
		}
		w.submitAll(1)
		primary := w.members[0]
		if len(primary.journal) != 2 || primary.journal[0].Kind != byte(pbft.RecordOpened) || len(primary.chain) != 0 {
			t.Fatalf("the primary alone has %d records and %d blocks", len(primary.journal), len(primary.chain))
		}
		before := slices.Clone(primary.journal[1].Data)
		end()
		w.forgetLog()
		clear(w.cut)
		primary.pool = nil // the journal must do
		end = w.startAll()
		defer end()
		pass(5 * time.Second)
		for _, m := range w.members {
			if len(m.chain) != 1 || m.chain[0].txs != 1 {
				t.Fatalf("member %d has %d blocks after the restart", m.i, len(m.chain))
			}
		}
		if !slices.Equal(primary.journal[1].Data, before) {
			t.Error("the primary journalled another proposal for the same place")
		}
	})
}

// TestLateMemberCatchesUp: one starts when the others have passed an epoch.
func TestLateMemberCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		end := w.startAll()
		defer func() { end() }()
		late := w.members[3]
		if err := late.kill(); err != nil {
			t.Fatal(err)
		}
		for nonce := range uint64(6) {
			w.submitAll(nonce)
			pass(time.Second)
		}
		late.pool = nil
		late.start()
		pass(15 * time.Second)
		w.submitAll(100)
		pass(2 * time.Second)
		if len(late.chain) != 7 || late.chain[6].head.BlockHash != w.members[0].chain[6].head.BlockHash {
			t.Errorf("the late member has %d blocks, the others %d", len(late.chain), len(w.members[0].chain))
		}
	})
}

// TestLedgerFaultEndsRun: a broken disk is fatal.
func TestLedgerFaultEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := w.members[0]
		m.fault = errors.New("the disk is broken")
		m.start()
		m.submit(transaction(1, 10))
		if err := <-m.ended; !errors.Is(err, m.fault) {
			t.Errorf("Run ended with %v", err)
		}
		if _, err := m.running().Report(t.Context()); err == nil {
			t.Error("a stopped engine reports")
		}
		if err := m.running().Exclusive(t.Context(), func() error { return nil }); err == nil {
			t.Error("a stopped engine imports")
		}
	})
}

// TestHaltKeepsRunning: a replica whose execution diverges votes no more, and
// its node stays up to say why, also when several blocks are certified at once.
func TestHaltKeepsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.startAll()()
		bad := w.members[2]
		bad.mu.Lock()
		bad.corrupt = true
		bad.mu.Unlock()
		for nonce := range uint64(3) {
			w.submitAll(nonce)
			pass(time.Second)
		}
		rep, err := bad.running().Report(context.Background())
		if err != nil || rep.Mode != consensus.Halted || !strings.Contains(rep.Halt, "divergence") {
			t.Errorf("report %+v, %v", rep, err)
		}
		if len(bad.chain) != 0 || len(w.members[0].chain) != 3 {
			t.Errorf("the diverged one has %d blocks, the others %d", len(bad.chain), len(w.members[0].chain))
		}
	})
}

// TestMembersComeAndGo: validators leave and come back at the ends of epochs, so
// that all indices move; the others go on, whoever is gone follows, and an epoch
// before a change ends without a transaction.
func TestMembersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		w.leaves = map[consensus.Epoch]int{1: 0, 2: 0, 4: 3, 5: 1}
		defer w.startAll()()
		pass(5 * time.Second)
		if n := len(w.members[1].chain); n != 4 {
			t.Errorf("before the first change there are %d blocks, want an epoch of 4", n)
		}
		for nonce := range uint64(6) {
			w.submitAll(nonce)
			pass(5 * time.Second)
		}
		pass(30 * time.Second)
		for _, m := range w.members {
			if len(m.chain) < 6*4 || m.chain[23].head.BlockHash != w.members[1].chain[23].head.BlockHash {
				t.Errorf("member %d has %d blocks, want 24 and more: %v", m.i, len(m.chain), m.running().replica)
			}
			for _, e := range m.epochs {
				if out, ok := w.leaves[e]; ok && out == m.i {
					t.Errorf("member %d recorded a vote in epoch %d, whose set it is not of", m.i, e)
				}
			}
		}
	})
}
