package pbft

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestDefaults: what a config leaves out.
func TestDefaults(t *testing.T) {
	r, err := New(Config{Self: testSet(t, 4).Address(1)}, testStart(t))
	if err != nil || r.cfg.FullBatch != DefaultFullBatch {
		t.Errorf("full batch %d, %v", r.cfg.FullBatch, err)
	}
	if r, err := New(Config{Self: testSet(t, 4).Address(1), FullBatch: 1}, testStart(t)); err != nil || r.cfg.FullBatch != 1 {
		t.Errorf("full batch %d, %v", r.cfg.FullBatch, err)
	}
	bad := testStart(t)
	bad.Epoch.Params.EpochLength = 0
	if _, err := New(Config{Self: testSet(t, 4).Address(1)}, bad); err == nil {
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
		st.Head, st.Epoch = row.head, testEpoch(row.e, testSet(t, 4), testGenesis)
		r, err := New(Config{Self: testSet(t, 4).Address(1)}, st)
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
	r.Greet(addr(2))
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

// TestObserver: who is outside the set hears the others, watches, and says
// nothing.
func TestObserver(t *testing.T) {
	r, err := New(Config{Self: common.Address{1}}, startOf(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
	}
	b := chain(t, 1)[0]
	give(t, r, 0, 0, b)
	step(t, r, Message{Certificate: certificateOf(0, b)})
	rd := settle(t, r)
	if r.starting || r.committed.Seq != 1 || r.highest != 1 || len(rd.Committed) != 1 {
		t.Errorf("%v, starting %v", r, r.starting)
	}
	if r.mode() != consensus.Normal || len(records(rd, RecordOpened)) != 0 || r.Report().Held != "" {
		t.Errorf("%v: it has no votes to remember: %q", r, r.Report().Held)
	}
	for _, m := range rd.Messages {
		if m.Vote != nil {
			t.Errorf("votes %s", m.Vote.Kind)
		}
	}
}

// TestAlone: a network of one tells nobody anything.
func TestAlone(t *testing.T) {
	set := testSet(t, 1)
	r, err := New(Config{Self: set.Address(0)}, Start{Head: Head{Digest: testGenesis}, Epoch: testEpoch(0, set, testGenesis), Voted: Voted{Known: true}})
	if err != nil || r.starting {
		t.Fatalf("%v: %v", r, err)
	}
	step(t, r, Tick{Ticks: 1, NowMs: 1})
	if rd := settle(t, r); len(rd.Messages) != 0 {
		t.Errorf("%+v", rd.Messages)
	}
}

// TestMarksFromTheJournal: the NEW-VIEW of another is no own vote; PREPAREs for
// its O are.
func TestMarksFromTheJournal(t *testing.T) {
	b := chain(t, 1)[0]
	changes := []*consensus.Vote{asks(0, 2, nil, proofOf(0, b)), asks(2, 2, nil), asks(3, 2, nil)}
	rec := Record{Kind: RecordNewView, View: 2, Vote: opens(2, changes...), Changes: changes}
	for self, opened := range map[int]bool{1: false, 2: true} {
		r := newReplica(t, self, nil, rec)
		if m := r.marks[consensus.NewView]; m.any != opened {
			t.Errorf("validator %d: NEW-VIEW %+v", self, m)
		}
		if m := r.marks[consensus.Prepare]; m != (mark{2, 1, true}) {
			t.Errorf("validator %d: PREPARE %+v", self, m)
		}
	}
}

// TestNoQuorumCanVote: those who are held back are named, and the way out.
func TestNoQuorumCanVote(t *testing.T) {
	r := newReplica(t, 1, nil)
	set := testSet(t, 4)
	for k, i := range []int{2, 3} {
		step(t, r, Message{From: addr(i), Status: &consensus.Status{Mode: consensus.HeldBack}})
		text := r.Report().Stands
		if (text != "") != (k == 1) || k == 1 && (!strings.Contains(text, set.Address(2).Hex()) || !strings.Contains(text, set.Address(3).Hex()) || strings.Contains(text, set.Address(0).Hex())) {
			t.Errorf("%d held back: %q", k+1, text)
		}
	}
}

// TestLargestBatch: as many transactions as the epoch allows, and no more.
func TestLargestBatch(t *testing.T) {
	r := newReplica(t, 1, func(p *consensus.Params) { p.MaxBatchTransactions = 1 })
	give(t, r, 0, 0, filled(t, 1, testGenesis))
	if settle(t, r); !r.slots[1].accepted {
		t.Error("the largest batch is refused")
	}
}

// TestSyncWithinTheEpoch: block sync inside the epoch leaves view and votes
// alone.
func TestSyncWithinTheEpoch(t *testing.T) {
	bs := chain(t, 1)
	r := newReplica(t, 1, nil)
	settle(t, r)
	enterView(t, r, 2, nil)
	head := Head{Seq: 1, Digest: bs[0].Digest(), BlockHash: blockOf(bs[0].Digest()), TimeMs: 1_000_001, Certificate: certificateOf(0, bs[0])}
	step(t, r, Synced{Head: head, Epoch: epochAt(0, testSet(t, 4), testGenesis)})
	if settle(t, r); r.active != 2 || r.committed.Seq != 1 || r.baseSeq() != 1 {
		t.Errorf("%v, base %d", r, r.baseSeq())
	}
}

// TestOldEntriesOfO: what was committed too long ago to be compared is passed
// over; the newest, which block sync brought, is prepared.
func TestOldEntriesOfO(t *testing.T) {
	bs := chain(t, 3)
	r := newReplica(t, 1, nil)
	settle(t, r)
	head := Head{Seq: 3, Digest: bs[2].Digest(), BlockHash: blockOf(bs[2].Digest()), TimeMs: 1_000_003}
	step(t, r, Synced{Head: head})
	settle(t, r)
	rd := enterView(t, r, 2, nil, proofOf(0, bs[0]), proofOf(0, bs[1]), proofOf(0, bs[2]))
	if votes, _ := sent(rd, consensus.Prepare); rd.Halt != nil || len(votes) != 1 || votes[0].Seq != 3 {
		t.Errorf("prepares %+v, halts: %v", votes, rd.Halt)
	}
}

// TestLastSlotOfTheWindow: it is answered like the others.
func TestLastSlotOfTheWindow(t *testing.T) {
	r := newReplica(t, 1, func(p *consensus.Params) { p.PipelineDepth = 1 })
	give(t, r, 0, 0, chain(t, 1)[0])
	settle(t, r)
	r.Greet(addr(2))
	r.Ready()
	if got := told(t, r, consensus.Status{Mode: consensus.Normal}); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	prepares(t, r, 0, chain(t, 1)[0], 3)
	settle(t, r)
	if wait, running := r.nextDeadline(); wait != 200 || !running {
		t.Errorf("the commit timer ends in %d ticks", wait)
	}
}

// TestStarInTheLine: of the primary of the next seq.
func TestStarInTheLine(t *testing.T) {
	r := newReplica(t, 1, func(p *consensus.Params) { p.PrimarySpan = 1 })
	step(t, r, Synced{Head: Head{Seq: 1, Digest: common.Hash{1}, TimeMs: 1}})
	if rep := r.Report(); !rep.IsPrimary || rep.Primary != testSet(t, 4).Address(1) {
		t.Errorf("primary is %s", rep.Primary)
	}
	if got, want := r.String(), "1* e0 v0 n=1 [2,10) normal"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMarksOfVotes: the kind of a vote that the journal tells of.
func TestMarksOfVotes(t *testing.T) {
	b := chain(t, 1)[0]
	proof := proofOf(0, b)
	journal := []Record{
		{Kind: RecordProposal, Seq: 1, Batch: b, Vote: vote(consensus.PrePrepare, 0, 1, b.Digest())},
		{Kind: RecordPrepared, Seq: 1, Prepared: &proof, BlockHash: blockOf(b.Digest())},
	}
	for self, kind := range map[int]consensus.Kind{0: consensus.PrePrepare, 1: consensus.Prepare} {
		r, err := New(Config{Self: testSet(t, 4).Address(self)}, startOf(t, journal...))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []consensus.Kind{consensus.PrePrepare, consensus.Prepare, consensus.Commit} {
			if want := k == kind || k == consensus.Commit; r.marks[k].any != want || want && r.marks[k].seq != 1 {
				t.Errorf("validator %d: %s %+v", self, k, r.marks[k])
			}
		}
	}
}

// TestRecordsOfTheEpoch: those above the base, up to the epoch's last.
func TestRecordsOfTheEpoch(t *testing.T) {
	r := newReplica(t, 1, nil)
	r.base = certificateOf(0, chain(t, 3)[2])
	for seq, want := range map[consensus.Seq]bool{0: false, 3: false, 4: true, 64: true, 65: false} {
		if r.ofEpoch(seq) != want {
			t.Errorf("seq %d: %v", seq, !want)
		}
	}
}

// TestFinalRecords: what the journal holds at or below the head makes no slot.
func TestFinalRecords(t *testing.T) {
	b := chain(t, 1)[0]
	st := startOf(t, Record{Kind: RecordProposal, Seq: 1, Batch: b, Vote: vote(consensus.PrePrepare, 0, 1, b.Digest())})
	st.Head = Head{Seq: 1, Digest: b.Digest(), BlockHash: blockOf(b.Digest()), Certificate: certificateOf(0, b)}
	r, err := New(Config{Self: testSet(t, 4).Address(1)}, st)
	if err != nil || len(r.slots) != 0 || len(r.memories) != 0 {
		t.Errorf("%d slots, %d memories, %v", len(r.slots), len(r.memories), err)
	}
}
