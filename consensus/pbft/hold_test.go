package pbft

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// past is what a replica finds of itself when it starts.
type past struct {
	voted   Voted
	journal []Record
	shown   []*consensus.Vote // by validator 0, in its answer
	answers int               // how many others answer
	claims  consensus.Seq     // what validator 2 claims to have committed
}

func opened(e, hold consensus.Epoch) Record {
	return Record{Kind: RecordOpened, Opened: &Opened{Epoch: e, Hold: hold}}
}

// begin starts validator 1 of four with a past.
func begin(t *testing.T, p past) *Replica {
	t.Helper()
	st := testStart(t, p.journal...)
	st.Voted = p.voted
	r, err := New(Config{Self: testSet(t, 4).Address(1)}, st)
	if err != nil {
		t.Fatal(err)
	}
	for k, i := range []int{0, 2, 3}[:p.answers] {
		status := &consensus.Status{Mode: consensus.Normal, Answer: true}
		if k == 0 {
			status.Yours = p.shown
		}
		if i == 2 {
			status.Committed = p.claims
		}
		step(t, r, Message{Status: status, From: addr(i)})
	}
	return r
}

func own(kind consensus.Kind, e consensus.Epoch, v consensus.View, seq consensus.Seq) *consensus.Vote {
	return &consensus.Vote{Kind: kind, Epoch: e, Sender: 1, View: v, Seq: seq, Digest: common.Hash{9}, Signature: consensus.Signature{1}}
}

// TestStartHandshake: what a replica may vote after each past (docs/protocol.md,
// Starting).
func TestStartHandshake(t *testing.T) {
	b := batchAt(t, 1, testGenesis, nil)
	proposal := Record{Kind: RecordProposal, Seq: 1, Vote: vote(consensus.PrePrepare, 0, 1, b.Digest()), Batch: b}
	never, zero, two := Voted{Known: true}, Voted{Known: true, Ever: true}, Voted{Known: true, Ever: true, Epoch: 2}
	for name, c := range map[string]struct {
		past
		starting bool
		hold     consensus.Epoch
		why      consensus.Held
	}{
		"a birth":                               {past{voted: never, answers: 2}, false, 0, 0},
		"a birth, one answer":                   {past{voted: never, answers: 1}, true, 0, 0},
		"a birth, shown a vote":                 {past{voted: never, answers: 3, shown: []*consensus.Vote{own(consensus.Commit, 0, 0, 5)}}, false, 1, consensus.HeldNoVotes},
		"a birth, shown a vote, two answers":    {past{voted: never, answers: 2, shown: []*consensus.Vote{own(consensus.Commit, 0, 0, 5)}}, true, 0, 0},
		"intact":                                {past{voted: zero, journal: []Record{opened(0, 0), proposal}, answers: 2}, false, 0, 0},
		"intact, newer than the file":           {past{voted: never, journal: []Record{opened(0, 0), proposal}, answers: 2}, false, 0, 0},
		"intact, shown its own vote":            {past{voted: zero, journal: []Record{opened(0, 0), proposal}, answers: 2, shown: []*consensus.Vote{own(consensus.Prepare, 0, 0, 1)}}, false, 0, 0},
		"intact, shown a CHECKPOINT":            {past{voted: zero, journal: []Record{opened(0, 0), proposal}, answers: 2, shown: []*consensus.Vote{own(consensus.Checkpoint, 0, 0, 64)}}, false, 0, 0},
		"restored, shown a later PREPARE":       {past{voted: zero, journal: []Record{opened(0, 0), proposal}, answers: 2, shown: []*consensus.Vote{own(consensus.Prepare, 0, 0, 2)}}, false, 1, consensus.HeldShown},
		"restored, shown a later view":          {past{voted: zero, journal: []Record{opened(0, 0), proposal}, answers: 2, shown: []*consensus.Vote{own(consensus.Prepare, 0, 1, 1)}}, false, 1, consensus.HeldShown},
		"restored with the file, shown epoch 3": {past{voted: zero, journal: []Record{opened(0, 0), proposal}, answers: 3, shown: []*consensus.Vote{own(consensus.Prepare, 3, 0, 200)}}, false, 4, consensus.HeldShown},
		"the journal is older than the file":    {past{voted: two, journal: []Record{opened(0, 0), proposal}, answers: 2}, false, 3, consensus.HeldOld},
		"wiped":                                 {past{voted: two, answers: 2}, false, 3, consensus.HeldNoVotes},
		"wiped, with a stray stable record":     {past{voted: two, journal: []Record{{Kind: RecordStable, Stable: &consensus.CheckpointCertificate{}}}, answers: 2}, false, 3, consensus.HeldNoVotes},
		"no file":                               {past{journal: []Record{opened(0, 0), proposal}, answers: 3}, false, 1, consensus.HeldNoFile},
		"no file, q − 1 answers":                {past{journal: []Record{opened(0, 0), proposal}, answers: 2}, true, 0, 0},
		"no file, an unproved claim":            {past{answers: 3, claims: 70}, true, 0, 0},
		"held before":                           {past{voted: zero, journal: []Record{opened(0, 1)}, answers: 2}, false, 1, 0},
	} {
		r := begin(t, c.past)
		if r.starting != c.starting || !c.starting && (r.opened.Hold != c.hold || r.opened.Why != c.why) {
			t.Errorf("%s: starting %v, held below %d (%s)", name, r.starting, r.opened.Hold, r.opened.Why)
		}
		if want := !c.starting && c.hold == 0; r.mayVote() != want {
			t.Errorf("%s: may vote is %v", name, !want)
		}
	}
}

