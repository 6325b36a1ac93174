package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// recover ends the epoch with block seq, as an operator does while nobody runs.
func (w *world) recover(seq consensus.Seq) {
	before := w.rulesAt(seq + 1)
	after := *before
	after.Epoch, after.First = before.Epoch+1, seq+1
	w.after = &after
}

// TestRecoveredEpoch: after a recovery everybody begins in the epoch that it opens,
// without a checkpoint, in the middle of an epoch and at its end; who is below the cut
// enters it when block sync brings the block, though nobody makes another one.
func TestRecoveredEpoch(t *testing.T) {
	for _, blocks := range []int{2, 4} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 4)
			stop := w.startAll()
			late := w.members[3]
			for nonce := range uint64(blocks) {
				if nonce == 1 {
					if err := late.kill(); err != nil {
						t.Error(err)
					}
				}
				for _, m := range w.members {
					if m.running() != nil { // a block sync takes nothing out of these pools
						m.submit(transaction(nonce, 10))
					}
				}
				pass(time.Second)
			}
			stop()
			if blocks == 4 { // no checkpoint was stable
				for _, m := range w.members {
					m.journal = withoutKind(m.journal, byte(pbft.RecordStable))
				}
			}
			w.recover(consensus.Seq(blocks))
			defer w.startAll()()
			pass(10 * time.Second)
			for _, m := range w.members {
				if len(m.chain) != blocks || m.report(t).Epoch != w.after.Epoch || m.report(t).Mode != consensus.Normal {
					t.Errorf("%d blocks: member %d has %d, epoch %d, %s", blocks, m.i, len(m.chain), m.report(t).Epoch, m.report(t).Line)
				}
			}
			w.submitAll(20)
			pass(2 * time.Second)
			for _, m := range w.members {
				if len(m.chain) != blocks+1 {
					t.Errorf("member %d has %d blocks, want %d", m.i, len(m.chain), blocks+1)
				}
			}
		})
	}
}

func withoutKind(records []JournalRecord, kind byte) (out []JournalRecord) {
	for _, r := range records {
		if r.Kind != kind {
			out = append(out, r)
		}
	}
	return out
}

func (m *member) report(t *testing.T) consensus.Report {
	t.Helper()
	r, err := m.running().Report(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestVotesAboveACut: a journal may hold votes about blocks that a recovery has given to
// a later epoch. They are passed over, all others are kept.
func TestVotesAboveACut(t *testing.T) {
	record := func(kind pbft.RecordKind, seq consensus.Seq, e consensus.Epoch) pbft.Record {
		h := consensus.BatchHeader{Epoch: e, Seq: seq}
		return pbft.Record{Kind: kind, Seq: seq, Batch: &consensus.Batch{Header: h}, Prepared: &consensus.PreparedCertificate{Header: h}}
	}
	now := &consensus.EpochRules{Epoch: 3, First: 8, Params: consensus.DefaultParams()}
	kept := withoutCut([]pbft.Record{
		record(pbft.RecordProposal, 7, 2), record(pbft.RecordProposal, 8, 2), record(pbft.RecordProposal, 8, 3),
		record(pbft.RecordPrepared, 7, 2), record(pbft.RecordPrepared, 9, 2), record(pbft.RecordPrepared, 9, 3),
		{Kind: pbft.RecordOpened, Opened: &pbft.Opened{Epoch: 2}},
	}, now)
	if len(kept) != 5 {
		t.Fatalf("%d records are left: %+v", len(kept), kept)
	}
	for _, r := range kept {
		if r.Batch != nil && r.Seq >= now.First && r.Batch.Header.Epoch < now.Epoch {
			t.Errorf("kept: kind %d seq %d epoch %d", r.Kind, r.Seq, r.Batch.Header.Epoch)
		}
	}
}
