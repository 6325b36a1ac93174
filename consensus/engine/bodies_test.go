package engine

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// TestPushedBodiesAreUsed: bodies that arrive before their proposal complete it
// without a fetch.
func TestPushedBodiesAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		for _, m := range w.members {
			m.unknown = true
		}
		defer w.startAll()()
		w.members[0].submit(transaction(1, 100)) // the primary alone has it
		pass(time.Second)
		for _, m := range w.members {
			if len(m.chain) != 1 || len(m.asked()) != 0 {
				t.Errorf("member %d has %d blocks after %d fetches", m.i, len(m.chain), len(m.asked()))
			}
		}
	})
}

// TestMissingBodiesAreFetched: without a push they are fetched from the primary
// once the grace is over.
func TestMissingBodiesAreFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.startAll()()
		w.members[0].submit(transaction(1, 100))
		synctest.Wait()
		if len(w.members[1].asked()) != 0 {
			t.Error("fetched before the grace was over")
		}
		pass(5 * time.Second) // one whose fetch comes after the commit needs block sync
		for _, m := range w.members[1:] {
			if len(m.chain) != 1 || len(m.asked()) == 0 || m.asked()[0] != w.members[0].address {
				t.Errorf("member %d has %d blocks after fetches from %v", m.i, len(m.chain), m.asked())
			}
		}
	})
}

// TestFetchFailsOver: a primary that proposes and does not answer is passed
// over, with growing pauses, and a batch of the past is given up.
func TestFetchFailsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		for _, m := range w.members[1:] {
			m.start()
		}
		defer func() {
			for _, m := range w.members[1:] {
				if err := m.kill(); err != nil {
					t.Error(err)
				}
			}
		}()
		tx := transaction(1, 100)
		p := w.proposal(0, tx)
		reader := w.members[1]
		if v, err := reader.running().Receive(w.members[0].address, seal(wireProposal, p.Encode())); v != Accept {
			t.Fatal(v, err)
		}
		pass(10 * time.Second)
		for _, m := range w.members {
			if m != reader && !slices.Contains(reader.asked(), m.address) {
				t.Errorf("member %d was not asked", m.i)
			}
		}
		if k := len(reader.asked()); k > 20 {
			t.Errorf("%d fetches in ten seconds", k)
		}
		w.members[2].submit(tx) // now somebody has it
		pass(10 * time.Second)
		if len(reader.chain) != 1 {
			t.Errorf("%d blocks after the body was to be had", len(reader.chain))
		}
	})
}

// TestFetchPassesOverSilence: a primary that is cut off just after its proposal
// answers no fetch and breaks no connection. Who lacks the bodies has them from
// the others before any timer fires.
func TestFetchPassesOverSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		w.members[0].silent = true
		for _, m := range w.members[1:] {
			m.start()
			defer func() {
				if err := m.kill(); err != nil {
					t.Error(err)
				}
			}()
		}
		tx := transaction(1, 100)
		p := w.proposal(0, tx)
		w.members[3].submit(tx)
		for _, m := range w.members[1:] {
			if v, err := m.running().Receive(w.members[0].address, seal(wireProposal, p.Encode())); v != Accept {
				t.Fatal(v, err)
			}
		}
		pass(time.Duration(consensus.DefaultParams().BaseTimeoutMs) * 9 / 10 * time.Millisecond)
		for _, m := range w.members[1:] {
			if len(m.chain) != 1 {
				t.Errorf("member %d has %d blocks after fetches from %v", m.i, len(m.chain), m.asked())
			}
		}
	})
}

// TestSlowDecodingIsNotRepeated: while an answer is being decoded nobody else is
// asked for the same bodies. On an overloaded machine four copies of each batch
// were decoded at last, and views changed for it.
func TestSlowDecodingIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.startAll()()
		slow := w.members[1]
		slow.decodes = 3 * DefaultLimits().FetchPatience
		w.members[0].submit(transaction(1, 100))
		pass(5 * time.Second)
		if len(slow.chain) != 1 || len(slow.asked()) != 1 {
			t.Errorf("%d blocks after fetches from %v", len(slow.chain), slow.asked())
		}
	})
}