// TestHoldIsDurableFirst: the hold stands in the journal before anything else,
// a second restart finds it, and it ends with its epoch.
func TestHoldIsDurableFirst(t *testing.T) {
	r := begin(t, past{voted: Voted{Known: true, Ever: true}, answers: 2})
	rd := r.Ready()
	if len(rd.Persist) != 1 || rd.Persist[0].Kind != RecordOpened || rd.Persist[0].Opened.Hold != 1 || rd.Held == nil {
		t.Fatalf("%+v", rd)
	}
	if rep := r.Report(); rep.Mode != consensus.HeldBack || rep.Held == "" || rep.Stands != "" {
		t.Errorf("%+v", rep)
	}
	b := batchAt(t, 1, testGenesis, nil)
	step(t, r, propose(b))
	step(t, r, BatchChecked{Digest: b.Digest()})
	step(t, r, Tick{Ticks: 1000, NowMs: 1_000_001}) // and no timer makes it ask
	for _, m := range r.Ready().Messages {
		if m.Vote != nil {
			t.Errorf("a held replica sends %s", m.Vote.Kind)
		}
	}
	again := begin(t, past{voted: Voted{Known: true, Ever: true}, journal: []Record{{Kind: RecordOpened, Opened: rd.Persist[0].Opened}}, answers: 2})
	if again.mayVote() {
		t.Error("a second restart forgets the hold")
	}
	set := testSet(t, 4)
	step(t, again, Synced{Head: Head{Seq: 64, Digest: common.Hash{6}, BlockHash: common.Hash{6}}, Epoch: epochAt(1, set, common.Hash{6})})
	if again.held() || !again.mayVote() {
		t.Errorf("the hold does not end: %s", again)
	}
	rd = again.Ready()
	last := rd.Persist[len(rd.Persist)-1]
	if last.Kind != RecordOpened || last.Opened.Epoch != 1 {
		t.Errorf("the journal is not extended to the epoch: %+v", rd.Persist)
	}
}

// TestTwin: a newer vote with the own signature, while running, stops voting
// until the next epoch.
func TestTwin(t *testing.T) {
	r := newTestReplica(t, 1)
	b := batchAt(t, 1, testGenesis, nil)
	step(t, r, propose(b))
	step(t, r, BatchChecked{Digest: b.Digest()})
	mine := vote(consensus.Prepare, 1, 1, b.Digest())
	step(t, r, Message{Vote: mine})
	if r.held() {
		t.Fatal("the own vote is taken for a twin's")
	}
	_ = r.Step(Message{Vote: vote(consensus.Prepare, 1, 2, b.Digest())})
	if rd := r.Ready(); !r.held() || rd.Held == nil || rd.Held.Why != consensus.HeldTwin {
		t.Error("a twin goes unnoticed")
	}
}

