package engine

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestEvidenceSpreads: one member sees two statements of a validator; all keep
// the proof, over a restart too, and accuse once; a late one is told on connect.
func TestEvidenceSpreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		end := w.startAll()
		late := w.members[1]
		if err := late.kill(); err != nil {
			t.Fatal(err)
		}
		for _, digest := range []byte{1, 2} {
			v := w.sign(3, consensus.Vote{Kind: consensus.Prepare, Seq: 2, Digest: common.Hash{digest}})
			if verdict, err := w.members[0].running().Receive(w.members[3].address, seal(wireVote, v.Encode())); verdict != Accept {
				t.Fatal(verdict, err)
			}
		}
		pass(time.Second)
		late.start()
		w.members[0].running().Connected(late.address)
		pass(time.Second)
		for _, m := range w.members {
			first, held, err := m.running().Evidence(t.Context())
			if err != nil || first != 0 || len(held) != 1 || m.running().Counts().Evidence[consensus.FaultEquivocation] != 1 {
				t.Errorf("member %d shows %+v from %d, counts %v, %v", m.i, held, first, m.running().Counts().Evidence, err)
			}
		}
		end()
		for _, m := range w.members {
			held := m.build().evidence.kept
			if len(held) != 1 || held[0].Offender != 3 || len(m.accused) != 1 {
				t.Errorf("member %d holds %d pieces of evidence and accused %d times", m.i, len(held), len(m.accused))
			}
		}
	})
}

// TestReceiveEvidence: forged evidence is its bearer's fault; that of another
// epoch is nobody's.
func TestReceiveEvidence(t *testing.T) {
	w := newWorld(t, 4)
	e := w.members[1].build()
	prepare := func(epoch consensus.Epoch, digest byte) *consensus.Vote {
		return w.sign(3, consensus.Vote{Kind: consensus.Prepare, Epoch: epoch, Seq: 2, Digest: common.Hash{digest}})
	}
	forged := prepare(0, 2)
	forged.Signature[3]++
	for name, c := range map[string]struct {
		second *consensus.Vote
		epoch  consensus.Epoch
		want   Verdict
	}{
		"good":               {prepare(0, 2), 0, Accept},
		"the same statement": {prepare(0, 1), 0, Reject},
		"forged":             {forged, 0, Reject},
		"another epoch":      {prepare(1, 2), 1, Ignore},
	} {
		ev := consensus.Evidence{Offender: 3, First: prepare(c.epoch, 1), Second: c.second}
		if got, err := e.Receive(w.members[2].address, seal(wireEvidence, ev.Encode())); got != c.want {
			t.Errorf("%s: verdict %d, want %d (%v)", name, got, c.want, err)
		}
	}
}

// TestEvidenceBookIsBounded: the oldest goes, in memory and on disk.
func TestEvidenceBookIsBounded(t *testing.T) {
	w := newWorld(t, 4)
	var b, again evidenceBook
	var disk []JournalRecord
	for i := range maxEvidence + 3 {
		v := w.sign(3, consensus.Vote{Kind: consensus.Prepare, Epoch: consensus.Epoch(i)})
		rec := b.add(&consensus.Evidence{Offender: 3, First: v, Second: v})
		disk = slices.DeleteFunc(disk, func(o JournalRecord) bool { return o.View == rec.View })
		disk = append(disk, rec)
	}
	if err := again.restore(disk); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*evidenceBook{&b, &again} {
		if len(b.kept) != maxEvidence || b.kept[0].First.Epoch != 3 || b.count != maxEvidence+3 {
			t.Errorf("%d pieces from epoch %d on, %d ever", len(b.kept), b.kept[0].First.Epoch, b.count)
		}
	}
}
