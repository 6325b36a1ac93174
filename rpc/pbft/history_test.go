package pbft

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc"
)

// memory is what a node has seen, as a test wants it.
type memory struct {
	checkpoint *consensus.CheckpointCertificate
	changes    []consensus.ViewChangeSeen
	phases     map[consensus.Seq]consensus.BlockPhases
	votes      []consensus.BlockVotes
	evidence   []consensus.Evidence
	before     uint64 // pieces that are no longer kept
	suspended  []common.Address
	events     Events
}

var errBroken = errors.New("the engine has stopped")

func (m *memory) StableCheckpoint() (*consensus.CheckpointCertificate, error) {
	return m.checkpoint, nil
}
func (m *memory) ViewChanges() []consensus.ViewChangeSeen { return m.changes }
func (m *memory) Phases(seq consensus.Seq) (consensus.BlockPhases, bool) {
	b, ok := m.phases[seq]
	return b, ok
}

func (m *memory) Participation(from, to consensus.Seq) (out []consensus.BlockVotes) {
	for _, v := range m.votes {
		if v.Seq >= from && v.Seq <= to {
			out = append(out, v)
		}
	}
	return out
}

func (m *memory) Watch(int) (Events, error) {
	if m.events == nil {
		return nil, errBroken
	}
	return m.events, nil
}

func (m *memory) Evidence() (uint64, []consensus.Evidence, error) {
	return m.before, m.evidence, nil
}

func (m *memory) Name(a common.Address) string {
	if a[0]%2 == 0 {
		return "even"
	}
	return ""
}

func request(method, params string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"pbft_` + method + `","params":[` + params + `]}`
}

// ask decodes a result, or fails.
func ask[T any](t *testing.T, n *network, method, params string) T {
	t.Helper()
	a := n.call(t, request(method, params))
	var out T
	if a["error"] != nil {
		t.Fatalf("%s(%s): %s", method, params, a["error"])
	}
	if err := json.Unmarshal(a["result"], &out); err != nil {
		t.Fatalf("%s(%s): %v in %s", method, params, err, a["result"])
	}
	return out
}

// TestBadParams: every wrong argument has its own text and geth's code.
func TestBadParams(t *testing.T) {
	n := newNetwork(t)
	for _, c := range []struct{ method, params, want string }{
		{"validators", `"soon"`, `"code":-32602,"message":"invalid argument 0: invalid block number \"soon\": want 5, \"0x5\" or \"latest\""`},
		{"validators", `1,2`, `"code":-32602,"message":"too many arguments, want at most 1"`},
		{"viewChanges", `"latest"`, `"code":-32602,"message":"invalid argument 0: invalid number \"latest\": want 5 or \"0x5\""`},
		{"viewChanges", `0,-1`, `invalid argument 1: invalid number \"-1\": want 5 or \"0x5\""`},
		{"viewChanges", `0,1001`, `"code":-32005,"message":"limit 1001 exceeds 1000 entries in one answer: ask for the rest with from"`},
		{"evidence", `{}`, `invalid argument 0: invalid number \"{}\": want 5 or \"0x5\""`},
		{"evidence", `0,"0x3e9"`, `"code":-32005,"message":"limit 1001 exceeds 1000 entries in one answer: ask for the rest with from"`},
		{"blockPhases", ``, `"code":-32602,"message":"missing value for required argument 0"`},
		{"blockPhases", `"0x"`, `invalid block number \"0x\"`},
		{"participation", `1`, `"code":-32602,"message":"missing value for required argument 1"`},
		{"participation", `2,1`, `"code":-32602,"message":"invalid range: to (1) is below from (2)"`},
		{"participation", `1,10001`, `"code":-32005,"message":"range of 10001 blocks exceeds 10000 in one answer: ask for 1 to 10000 next"`},
		{"stableCheckpoint", `1`, `"code":-32602,"message":"too many arguments, want at most 0"`},
		{"subscribe", `"protocol"`, `"message":"notifications not supported"`},
	} {
		if a := n.call(t, request(c.method, c.params)); !strings.Contains(string(a["error"]), c.want) {
			t.Errorf("%s(%s): %s%s, want %s", c.method, c.params, a["error"], a["result"], c.want)
		}
	}
	if _, err := New(Deps{}); err == nil {
		t.Error("methods on nothing")
	}
	d := n.api(t, rpc.DefaultLimits(), nil).d
	d.Limits.HistoryEntries = 0
	if _, err := New(d); err == nil || !strings.Contains(err.Error(), "rpc.limits.history_entries") {
		t.Errorf("no entries: %v", err)
	}
}