// TestForgiven: after the operator's word votes of this epoch may be forgotten,
// those of the next may not.
func TestForgiven(t *testing.T) {
	forgiven := Record{Kind: RecordOpened, Opened: &Opened{Forgiven: true}}
	p := past{voted: Voted{Known: true, Ever: true}, journal: []Record{forgiven}, answers: 2, shown: []*consensus.Vote{own(consensus.Commit, 0, 0, 5)}}
	if r := begin(t, p); !r.mayVote() {
		t.Errorf("held back after --forget-votes: %s", r)
	}
	p.shown = []*consensus.Vote{own(consensus.Commit, 1, 0, 70)}
	if r := begin(t, p); r.mayVote() {
		t.Error("a vote of a later epoch is forgiven")
	}
}

// TestForgivenForItsEpoch: the operator's word ends with the epoch that it was
// given for, also when the chain is behind that.
func TestForgivenForItsEpoch(t *testing.T) {
	word := Record{Kind: RecordOpened, Opened: &Opened{Epoch: 2, Forgiven: true}}
	r := begin(t, past{voted: Voted{Known: true, Ever: true, Epoch: 2}, journal: []Record{word}, answers: 2})
	for e := consensus.Epoch(0); e <= 3; e++ {
		if e > 0 {
			end := consensus.Seq(uint64(e) * r.params.EpochLength)
			step(t, r, Synced{Head: Head{Seq: end, Digest: common.Hash{6}, BlockHash: common.Hash{6}}, Epoch: epochAt(e, testSet(t, 4), common.Hash{6})})
		}
		if want := (Opened{Epoch: max(e, 2), Forgiven: e <= 2}); r.opened != want {
			t.Errorf("epoch %d: %+v, want %+v", e, r.opened, want)
		}
	}
}

// TestWithoutTheFile: the hold ends after the epoch of the seq that follows what
// is committed, and no later.
func TestWithoutTheFile(t *testing.T) {
	for seq, want := range map[consensus.Seq]consensus.Epoch{0: 1, 62: 1, 63: 1} {
		st := testStart(t)
		st.Voted = Voted{}
		if seq > 0 {
			st.Head = Head{Seq: seq, Digest: common.Hash{6}, BlockHash: common.Hash{6}, Certificate: certificateOf(0, batchAt(t, seq, common.Hash{5}, nil))}
		}
		r, err := New(Config{Self: testSet(t, 4).Address(1)}, st)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 2, 3} {
			step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true, Committed: seq}, From: addr(i)})
		}
		if r.starting || r.opened.Hold != want || r.opened.Why != consensus.HeldNoFile {
			t.Errorf("head %d: starting %v, held below %d (%s), want %d", seq, r.starting, r.opened.Hold, r.opened.Why, want)
		}
	}
}