// TestPushThatIsDecodedIsWaitedFor: bodies that the primary has pushed are not
// fetched while they are decoded, unless that takes long: what is pushed under the
// name of a batch need not belong to it.
func TestPushThatIsDecodedIsWaitedFor(t *testing.T) {
	patience := DefaultLimits().FetchPatience
	for decodes, fetched := range map[time.Duration]bool{patience * 4 / 5: false, 2 * patience: true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 4)
			slow := w.members[1]
			slow.decodes = decodes
			slow.start()
			defer func() {
				if err := slow.kill(); err != nil {
					t.Error(err)
				}
			}()
			tx := transaction(1, 100)
			raw, err := tx.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			p, primary := w.proposal(0, tx), w.members[0].address
			go func() { // a connection of its own: proposals travel by gossip
				_, _ = slow.running().Receive(primary, sealRLP(wireBodies, &bodiesMessage{Digest: p.Vote.Digest, Bodies: [][]byte{raw}}))
			}()
			synctest.Wait()
			if v, err := slow.running().Receive(primary, seal(wireProposal, p.Encode())); v != Accept {
				t.Fatal(v, err)
			}
			pass(decodes - time.Millisecond)
			if len(slow.asked()) > 0 != fetched {
				t.Errorf("decoding takes %v: fetches from %v", decodes, slow.asked())
			}
			pass(2 * time.Millisecond)
			if slow.engine.bodies.txs(p.Vote.Digest) == nil {
				t.Errorf("decoded after %v, and the batch has holes", decodes)
			}
		})
	}
}

// TestOnlyWhatWasAskedForIsDecoded: an answer may not cost more than its question,
// neither by other bodies nor by the same ones again.
func TestOnlyWhatWasAskedForIsDecoded(t *testing.T) {
	w := newWorld(t, 4)
	m := w.members[1]
	e := m.build()
	e.ctx = t.Context()
	asked, other := transaction(1, 100), transaction(2, 100)
	w.members[0].serves = []*types.Transaction{other, asked, asked}
	answer := e.ask(t.Context(), common.Hash{1}, w.members[0].address, []common.Hash{asked.Hash()})
	if !answer.answered || len(answer.txs) != 1 || answer.txs[0].Hash() != asked.Hash() {
		t.Errorf("%+v", answer)
	}
}

// TestPushForAWholeBatch: bodies of a batch that is whole are not decoded again.
func TestPushForAWholeBatch(t *testing.T) {
	w := newWorld(t, 4)
	e := w.members[1].build()
	p := w.proposal(0, transaction(1, 100))
	one := w.members[0].address
	m := &bodiesMessage{Digest: p.Vote.Digest, Bodies: [][]byte{{1}}}
	if v, err := e.Receive(one, sealRLP(wireBodies, m)); v != Reject {
		t.Errorf("before: %v %v", v, err)
	}
	e.bodies.put(p.Vote.Digest, 1, []*types.Transaction{transaction(1, 100)})
	if v, err := e.Receive(one, sealRLP(wireBodies, m)); v != Ignore || err != nil {
		t.Errorf("after: %v %v", v, err)
	}
}

// TestOversizeBatch: bodies beyond the epoch's cap are refused.
func TestOversizeBatch(t *testing.T) {
	w := newWorld(t, 4)
	m := w.members[1]
	e := m.build()
	tx := transaction(1, int(w.params.MaxBatchBytes))
	p := w.proposal(0, tx)
	m.pool = append(m.pool, tx)
	e.check(p.Batch)
	checked, ok := e.pending[len(e.pending)-1].(pbft.BatchChecked)
	if !ok || checked.Err == nil || e.bodies.txs(p.Vote.Digest) != nil {
		t.Errorf("an oversize batch was kept: %+v", checked)
	}
}

