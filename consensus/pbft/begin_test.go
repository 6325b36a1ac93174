package pbft

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestDefaults: what a config leaves out.
func TestDefaults(t *testing.T) {
	r, err := New(Config{Self: testSet(t, 4).Address(1), Params: testParams()}, testStart(t))
	if err != nil || r.cfg.FullBatch != DefaultFullBatch {
		t.Errorf("full batch %d, %v", r.cfg.FullBatch, err)
	}
	bad := testParams()
	bad.EpochLength = 0
	if _, err := New(Config{Self: testSet(t, 4).Address(1), Params: bad}, testStart(t)); err == nil {
		t.Error("bad parameters were taken")
	}
}

// TestWrongStarts: a head without its certificate, and one of another epoch.
func TestWrongStarts(t *testing.T) {
	b := chain(t, 1)[0]
	for name, row := range map[string]struct {
		head Head
		e    consensus.Epoch
		ok   bool
	}{
		"genesis":               {Head{}, 0, true},
		"with its certificate":  {Head{Seq: 1, Certificate: certificateOf(0, b)}, 0, true},
		"without":               {Head{Seq: 1}, 0, false},
		"with another one":      {Head{Seq: 2, Certificate: certificateOf(0, b)}, 0, false},
		"boundary, next epoch":  {Head{Seq: 64}, 1, true},
		"boundary, same epoch":  {Head{Seq: 64, Certificate: &consensus.CommitCertificate{Seq: 64}}, 0, true},
		"inside, another epoch": {Head{Seq: 65, Certificate: &consensus.CommitCertificate{Epoch: 1, Seq: 65}}, 0, false},
		"before the epoch":      {Head{Seq: 10}, 1, false},
	} {
		st := testStart(t)
		st.Head, st.Epoch.Epoch = row.head, row.e
		r, err := New(Config{Self: testSet(t, 4).Address(1), Params: testParams()}, st)
		if (err == nil) != row.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && row.head.Certificate != nil && r.baseSeq() != row.head.Seq {
			t.Errorf("%s: base %d", name, r.baseSeq())
		}
	}
}

// TestStableFromTheJournal: who is an epoch behind is still sent the checkpoint
// after a restart.
func TestStableFromTheJournal(t *testing.T) {
	stable := &consensus.CheckpointCertificate{Epoch: 5, Seq: 384}
	r := newReplica(t, 1, nil, Record{Kind: RecordStable, Stable: stable})
	settle(t, r)
	r.Greet(2)
	r.Ready()
	if got := told(t, r, consensus.Status{Mode: consensus.Normal, Epoch: 5}); len(got) != 1 || got[0].Checkpoint != stable {
		t.Errorf("%+v", got)
	}
}

// TestWhatTheHoldKnows: the file decides alone while nothing newer is shown;
// the record never loses an epoch; the operator reads why.
func TestWhatTheHoldKnows(t *testing.T) {
	two := Voted{Known: true, Ever: true, Epoch: 2}
	shown := []*consensus.Vote{own(consensus.Prepare, 2, 0, 150)}
	if r := begin(t, past{voted: two, journal: []Record{opened(0, 0)}, answers: 2, shown: shown}); r.starting || r.opened.Hold != 3 {
		t.Errorf("shown a vote of the file's epoch: starting %v, held below %d", r.starting, r.opened.Hold)
	}
	if r := begin(t, past{voted: two, journal: []Record{opened(2, 0)}, answers: 2}); r.starting || r.opened.Epoch != 2 || r.opened.Hold != 0 {
		t.Errorf("the chain is behind the journal: %+v", r.opened)
	}
	if held := begin(t, past{answers: 2}).Report().Held; !strings.Contains(held, "file beside the key") || !strings.Contains(held, "waiting") {
		t.Errorf("without the file: %q", held)
	}
	if held := begin(t, past{voted: two, answers: 1}).Report().Held; held != "" {
		t.Errorf("while starting: %q", held)
	}
	if held := begin(t, past{voted: two, answers: 2}).Report().Held; !strings.Contains(held, "epoch 3") || !strings.Contains(held, "block 192") {
		t.Errorf("held: %q", held)
	}
}

// TestNoProposalWhereSomethingIsKnown: the primary leaves places alone that are
// certified or voted on in its name.
func TestNoProposalWhereSomethingIsKnown(t *testing.T) {
	b := chain(t, 1)[0]
	for name, in := range map[string]Input{
		"a certificate": Message{Certificate: certificateOf(0, b)},
		"an own vote":   Message{Vote: vote(consensus.PrePrepare, 0, 1, common.Hash{4})},
	} {
		r := newReplica(t, 0, nil)
		settle(t, r)
		r.marks[consensus.PrePrepare] = mark{0, 5, true} // it is no twin's
		step(t, r, in)
		step(t, r, Pool{Executable: 9, Oldest: 1})
		if rd := speak(t, r); rd.Build != nil {
			t.Errorf("%s: builds for %d", name, rd.Build.Seq)
		}
	}
}

// TestFetchFarIntoTheEpoch: the window of requests moves with the head.
func TestFetchFarIntoTheEpoch(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	step(t, r, Synced{Head: Head{Seq: 30, Digest: common.Hash{9}, BlockHash: common.Hash{8}, TimeMs: 1_000_000}})
	for _, seq := range []consensus.Seq{31, 46} {
		step(t, r, Message{Certificate: certificateOf(0, batchAt(t, seq, common.Hash{9}, nil))})
		if got := fetches(settle(t, r), consensus.FetchBatch); len(got) != 2 {
			t.Errorf("seq %d: asked are %v", seq, got)
		}
	}
}