func TestValidators(t *testing.T) {
	n := newNetwork(t) // head 1, epochs of 2
	n.memory.suspended = []common.Address{n.set.Address(3)}
	for _, c := range []struct {
		params      string
		epoch, last uint64
	}{{``, 0, 2}, {`null`, 0, 2}, {`1`, 0, 2}, {`"latest"`, 0, 2}, {`2`, 0, 2}} {
		l := ask[ValidatorList](t, n, "validators", c.params)
		if l.Epoch != c.epoch || l.FirstSeq != 1 || l.LastSeq != c.last || l.F != 1 || l.Quorum != 3 || len(l.Validators) != 4 {
			t.Fatalf("%s: %+v", c.params, l)
		}
		for i, v := range l.Validators {
			if v.Index != i || v.Address != n.set.Address(i) || v.Name != n.Name(v.Address) || v.Suspended != (i == 3) {
				t.Errorf("%s: %+v", c.params, v)
			}
		}
	}
	for _, number := range []string{`0`, `3`, `"earliest"`} {
		if l := ask[*ValidatorList](t, n, "validators", number); l != nil {
			t.Errorf("%s: %+v", number, l)
		}
	}
}

func TestStableCheckpoint(t *testing.T) {
	n := newNetwork(t)
	if c := ask[*Checkpoint](t, n, "stableCheckpoint", ""); c != nil {
		t.Fatalf("before the first: %+v", c)
	}
	var votes []*consensus.Vote
	for _, i := range []int{0, 1, 3} {
		votes = append(votes, n.sign(t, i, consensus.Vote{Kind: consensus.Checkpoint, Epoch: 0, Seq: 2, BlockHash: common.Hash{2}, StateRoot: common.Hash{3}, NextSet: consensus.NextSetHash(1, n.set, nil, consensus.Params{EpochLength: 2}.Hash())}))
	}
	n.checkpoint = consensus.NewCheckpointCertificate(votes, 4)
	c := ask[Checkpoint](t, n, "stableCheckpoint", "")
	set, err := consensus.NewValidatorSet(c.Validators)
	if err != nil {
		t.Fatal(err)
	}
	back := consensus.CheckpointCertificate{
		Epoch: consensus.Epoch(c.Epoch), Seq: consensus.Seq(c.Seq), BlockHash: c.BlockHash, StateRoot: c.StateRoot, NextSet: c.NextSet, Signers: consensus.Bitset(c.Signers),
	}
	for _, s := range c.Signatures {
		back.Signatures = append(back.Signatures, consensus.Signature(s))
	}
	if err := back.Verify(n.domain, set); err != nil || c.Seq != 2 {
		t.Errorf("%+v: %v", c, err)
	}
}

// sign makes a vote of the validator with this index.
func (n *network) sign(t *testing.T, i int, v consensus.Vote) *consensus.Vote {
	t.Helper()
	v.Sender = uint64(i)
	for _, key := range n.keys {
		if crypto.PubkeyToAddress(key.PublicKey) == n.set.Address(i) {
			sig, err := crypto.Sign(crypto.Keccak256(v.Preimage(n.domain)), key)
			if err != nil {
				t.Fatal(err)
			}
			copy(v.Signature[:], sig)
		}
	}
	return &v
}

