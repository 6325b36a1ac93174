package pbft

import (
	"errors"
	"math"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// The tests of this file feed one replica, validator 1 of four, with primary 0.
// They stand inside the package for the one rule that needs a view above 0.

var testGenesis = common.Hash{0xee}

func testSet(t *testing.T, n int) *consensus.ValidatorSet {
	t.Helper()
	var addresses []common.Address
	for i := range n {
		addresses = append(addresses, addr(i))
	}
	set, err := consensus.NewValidatorSet(addresses)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func testStart(t *testing.T, journal ...Record) Start {
	return Start{Head: Head{Digest: testGenesis, BlockHash: testGenesis}, Epoch: testEpoch(0, testSet(t, 4), common.Hash{}), NowMs: 1_000_000, Voted: Voted{Known: true}, Journal: journal}
}

// testEpoch is epoch e, if all before it are as long.
func testEpoch(e consensus.Epoch, set *consensus.ValidatorSet, parent common.Hash) EpochStart {
	p := testParams()
	rules := &consensus.EpochRules{Epoch: e, First: consensus.Seq(uint64(e)*p.EpochLength + 1), Set: set, Params: p}
	return EpochStart{EpochRules: rules, Parent: parent}
}

func epochAt(e consensus.Epoch, set *consensus.ValidatorSet, parent common.Hash) *EpochStart {
	start := testEpoch(e, set, parent)
	return &start
}

// after is the epoch after another one, with a set of its own.
func after(e *consensus.EpochRules, set *consensus.ValidatorSet, suspended ...common.Address) *consensus.EpochRules {
	return &consensus.EpochRules{Epoch: e.Epoch + 1, First: e.Last() + 1, Set: set, Suspended: suspended, Params: e.Params}
}

// addr is the address of validator i of testSet; that of −1 is nobody's.
func addr(i int) common.Address { return common.BytesToAddress([]byte{0xa0, byte(i + 1)}) }

func testParams() consensus.Params {
	p := consensus.DefaultParams()
	p.PrimarySpan = 0
	return p
}

// newTestReplica returns validator self, which has heard enough to vote.
func newTestReplica(t *testing.T, self int, journal ...Record) *Replica {
	t.Helper()
	r, err := New(Config{Self: testSet(t, 4).Address(self)}, testStart(t, journal...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if i != self {
			step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
		}
	}
	r.Ready()
	return r
}

func step(t *testing.T, r *Replica, in Input) {
	t.Helper()
	if err := r.Step(in); err != nil {
		t.Fatalf("%+v: %v", in, err)
	}
}

// vote returns a vote with a signature that nobody checks.
func vote(kind consensus.Kind, sender uint64, seq consensus.Seq, digest common.Hash) *consensus.Vote {
	return &consensus.Vote{Kind: kind, Sender: sender, Seq: seq, Digest: digest, Signature: consensus.Signature{1, byte(sender)}}
}

// batchAt returns an empty batch of the primary on parent.
func batchAt(t *testing.T, seq consensus.Seq, parent common.Hash, change func(*consensus.BatchHeader)) *consensus.Batch {
	b := &consensus.Batch{Header: consensus.BatchHeader{
		Version: consensus.BatchVersion, Seq: seq, Proposer: testSet(t, 4).Address(0), ParentDigest: parent,
		TimeMs: 1_000_000 + uint64(seq), GasLimit: testParams().BlockGasLimit, TxsHash: consensus.HashOfTransactions(nil),
	}}
	if change != nil {
		change(&b.Header)
	}
	return b
}

func propose(b *consensus.Batch) Message {
	return Message{Vote: vote(consensus.PrePrepare, 0, b.Header.Seq, b.Digest()), Batch: b}
}

// TestRejectionRules: one case or more per rule, by the rule's name.
func TestRejectionRules(t *testing.T) {
	good := batchAt(t, 1, testGenesis, nil)
	other := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs++ })
	header := func(change func(*consensus.BatchHeader)) Message { return propose(batchAt(t, 1, testGenesis, change)) }
	checked := func(b *consensus.Batch) []Input { return []Input{propose(b), BatchChecked{Digest: b.Digest()}} }
	cert := func(seq consensus.Seq, epoch consensus.Epoch) Message {
		return Message{Certificate: &consensus.CommitCertificate{Epoch: epoch, Seq: seq, BatchDigest: good.Digest()}}
	}
	d := good.Digest()
	in := func(v *consensus.Vote, change func(*consensus.Vote)) Message {
		if change != nil {
			change(v)
		}
		return Message{Vote: v}
	}
	cases := []struct {
		name   string
		before []Input
		in     Input
		want   error
	}{
		{"ErrEpoch: vote", nil, in(vote(consensus.Prepare, 2, 1, d), func(v *consensus.Vote) { v.Epoch = 1 }), ErrEpoch},
		{"ErrEpoch: certificate", nil, cert(1, 1), ErrEpoch},
		{"ErrEpoch: checkpoint", nil, Message{Checkpoint: &consensus.CheckpointCertificate{Epoch: 1, Seq: 128}}, ErrEpoch},
		{"ErrSender: vote", nil, in(vote(consensus.Prepare, 4, 1, d), nil), ErrSender},
		{"ErrSender: huge", nil, in(vote(consensus.Prepare, math.MaxUint64, 1, d), nil), ErrSender},
		{"ErrSender: STATUS of oneself", nil, Message{Status: &consensus.Status{}, From: addr(1)}, ErrSender},
		{"ErrSender: STATUS of nobody", nil, Message{Status: &consensus.Status{}, From: Everyone}, ErrSender},
		{"ErrSeqRange: genesis", nil, in(vote(consensus.Prepare, 2, 0, d), nil), ErrSeqRange},
		{"ErrSeqRange: next epoch", nil, in(vote(consensus.Prepare, 2, 65, d), nil), ErrSeqRange},
		{"ErrSeqRange: huge", nil, in(vote(consensus.Commit, 2, math.MaxUint64, d), nil), ErrSeqRange},
		{"ErrSeqRange: CHECKPOINT inside", nil, in(vote(consensus.Checkpoint, 2, 63, d), nil), ErrSeqRange},
		{"ErrSeqRange: certificate", nil, cert(65, 0), ErrSeqRange},
		{"ErrCommitted: vote", []Input{Synced{Head: Head{Seq: 3}}}, in(vote(consensus.Prepare, 2, 3, d), nil), ErrCommitted},
		{"ErrCommitted: certificate", []Input{Synced{Head: Head{Seq: 3}}}, cert(3, 0), ErrCommitted},
		{"ErrWindow: vote", nil, in(vote(consensus.Prepare, 2, 17, d), nil), ErrWindow},
		{"ErrWindow: certificate", nil, cert(17, 0), ErrWindow},
		{"ErrNotPrimary: PRE-PREPARE of a backup", nil, Message{Vote: vote(consensus.PrePrepare, 2, 1, d), Batch: good}, ErrNotPrimary},
		{"ErrNotPrimary: PREPARE of the primary", nil, in(vote(consensus.Prepare, 0, 1, d), nil), ErrNotPrimary},
		{"ErrEquivocate: PRE-PREPARE", []Input{propose(good)}, propose(other), ErrEquivocate},
		{"ErrEquivocate: PREPARE", []Input{in(vote(consensus.Prepare, 2, 1, d), nil)}, in(vote(consensus.Prepare, 2, 1, other.Digest()), nil), ErrEquivocate},
		{"ErrEquivocate: COMMIT of another block", []Input{in(vote(consensus.Commit, 2, 1, d), nil)}, in(vote(consensus.Commit, 2, 1, d), func(v *consensus.Vote) { v.BlockHash[0]++ }), ErrEquivocate},
		{"ErrEquivocate: CHECKPOINT", []Input{in(vote(consensus.Checkpoint, 2, 64, d), nil)}, in(vote(consensus.Checkpoint, 2, 64, d), func(v *consensus.Vote) { v.StateRoot[0]++ }), ErrEquivocate},
		{"ErrHeader: version", nil, header(func(h *consensus.BatchHeader) { h.Version++ }), ErrHeader},
		{"ErrHeader: epoch", nil, header(func(h *consensus.BatchHeader) { h.Epoch++ }), ErrHeader},
		{"ErrHeader: origin view", nil, header(func(h *consensus.BatchHeader) { h.OriginView++ }), ErrHeader},
		{"ErrHeader: proposer", nil, header(func(h *consensus.BatchHeader) { h.Proposer[0]++ }), ErrHeader},
		{"ErrGasLimit", nil, header(func(h *consensus.BatchHeader) { h.GasLimit++ }), ErrGasLimit},
		{"ErrSize", nil, header(func(h *consensus.BatchHeader) { h.TxCount = 5001 }), ErrSize},
		{"ErrBodies", []Input{propose(good)}, BatchChecked{Digest: d, Err: errors.New("blob transaction")}, ErrBodies},
		{"ErrKind: nothing", nil, Message{}, ErrKind},
		{"ErrHalted", []Input{Diverged{Seq: 1, Err: errors.New("other root")}}, in(vote(consensus.Prepare, 2, 1, d), nil), ErrHalted},
		{"no error: the same again", checked(good), propose(good), nil},
		{"no error: another signature", []Input{in(vote(consensus.Prepare, 2, 1, d), nil)}, in(vote(consensus.Prepare, 2, 1, d), func(v *consensus.Vote) { v.Signature[9]++ }), nil},
	}
	for _, c := range cases {
		r := newTestReplica(t, 1)
		for _, b := range c.before {
			step(t, r, b)
		}
		if err := r.Step(c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestErrOldView: votes of a view that is over.
func TestErrOldView(t *testing.T) {
	r := newTestReplica(t, 1)
	r.view, r.active = 2, 2
	if err := r.Step(Message{Vote: vote(consensus.Prepare, 2, 1, testGenesis)}); !errors.Is(err, ErrOldView) {
		t.Error(err)
	}
}

// TestErrConflict: a PRE-PREPARE in the own name for another batch than the
// journal's: another process has the key.
func TestErrConflict(t *testing.T) {
	own := batchAt(t, 1, testGenesis, nil)
	unsigned := vote(consensus.PrePrepare, 0, 1, own.Digest())
	unsigned.Signature = consensus.Signature{}
	r := newTestReplica(t, 0, Record{Kind: RecordProposal, Seq: 1, Vote: unsigned, Batch: own})
	other := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs++ })
	if err := r.Step(propose(other)); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	if r.slots[1].prepares[0] != nil {
		t.Error("the refused vote was kept")
	}
}

// TestKeptProposalsRefusedLater: what only the batch before can tell.
func TestKeptProposalsRefusedLater(t *testing.T) {
	first := batchAt(t, 1, testGenesis, nil)
	for want, second := range map[error]*consensus.Batch{
		ErrParent: batchAt(t, 2, testGenesis, nil),
		ErrTime:   batchAt(t, 2, first.Digest(), func(h *consensus.BatchHeader) { h.TimeMs = first.Header.TimeMs }),
	} {
		r := newTestReplica(t, 1)
		for _, b := range []*consensus.Batch{second, first} { // the parent comes last
			step(t, r, propose(b))
			step(t, r, BatchChecked{Digest: b.Digest()})
		}
		rd := r.Ready()
		if len(rd.Refused) != 1 || !errors.Is(rd.Refused[0], want) || !r.slots[1].accepted || !r.slots[2].refused || r.slots[2].accepted {
			t.Errorf("want %v: refused %v", want, rd.Refused)
		}
	}
}

// TestProposalWaitsForItsTime: a proposal ahead of the clock is kept and
// accepted when it is due.
func TestProposalWaitsForItsTime(t *testing.T) {
	r := newTestReplica(t, 1)
	b := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs = 1_003_000 })
	step(t, r, propose(b))
	step(t, r, BatchChecked{Digest: b.Digest()})
	if r.slots[1].accepted {
		t.Fatal("accepted three seconds ahead")
	}
	step(t, r, Tick{Ticks: 100, NowMs: 1_001_000})
	if !r.slots[1].accepted {
		t.Error("not accepted within the drift")
	}
}

