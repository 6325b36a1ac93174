package contracts_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
)

// passes lets a proposal pass and wants these events of the last vote.
func (p *play) passes(c contracts.Contract, method string, args []any, want ...string) {
	p.t.Helper()
	p.want(slices.DeleteFunc(p.Pass(c, method, args...), func(e string) bool { return strings.HasPrefix(e, "ProposalClosed") }), nil, want)
}

// head is what a candidate that follows the chain says.
func (p *play) head() []any {
	h := p.Chain.Head()
	return args(h.Number, h.Hash())
}

func (p *play) memberNames() []string {
	p.t.Helper()
	var out []string
	for _, a := range p.View(members, "members")[0].([]common.Address) {
		out = append(out, p.Name(a))
	}
	slices.Sort(out)
	return out
}

// TestJoin: proposed, passed, attested; a candidate that does not follow the chain
// stays one.
func TestJoin(t *testing.T) {
	p := newPlay(t, 2)
	neu := p.Actor("new").Address
	add := args(neu, contractstest.NodeBytes("new"), "Acme Ltd.")
	p.passes(members, "add", add, "CandidateAdded(validator new, replaces nobody, nodeId node of new, name Acme Ltd., until 1700604800)")
	if got := p.memberNames(); !slices.Equal(got, []string{"v0", "v1"}) || p.View(members, "isMember", neu)[0].(bool) || !slices.Equal(p.View(members, "candidates")[0].([]common.Address), []common.Address{neu}) {
		t.Error(got)
	}
	p.does("new", members, "resign", nil, "!NotAMember(account new)")
	p.does("v0", members, "attest", p.head(), "!NotACandidate(account v0)")
	next := new(big.Int).Add(p.Chain.Head().Number, common.Big1)
	p.does("new", members, "attest", args(next, common.Hash{1}), "!NotRecent(number "+next.String()+", head "+p.Chain.Head().Number.String()+")")
	p.does("new", members, "attest", args(one, common.Hash{1}), "!NotTheBlock(number 1, hash "+p.Chain.GetHash(1).Hex()+")")
	number, hash := p.Chain.Head().Number, p.Chain.Head().Hash()
	p.does("new", members, "attest", p.head(), "Attested(validator new, number "+number.String()+", hash "+hash.Hex()+")", "MemberAdded(validator new, nodeId node of new, name Acme Ltd.)")
	if got := p.memberNames(); !slices.Equal(got, []string{"new", "v0", "v1"}) || p.View(members, "version")[0].(uint64) != 1 || len(p.View(members, "candidates")[0].([]common.Address)) != 0 {
		t.Error(got)
	}
	if owner := p.View(members, "ownerOf", contractstest.NodeBytes("new"))[0]; owner != neu {
		t.Error(owner)
	}
	p.does("new", members, "attest", p.head(), "!NotACandidate(account new)")
	p.proposes("new", members, "remove", args(p.Actor("v0").Address))
}

// TestAttestRecent: a block that is 256 below is too old.
func TestAttestRecent(t *testing.T) {
	p := newPlay(t, 1)
	p.passes(members, "add", args(p.Actor("new").Address, contractstest.NodeBytes("new"), ""), "CandidateAdded(validator new, replaces nobody, nodeId node of new, name , until 1700604800)")
	number, hash := p.Chain.Head().Number, p.Chain.Head().Hash()
	for range 255 {
		p.Block()
	}
	if err := p.Try(p.Actor("new"), members, "attest", number, hash); err != nil {
		t.Error("256 blocks:", err)
	}
	p.Block()
	p.does("new", members, "attest", args(number, hash), "!NotRecent(number 1, head 257)")
}