func TestViewChanges(t *testing.T) {
	n := newNetwork(t)
	if got := string(n.call(t, request("viewChanges", ""))["result"]); got != "[]" {
		t.Errorf("none: %s", got)
	}
	for i := range uint64(150) {
		n.changes = append(n.changes, consensus.ViewChangeSeen{Index: 50 + i, Asked: 1_000_000, From: 0, To: 1, Why: consensus.WhyOrdering, Stuck: 9})
	}
	n.changes[149] = consensus.ViewChangeSeen{Index: 199, Asked: 1_000_000, Epoch: 2, From: 1, To: 3, Why: consensus.WhyFollow, Entered: 1_002_500, Reproposed: 4}
	for _, c := range []struct {
		params      string
		first, last uint64
	}{{``, 100, 199}, {`0`, 50, 149}, {`60,2`, 60, 61}, {`"0xc7"`, 199, 199}, {`null,3`, 197, 199}, {`50,1000`, 50, 199}} {
		l := ask[[]ViewChange](t, n, "viewChanges", c.params)
		if len(l) != int(c.last-c.first+1) || l[0].Index != c.first || l[len(l)-1].Index != c.last {
			t.Errorf("%s: %d from %+v", c.params, len(l), l)
		}
	}
	for _, none := range []string{`200`, `1000000`, `0,0`} {
		if l := ask[[]ViewChange](t, n, "viewChanges", none); len(l) != 0 {
			t.Errorf("%s: %+v", none, l)
		}
	}
	got := string(n.call(t, request("viewChanges", "198"))["result"])
	want := `[{"index":198,"timeUs":1000000,"epoch":0,"from":0,"to":1,"reason":"ordering timer","stuckSeq":9,"enteredAfterMs":null,"reproposed":null},` +
		`{"index":199,"timeUs":1000000,"epoch":2,"from":1,"to":3,"reason":"followed","stuckSeq":null,"enteredAfterMs":2.5,"reproposed":4}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBlockPhases(t *testing.T) {
	n := newNetwork(t)
	n.phases = map[consensus.Seq]consensus.BlockPhases{1: {
		Seq: 1, View: 2, OriginView: 1, Proposer: n.set.Address(1), Primary: 2, Own: true,
		Times: [consensus.PhaseCount]int64{1, 2, 0, 4, 5, 6},
	}}
	address := func(i int) string { return `"` + strings.ToLower(n.set.Address(i).Hex()) + `"` }
	want := `{"number":1,"epoch":0,"view":2,"originView":1,"proposer":` + address(1) + `,"primary":` + address(2) +
		`,"own":true,"acceptedUs":1,"preparedUs":2,"executedUs":null,"commitSentUs":4,"committedUs":5,"durableUs":6}`
	for _, number := range []string{`1`, `"latest"`} {
		if got := string(n.call(t, request("blockPhases", number))["result"]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if p := ask[*BlockPhases](t, n, "blockPhases", "2"); p != nil {
		t.Errorf("a block that is not there: %+v", p)
	}
	p := n.phases[1]
	p.Primary = -1
	n.phases[1] = p
	if p := ask[*BlockPhases](t, n, "blockPhases", "1"); p.Primary != nil {
		t.Errorf("a primary that nobody knows: %v", p.Primary)
	}
}

func TestParticipation(t *testing.T) {
	n := newNetwork(t)
	n.sealed.Header.Number.SetUint64(20)
	for seq := consensus.Seq(11); seq <= 20; seq++ {
		n.votes = append(n.votes, consensus.BlockVotes{Seq: seq, Epoch: 5, Proposer: n.set.Address(1), Prepares: consensus.Bitset{7}, Commits: consensus.Bitset{15}, Certificate: consensus.Bitset{7}})
	}
	n.votes[9].Commits = consensus.Bitset{7}
	p := ask[Participation](t, n, "participation", `1, "latest"`)
	if p.From != 1 || p.To != 20 || len(p.Blocks) != 10 || p.Blocks[0].Number != 11 || hexutil.Encode(p.Blocks[0].Commits) != "0x0f" {
		t.Fatalf("%+v", p)
	}
	for i, v := range p.Validators {
		want := Attendance{Address: n.set.Address(i), Blocks: 10, Prepares: 10, Commits: 10, Certificates: 10}
		switch i {
		case 1:
			want.Proposed = 10
		case 3: // always after the quorum, once not at all
			want.Prepares, want.Commits, want.Certificates = 0, 9, 0
		}
		if v != want {
			t.Errorf("validator %d: %+v, want %+v", i, v, want)
		}
	}
	if p := ask[Participation](t, n, "participation", `19, 100`); p.To != 20 || len(p.Blocks) != 2 {
		t.Errorf("to the head: %+v", p)
	}
	if got := string(n.call(t, request("participation", "30,40"))["result"]); got != `{"from":30,"to":30,"validators":[],"blocks":[]}` {
		t.Errorf("to come: %s", got)
	}
}

// TestEvidence: what is shown proves the fault to whoever has the set.
func TestEvidence(t *testing.T) {
	n := newNetwork(t)
	commit := consensus.Vote{Kind: consensus.Commit, View: 1, Seq: 1, Digest: common.Hash{1}, BlockHash: common.Hash{2}}
	other := commit
	other.BlockHash = common.Hash{3}
	change := consensus.Vote{Kind: consensus.ViewChange, View: 2, Change: &consensus.ViewChangeBody{View: 2, Prepared: []consensus.PreparedCertificate{{View: 1, Header: consensus.BatchHeader{Seq: 2}}}}}
	open := func(o ...consensus.NewViewEntry) consensus.Vote {
		return consensus.Vote{Kind: consensus.NewView, View: 3, NewView: &consensus.NewViewBody{View: 3, O: o}}
	}
	checkpoint := func(root byte) consensus.Vote {
		return consensus.Vote{Kind: consensus.Checkpoint, Seq: 2, StateRoot: common.Hash{root}}
	}
	for i, pair := range [][2]consensus.Vote{
		{commit, other}, {commit, change}, {open(), open(consensus.NewViewEntry{Seq: 5, Digest: common.Hash{6}})}, {checkpoint(1), checkpoint(2)},
	} {
		n.evidence = append(n.evidence, consensus.Evidence{Offender: uint64(i), First: n.sign(t, i, pair[0]), Second: n.sign(t, i, pair[1])})
	}
	l := ask[[]Evidence](t, n, "evidence", "")
	var faults []string
	for i, e := range l {
		faults = append(faults, e.Fault)
		if e.Index != uint64(i) || *e.Offender != n.set.Address(i) || e.Sender != uint64(i) {
			t.Errorf("%+v", e)
		}
		var back consensus.Evidence
		back.Offender = e.Sender
		for _, x := range []struct {
			raw []byte
			to  **consensus.Vote
		}{{e.First.Raw, &back.First}, {e.Second.Raw, &back.Second}} {
			v, err := consensus.DecodeVote(x.raw)
			if err != nil {
				t.Fatal(err)
			}
			*x.to = v
		}
		if fault, err := back.Verify(n.domain, n.set); err != nil || fault != e.Fault {
			t.Errorf("%d: %s, %v", i, fault, err)
		}
	}
	if want := []string{consensus.FaultTwoBlocks, consensus.FaultLostLock, consensus.FaultEquivocation, consensus.FaultEquivocation}; !slices.Equal(faults, want) {
		t.Errorf("%v, want %v", faults, want)
	}
	c := l[1].Second
	if c.Kind != "VIEW-CHANGE" || *c.View != 2 || *c.Base != 0 || c.Seq != nil || len(c.Prepared) != 1 || c.Prepared[0].Seq != 2 || *c.Prepared[0].View != 1 {
		t.Errorf("VIEW-CHANGE %+v", c)
	}
	if o := l[2].Second; o.Kind != "NEW-VIEW" || len(o.Reproposed) != 1 || o.Reproposed[0].Seq != 5 || *o.Digest != n.evidence[2].Second.NewView.Digest() {
		t.Errorf("NEW-VIEW %+v", o)
	}
	if cp := l[3].First; cp.View != nil || *cp.Seq != 2 || *cp.StateRoot != (common.Hash{1}) {
		t.Errorf("CHECKPOINT %+v", cp)
	}
	if l := ask[[]Evidence](t, n, "evidence", "2,1"); len(l) != 1 || l[0].Index != 2 {
		t.Errorf("page: %+v", l)
	}
	n.before = 40
	if l := ask[[]Evidence](t, n, "evidence", "42,1"); len(l) != 1 || l[0].Index != 42 || l[0].Sender != 2 {
		t.Errorf("page of those still kept: %+v", l)
	}
	n.evidence[0].Second = n.evidence[0].First
	if a := n.call(t, request("evidence", "")); !strings.Contains(string(a["error"]), "an honest validator may send both") {
		t.Errorf("evidence that proves nothing: %s %s", a["error"], a["result"])
	}
}