// TestHalts: split, divergence and fork, each by its error; no other message
// than STATUS is taken afterwards, and the report says why.
func TestHalts(t *testing.T) {
	b := batchAt(t, 1, testGenesis, nil)
	d := b.Digest()
	commit := func(sender uint64, block byte) Input {
		v := vote(consensus.Commit, sender, 1, d)
		v.BlockHash = common.Hash{block}
		return Message{Vote: v}
	}
	certificate := func(block byte) Input {
		return Message{Certificate: &consensus.CommitCertificate{Seq: 2, BatchDigest: d, BlockHash: common.Hash{block}}}
	}
	ran := []Input{propose(b), BatchChecked{Digest: d}, Executed{Seq: 1, Digest: d, BlockHash: common.Hash{1}}}
	for want, inputs := range map[error][]Input{
		ErrSplit:      {commit(0, 1), commit(1, 1), commit(2, 2), commit(3, 2)},
		ErrDivergence: append(ran, commit(0, 2), commit(2, 2), commit(3, 2)),
		ErrFork:       {certificate(1), certificate(2)},
	} {
		r := newTestReplica(t, 1)
		for i, in := range inputs {
			if r.halted != nil {
				t.Fatalf("%v: halted before input %d: %v", want, i, r.halted)
			}
			step(t, r, in)
		}
		rd := r.Ready()
		if !errors.Is(rd.Halt, want) || r.Report().Halt == "" || r.Report().Mode != consensus.Halted {
			t.Errorf("want %v: %v, report %q", want, rd.Halt, r.Report().Halt)
		}
		if err := r.Step(Message{Status: &consensus.Status{}, From: addr(2)}); err != nil {
			t.Errorf("%v: a halted replica refuses STATUS: %v", want, err)
		}
	}
	r := newTestReplica(t, 1) // f wrong COMMITs halt nobody
	for _, in := range []Input{commit(0, 1), commit(2, 2), commit(3, 1)} {
		step(t, r, in)
	}
	if r.halted != nil {
		t.Errorf("one wrong COMMIT halts: %v", r.halted)
	}
}

// TestEvidenceOnce: an equivocator is named once in an epoch, with both votes.
func TestEvidenceOnce(t *testing.T) {
	r := newTestReplica(t, 1)
	var evidence []consensus.Evidence
	for i := range byte(5) {
		_ = r.Step(Message{Vote: vote(consensus.Prepare, 2, 1, common.Hash{i})}) // all but the first are refused
		rd := r.Ready()
		evidence = append(evidence, rd.Evidence...)
	}
	if len(evidence) != 1 || evidence[0].Offender != 2 || evidence[0].First.SameStatement(evidence[0].Second) {
		t.Errorf("evidence %+v", evidence)
	}
}