func TestCandidateFaults(t *testing.T) {
	p := newPlay(t, 1, func(g *genesis.Genesis) { g.Governance.ProposalSeconds = 100 })
	a, b := p.Actor("a").Address, p.Actor("b").Address
	node := contractstest.NodeBytes
	wrong := append([]byte{}, node("a")...)
	wrong[6] = 4
	for _, x := range []struct {
		args []any
		want string
	}{
		{args(common.Address{}, node("a"), ""), "!ZeroAddress()"},
		{args(p.Actor("v0").Address, node("a"), ""), "!MemberAlready(validator v0)"},
		{args(a, node("v0"), ""), "!NodeIdTaken(nodeId node of v0, by v0)"},
		{args(a, wrong, ""), "!BadNodeId(nodeId 0x" + common.Bytes2Hex(wrong) + ")"},
		{args(a, node("a")[:38], ""), "!BadNodeId(nodeId 0x" + common.Bytes2Hex(node("a")[:38]) + ")"},
		{args(a, node("a"), strings.Repeat("x", 65)), "!TooLong(length 65, most 64)"},
		{args(a, node("a"), "x\ny"), "!NotPrintable(position 1)"},
		{args(a, node("a"), "xy\x7f"), "!NotPrintable(position 2)"},
	} {
		p.proposes("v0", members, "add", x.args, x.want)
	}
	added := "CandidateAdded(validator a, replaces nobody, nodeId node of a, name ä, until 1700000100)"
	p.passes(members, "add", args(a, node("a"), "ä"), added)
	p.proposes("v0", members, "add", args(a, node("b"), ""), "!CandidateAlready(validator a, until 1700000100)")
	p.proposes("v0", members, "add", args(b, node("a"), ""), "!NodeIdTaken(nodeId node of a, by a)")
	p.Time += 100
	if err := p.Try(p.Actor("a"), members, "attest", p.head()...); err != nil {
		t.Error("in the last second:", err)
	}
	p.Time++
	p.does("a", members, "attest", p.head(), "!CandidateExpired(account a, until 1700000100)")
	// Its time is over: key and node id are free again.
	p.passes(members, "add", args(b, node("a"), ""), "CandidateDropped(validator a)", "CandidateAdded(validator b, replaces nobody, nodeId node of a, name , until 1700000201)")
	p.Time += 101
	p.passes(members, "add", args(b, node("b"), ""), "CandidateDropped(validator b)", "CandidateAdded(validator b, replaces nobody, nodeId node of b, name , until 1700000302)")
	p.passes(members, "remove", args(b), "CandidateDropped(validator b)")
	if owner := p.View(members, "ownerOf", node("b"))[0]; owner != (common.Address{}) {
		t.Error(owner)
	}
}

// TestReplace: the old key stays until the new one has attested; name, endpoint and,
// if it is so decided, the node stay.
func TestReplace(t *testing.T) {
	for _, node := range []string{"v1", "other"} {
		p := newPlay(t, 3)
		p.Actor("other")
		old, neu := p.Actor("v1").Address, p.Actor("new").Address
		p.does("v1", members, "describe", args("Acme", "acme.example:30303"), "Described(validator v1, name Acme, endpoint acme.example:30303)")
		p.proposes("v0", members, "replace", args(neu, old, contractstest.NodeBytes(node)), "!Unknown(validator new)")
		p.proposes("v0", members, "replace", args(old, neu, contractstest.NodeBytes("v0")), "!NodeIdTaken(nodeId node of v0, by v0)")
		p.proposes("v0", members, "replace", args(old, p.Actor("v0").Address, contractstest.NodeBytes(node)), "!MemberAlready(validator v0)")
		p.passes(members, "replace", args(old, neu, contractstest.NodeBytes(node)), "CandidateAdded(validator new, replaces v1, nodeId node of "+node+", name Acme, until 1700604800)")
		p.Must(p.Actor("v1"), members, "describe", "Acme 2", "acme.example:1")
		p.does("new", members, "attest", p.head(),
			"Attested(validator new, number "+p.Chain.Head().Number.String()+", hash "+p.Chain.Head().Hash().Hex()+")",
			"MemberAdded(validator new, nodeId node of "+node+", name Acme 2)", "MemberRemoved(validator v1)")
		if got := p.memberNames(); !slices.Equal(got, []string{"new", "v0", "v2"}) {
			t.Error(got)
		}
		m := p.member(neu)
		if m.Name != "Acme 2" || m.Endpoint != "acme.example:1" || !slices.Equal(m.NodeId, contractstest.NodeBytes(node)) {
			t.Errorf("%+v", m)
		}
		if owner := p.View(members, "ownerOf", contractstest.NodeBytes(node))[0]; owner != neu {
			t.Errorf("node of %s: %v", node, owner)
		}
		if owner := p.View(members, "ownerOf", contractstest.NodeBytes("v1"))[0]; node == "other" && owner != (common.Address{}) {
			t.Errorf("the old node: %v", owner)
		}
	}
}