// TestBodyStoreBounds: a validator that pushes without end replaces its own
// bodies and nobody else's; final batches are forgotten.
func TestBodyStoreBounds(t *testing.T) {
	s := newBodyStore(10_000)
	good := transaction(1, 100)
	a, b := common.Address{1}, common.Address{2}
	s.add(a, []*types.Transaction{good, good})
	for nonce := range uint64(100) {
		s.add(b, []*types.Transaction{transaction(nonce+10, 1000)})
		if s.pushed[b].bytes > 10_000 {
			t.Fatalf("%d bytes kept", s.pushed[b].bytes)
		}
	}
	txs := make([]*types.Transaction, 1)
	if left := s.fill([]common.Hash{good.Hash()}, txs, []int{0}); len(left) != 0 || txs[0] != good {
		t.Error("one validator's pushes crowded out another's")
	}
	s.put(common.Hash{1}, 5, txs)
	if s.pushed[a].bytes != 0 || len(s.pushed[a].txs) != 0 {
		t.Errorf("a batch took the body, and %d bytes are still charged", s.pushed[a].bytes)
	}
	if got := s.find([]common.Hash{good.Hash()}); len(got) != 1 {
		t.Errorf("found %d bodies of a batch in flight", len(got))
	}
	if s.forget(5); len(s.batches) != 0 || len(s.pushed) != 0 {
		t.Error("bodies of a final batch are kept")
	}
}

// TestSettleForgetsWanted: a batch whose block came by block sync is not
// fetched for ever.
func TestSettleForgetsWanted(t *testing.T) {
	w := newWorld(t, 4)
	m := w.members[1]
	e := m.build()
	e.check(w.proposal(0, transaction(1, 1)).Batch)
	if len(e.wanted) != 1 {
		t.Fatal("nothing is wanted")
	}
	m.chain = append(m.chain, final{head: pbft.Head{Seq: 1, Digest: common.Hash{1}, BlockHash: common.Hash{2}}})
	e.onSynced(synced{})
	if err := e.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(e.wanted) != 0 || e.epoch.Load().committed != 1 {
		t.Errorf("%d batches wanted, committed %d", len(e.wanted), e.epoch.Load().committed)
	}
}

// TestServeBodies: from the pool and from batches in flight, within a message.
func TestServeBodies(t *testing.T) {
	w := newWorld(t, 4)
	m := w.members[1]
	e := m.build()
	pooled, flying, unknown := transaction(1, 10), transaction(2, 10), transaction(3, 10)
	m.pool = append(m.pool, pooled)
	e.bodies.put(common.Hash{1}, 1, []*types.Transaction{flying})
	if got := e.ServeBodies([]common.Hash{pooled.Hash(), flying.Hash(), unknown.Hash()}); len(got) != 2 {
		t.Errorf("%d bodies served, want 2", len(got))
	}
	e.cfg.Limits.MessageBytes = int(pooled.Size()) + 10
	if got := e.ServeBodies([]common.Hash{pooled.Hash(), flying.Hash()}); len(got) != 1 {
		t.Errorf("%d bodies served beyond the bound", len(got))
	}
}

// TestAdoptBuiltKnowsItsBatch: the bodies of an own batch are not given to an
// empty one of another primary at the same place.
func TestAdoptBuiltKnowsItsBatch(t *testing.T) {
	w := newWorld(t, 4)
	e := w.members[1].build()
	mine := []*types.Transaction{transaction(1, 1)}
	e.building = built{hash: consensus.HashOfTransactions([]common.Hash{mine[0].Hash()}), txs: mine}
	empty, own := w.proposal(0), w.proposal(1, mine...)
	e.adoptBuilt(&pbft.Ready{Persist: []pbft.Record{{Vote: empty.Vote, Batch: empty.Batch}}})
	if e.bodies.txs(empty.Vote.Digest) != nil {
		t.Error("an empty batch got bodies")
	}
	e.adoptBuilt(&pbft.Ready{Persist: []pbft.Record{{Vote: own.Vote, Batch: own.Batch}}})
	if len(e.bodies.txs(own.Vote.Digest)) != 1 {
		t.Error("the own batch got no bodies")
	}
}