// TestWhoExtendsTheJournal: with every epoch a validator that may vote, nobody
// while it starts, and no observer.
func TestWhoExtendsTheJournal(t *testing.T) {
	next := Synced{Head: Head{Seq: 64, Digest: common.Hash{6}, BlockHash: common.Hash{6}}, Epoch: epochAt(1, testSet(t, 4), common.Hash{6})}
	starting := begin(t, past{voted: Voted{Known: true, Ever: true}, journal: []Record{opened(0, 0)}, answers: 1})
	observer, err := New(Config{Self: common.Address{1}}, testStart(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		step(t, observer, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
	}
	for name, row := range map[string]struct {
		r    *Replica
		want int
	}{
		"validator 0": {newReplica(t, 0, nil), 1},
		"starting":    {starting, 0},
		"observer":    {observer, 0},
	} {
		row.r.Ready()
		step(t, row.r, next)
		if recs := records(row.r.Ready(), RecordOpened); len(recs) != row.want || row.want > 0 && recs[0].Opened.Epoch != 1 {
			t.Errorf("%s: %+v", name, recs)
		}
	}
}

// TestNoQuorumLeft: when too many have lost their journals, the report names
// them and the way out.
func TestNoQuorumLeft(t *testing.T) {
	r := begin(t, past{voted: Voted{Known: true, Ever: true}, answers: 2})
	step(t, r, Message{Status: &consensus.Status{Mode: consensus.HeldBack}, From: addr(3)})
	if rep := r.Report(); rep.Stands == "" {
		t.Errorf("%+v", rep)
	}
}

// TestFlushForHeld: the primary carries an idle chain with empty batches to the
// end of the epoch when somebody is held back, and then not for an hour.
func TestFlushForHeld(t *testing.T) {
	r := newTestReplica(t, 0)
	if r.slots[1] != nil {
		t.Fatal("an idle chain proposes")
	}
	step(t, r, Message{Status: &consensus.Status{Mode: consensus.HeldBack}, From: addr(3)})
	for range 8 {
		step(t, r, Tick{Ticks: 1, NowMs: 1_000_001})
	}
	for n := consensus.Seq(1); n <= 8; n++ {
		if s := r.slots[n]; s == nil || s.batch.Header.TxCount != 0 {
			t.Fatalf("no empty batch at %d", n)
		}
	}
	step(t, r, Synced{Head: Head{Seq: 64, Digest: common.Hash{6}, BlockHash: common.Hash{6}}, Epoch: epochAt(1, testSet(t, 4), common.Hash{6})})
	step(t, r, Message{Status: &consensus.Status{Epoch: 1, Mode: consensus.HeldBack}, From: addr(3)})
	step(t, r, Tick{Ticks: 100, NowMs: 1_001_001})
	if r.slots[65] != nil {
		t.Error("empty batches again at once")
	}
	step(t, r, Tick{Ticks: flushEveryMs / consensus.TickMs, NowMs: 5_000_000})
	if r.slots[65] == nil {
		t.Error("no empty batches after an hour")
	}
}

// TestRestartedWitness: all have restarted, and one of them from an old copy of
// everything. The journals and the heads of the others still hold its newer
// votes, and their answers tell it (e2e: ForgetfulPrimary, whole folder).
func TestRestartedWitness(t *testing.T) {
	b := batchAt(t, 2, common.Hash{1}, nil)
	signers := consensus.NewBitset(4)
	for i := range 3 {
		signers.Set(i)
	}
	head := Head{Seq: 1, Digest: common.Hash{1}, BlockHash: common.Hash{1}, Certificate: &consensus.CommitCertificate{
		Seq: 1, BatchDigest: common.Hash{1}, BlockHash: common.Hash{1}, Signers: signers, Signatures: []consensus.Signature{{1}, {2}, {3}},
	}}
	st := testStart(t, opened(0, 0),
		Record{Kind: RecordProposal, Seq: 2, Vote: vote(consensus.PrePrepare, 0, 2, b.Digest()), Batch: b},
		Record{Kind: RecordPrepared, Seq: 2, BlockHash: common.Hash{7}, Prepared: consensus.NewPreparedCertificate(0, b.Header, []*consensus.Vote{
			vote(consensus.PrePrepare, 0, 2, b.Digest()), vote(consensus.Prepare, 2, 2, b.Digest()), vote(consensus.Prepare, 3, 2, b.Digest()),
		}, 4)},
		Record{Kind: RecordViewChange, Vote: &consensus.Vote{Kind: consensus.ViewChange, Sender: 1, View: 1, Change: &consensus.ViewChangeBody{View: 1}}})
	st.Head = head
	witness, err := New(Config{Self: testSet(t, 4).Address(1)}, st)
	if err != nil {
		t.Fatal(err)
	}
	for sender, want := range map[int]map[consensus.Kind]consensus.Seq{
		0: {consensus.PrePrepare: 2, consensus.Commit: 1},
		2: {consensus.Prepare: 2, consensus.Commit: 1},
		3: {consensus.Prepare: 2},
	} {
		step(t, witness, Message{Status: &consensus.Status{Mode: consensus.Starting}, From: addr(sender)})
		rd := witness.Ready()
		got := map[consensus.Kind]consensus.Seq{}
		for _, m := range rd.Messages {
			if m.To == addr(sender) && m.Status != nil && m.Status.Answer {
				for _, v := range m.Status.Yours {
					if got[v.Kind] = v.Seq; int(v.Sender) != sender || v.Signature == (consensus.Signature{}) {
						t.Errorf("validator %d is shown %+v", sender, v)
					}
				}
			}
		}
		if len(got) != len(want) {
			t.Errorf("validator %d is shown %v, want %v", sender, got, want)
		}
		for kind, seq := range want {
			if got[kind] != seq {
				t.Errorf("validator %d is shown %s %d, want %d", sender, kind, got[kind], seq)
			}
		}
	}
}