// member is the struct of the contract.
type member struct {
	Place    uint32
	NodeId   []byte
	Name     string
	Endpoint string
}

func (p *play) member(a common.Address) member {
	p.t.Helper()
	return viewMember(p.View(members, "member", a)[0])
}

func viewMember(v any) member {
	return member(v.(struct {
		Place    uint32 `json:"place"`
		NodeId   []byte `json:"nodeId"`
		Name     string `json:"name"`
		Endpoint string `json:"endpoint"`
	}))
}

// TestReplaceTheGone: a new key of a member that has left is nobody's.
func TestReplaceTheGone(t *testing.T) {
	p := newPlay(t, 3)
	p.passes(members, "replace", args(p.Actor("v1").Address, p.Actor("new").Address, contractstest.NodeBytes("v1")), "CandidateAdded(validator new, replaces v1, nodeId node of v1, name , until 1700604800)")
	p.does("v1", members, "resign", nil, "MemberRemoved(validator v1)")
	p.does("new", members, "attest", p.head(), "!Unknown(validator v1)")
	// The node id was never the candidate's.
	p.passes(members, "add", args(p.Actor("x").Address, contractstest.NodeBytes("v1"), ""), "CandidateAdded(validator x, replaces nobody, nodeId node of v1, name , until 1700604800)")
	p.passes(members, "remove", args(p.Actor("new").Address), "CandidateDropped(validator new)")
	if owner := p.View(members, "ownerOf", contractstest.NodeBytes("v1"))[0]; owner != p.Actor("x").Address {
		t.Error(owner)
	}
}

// TestLast: the set never gets empty, but one member can get a new key.
func TestLast(t *testing.T) {
	p := newPlay(t, 1)
	p.does("v0", members, "resign", nil, "!LastMember(validator v0)")
	p.proposes("v0", members, "remove", args(p.Actor("v0").Address), "!LastMember(validator v0)")
	p.passes(members, "replace", args(p.Actor("v0").Address, p.Actor("new").Address, contractstest.NodeBytes("v0")), "CandidateAdded(validator new, replaces v0, nodeId node of v0, name , until 1700604800)")
	p.Must(p.Actor("new"), members, "attest", p.head()...)
	if got := p.memberNames(); !slices.Equal(got, []string{"new"}) {
		t.Error(got)
	}
}

// TestAttestByContract: a contract that was voted in cannot attest, for it cannot vote.
func TestAttestByContract(t *testing.T) {
	forwarder := common.Address{0xf0}
	p := newPlay(t, 1, func(g *genesis.Genesis) {
		code := program.New().Op(vm.CALLDATASIZE).Push(0).Push(0).Op(vm.CALLDATACOPY).
			Push(0).Push(0).Op(vm.CALLDATASIZE).Push(0).Push(0).Push(members.Address).Op(vm.GAS, vm.CALL, vm.POP).
			Op(vm.RETURNDATASIZE).Push(0).Push(0).Op(vm.RETURNDATACOPY).Op(vm.RETURNDATASIZE).Push(0).Op(vm.REVERT).Bytes()
		g.Alloc[forwarder] = types.Account{Code: code, Nonce: 1, Balance: new(big.Int)}
	})
	p.passes(members, "add", args(forwarder, contractstest.NodeBytes("new"), ""), "CandidateAdded(validator "+forwarder.Hex()+", replaces nobody, nodeId 0x"+common.Bytes2Hex(contractstest.NodeBytes("new"))+", name , until 1700604800)")
	through := members
	through.Address = forwarder
	p.does("x", through, "attest", p.head(), "!NotByItsKey(account "+forwarder.Hex()+")")
}

func TestTooManyCandidates(t *testing.T) {
	p := newPlay(t, 1, func(g *genesis.Genesis) { g.Governance.ProposalSeconds = 100 })
	for i := range contracts.MaxCandidates {
		p.Pass(members, "add", contractstest.Address(fmt.Sprint("c", i)), contractstest.NodeBytes(fmt.Sprint("c", i)), "")
	}
	p.proposes("v0", members, "add", args(p.Actor("x").Address, contractstest.NodeBytes("x"), ""), "!TooManyCandidates(most 64)")
	p.does("x", members, "dropExpired", args(p.Actor("c7").Address), "!CandidateNotExpired(account c7, until 1700000100)")
	p.does("x", members, "dropExpired", args(p.Actor("x").Address), "!NotACandidate(account x)")
	p.Time += 101
	p.does("x", members, "dropExpired", args(p.Actor("c7").Address), "CandidateDropped(validator c7)")
	p.passes(members, "add", args(p.Actor("x").Address, contractstest.NodeBytes("x"), ""), "CandidateAdded(validator x, replaces nobody, nodeId node of x, name , until 1700000201)")
}

func TestDescribe(t *testing.T) {
	p := newPlay(t, 1)
	p.does("x", members, "describe", args("a", "b"), "!NotAMember(account x)")
	p.does("v0", members, "describe", args(strings.Repeat("x", 65), ""), "!TooLong(length 65, most 64)")
	p.does("v0", members, "describe", args("", strings.Repeat("x", 257)), "!TooLong(length 257, most 256)")
	p.does("v0", members, "describe", args("", "\x1b"), "!NotPrintable(position 0)")
	p.Must(p.Actor("v0"), members, "describe", strings.Repeat("x", 64), strings.Repeat("y", 256))
	p.Must(p.Actor("v0"), members, "describe", "", "short")
	if m := p.member(p.Actor("v0").Address); m.Name != "" || m.Endpoint != "short" || p.View(members, "version")[0].(uint64) != 0 {
		t.Errorf("%+v", m)
	}
}

// TestFull: at the largest set nobody is added, and the vote that needs most gas
// fits the least cap of a transaction.
func TestFull(t *testing.T) {
	p := newPlay(t, contracts.MaxMembers, func(g *genesis.Genesis) {
		g.Governance.ApprovalPercent = 99
		g.Params.BlockGasLimit = 1 << 40 // every block is signed by 1,024: few blocks
	})
	p.proposes("v0", members, "add", args(common.Address{1}, contractstest.NodeBytes("new"), ""), "!TooManyMembers(most 1024)")
	p.proposes("v0", members, "replace", args(p.Actor("v1").Address, p.Actor("new").Address, contractstest.NodeBytes("new")))
	// More than 99 % are 1,014.
	vote := p.Pack(members, "vote", one, true)
	var txs []*types.Transaction
	for i := 1; i < 1013; i++ {
		txs = append(txs, p.Sign(p.Actor(fmt.Sprint("v", i)), &types.LegacyTx{To: &members.Address, Gas: 1 << 23, GasPrice: new(big.Int), Data: vote}))
	}
	p.Block(txs...)
	p.does("v1013", members, "vote", args(one, true), "ProposalClosed(id 1, status 2)", "CandidateAdded(validator new, replaces v1, nodeId node of new, name , until 1700604800)")
	if low, _, _ := p.bound(contracts.TransactionGasCap); p.LastGas > low*9/10 {
		t.Errorf("the vote needs %d gas, the least cap is %d", p.LastGas, low)
	}
	t.Logf("the last vote of 1,014 needs %d gas", p.LastGas)
}
