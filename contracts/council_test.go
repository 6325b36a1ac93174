package contracts_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
)

var (
	one, two, three = big.NewInt(1), big.NewInt(2), big.NewInt(3)
	members         = contracts.Validators
	span            = contracts.NameKey(contracts.PrimarySpan)
)

// TestVote: more than half of the members pass a proposal, and the vote that does it
// carries it out.
func TestVote(t *testing.T) {
	p := newPlay(t, 4)
	id, events, err := p.Propose(p.Actor("v0"), contracts.Parameters, "setParameter", span, big.NewInt(7))
	action := common.Bytes2Hex(p.Pack(contracts.Parameters, "setParameter", span, big.NewInt(7)))
	if err != nil || id.Cmp(one) != 0 || !slices.Equal(events, []string{
		"Proposed(id 1, proposer v0, action 0x" + action + ", expires 1700604800)", "Voted(id 1, member v0, approve true)",
	}) {
		t.Error(id, events, err)
	}
	p.does("v0", contracts.Parameters, "vote", args(one, false), "!VotedAlready(id 1, member v0)")
	p.does("stranger", contracts.Parameters, "vote", args(one, true), "!NotAMember(account stranger)")
	p.does("v1", contracts.Parameters, "vote", args(two, true), "!NotOpen(id 2, status 0)")
	if events := p.Must(p.Actor("v1"), contracts.Parameters, "vote", one, true); !slices.Equal(events, []string{"Voted(id 1, member v1, approve true)"}) {
		t.Error(events)
	}
	p.does("v1", contracts.Parameters, "vote", args(one, true), "!VotedAlready(id 1, member v1)")
	if open := p.View(contracts.Parameters, "openProposals")[0].([]*big.Int); len(open) != 1 || open[0].Cmp(one) != 0 {
		t.Error(open)
	}
	p.does("v2", contracts.Parameters, "vote", args(one, true), "ProposalClosed(id 1, status 2)", "ParameterSet(name primarySpan, oldValue 16, value 7)")
	p.does("v3", contracts.Parameters, "vote", args(one, true), "!NotOpen(id 1, status 2)")
	p.does("v0", contracts.Parameters, "withdraw", args(one), "!NotOpen(id 1, status 2)")
	if got := p.View(contracts.Parameters, "parameter", span)[0].(*big.Int); got.Int64() != 7 {
		t.Error(got)
	}
	if open := p.View(contracts.Parameters, "openProposals")[0].([]*big.Int); len(open) != 0 {
		t.Error(open)
	}
}

// TestReject: a proposal that can no longer pass is closed.
func TestReject(t *testing.T) {
	p := newPlay(t, 4)
	p.proposes("v0", members, "remove", args(p.Actor("v3").Address))
	p.does("v3", members, "vote", args(one, false))
	p.does("v3", members, "vote", args(one, false), "!VotedAlready(id 1, member v3)")
	p.does("v3", members, "vote", args(one, true), "!VotedAlready(id 1, member v3)")
	p.does("v2", members, "vote", args(one, false), "ProposalClosed(id 1, status 3)")
	p.does("v1", members, "vote", args(one, true), "!NotOpen(id 1, status 3)")
}

func TestWithdraw(t *testing.T) {
	p := newPlay(t, 4)
	p.proposes("v0", members, "remove", args(p.Actor("v3").Address))
	p.does("v1", members, "withdraw", args(one), "!NotTheProposer(id 1, proposer v0)")
	p.does("v0", members, "withdraw", args(one), "ProposalClosed(id 1, status 4)")
}

func TestExpire(t *testing.T) {
	p := newPlay(t, 4, func(g *genesis.Genesis) { g.Governance.ProposalSeconds = 100 })
	p.proposes("v0", members, "remove", args(p.Actor("v3").Address))
	p.Time += 100
	p.does("v1", members, "expire", args(one), "!NotExpired(id 1, expires 1700000100)")
	p.does("v1", members, "vote", args(one, true))
	p.Time++
	p.does("v2", members, "vote", args(one, true), "!TooLate(id 1, expires 1700000100)")
	p.does("v2", members, "tally", args(one), "!TooLate(id 1, expires 1700000100)")
	p.does("stranger", members, "expire", args(one), "ProposalClosed(id 1, status 5)")
	p.does("stranger", members, "expire", args(one), "!NotOpen(id 1, status 5)")
}

// TestThresholds: the rules of genesis, with votes in this order.
func TestThresholds(t *testing.T) {
	for _, x := range []struct {
		members           int
		approval, turnout uint64
		votes             string // of v0, v1 …: the first proposes
		want              string // status after each
	}{
		{1, 50, 0, "+", "2"},
		{2, 50, 0, "++", "12"},
		{3, 50, 0, "++", "12"},
		{4, 50, 0, "+++", "112"},
		{4, 50, 0, "+--", "113"},
		{5, 50, 0, "++-+", "1112"},
		{3, 66, 0, "++", "12"},
		{3, 67, 0, "+++", "112"},
		{3, 67, 0, "+-", "13"},
		{4, 99, 0, "++++", "1112"},
		{4, 50, 100, "++++", "1112"},
		{4, 50, 100, "+++-", "1112"},
		{4, 50, 75, "+-++", "1112"},
		{5, 50, 80, "+++-", "1112"},
	} {
		p := newPlay(t, x.members, func(g *genesis.Genesis) {
			g.Governance.ApprovalPercent, g.Governance.TurnoutPercent = x.approval, x.turnout
		})
		got := ""
		for i, v := range x.votes {
			who := p.Actor("v" + string('0'+rune(i)))
			if i == 0 {
				if _, _, err := p.Propose(who, contracts.Senders, "setClosed", true); err != nil {
					t.Fatal(err)
				}
			} else {
				p.Must(who, contracts.Senders, "vote", one, v == '+')
			}
			got += string('0' + rune(p.status(contracts.Senders, 1)))
		}
		if got != x.want {
			t.Errorf("%d members, more than %d%%, turnout %d%%, votes %s: status %s, want %s", x.members, x.approval, x.turnout, x.votes, got, x.want)
		}
	}
}

func (p *play) status(c contracts.Contract, id int64) uint8 {
	p.t.Helper()
	return p.proposal(c, id).Status
}

// proposal is the struct of the contract.
type proposal struct {
	Proposer   common.Address
	Expires    uint64
	Status     uint8
	Action     []byte
	Approvals  []common.Address
	Objections []common.Address
}

func (p *play) proposal(c contracts.Contract, id int64) proposal {
	p.t.Helper()
	return viewProposal(p.View(c, "proposal", big.NewInt(id))[0])
}

func viewProposal(v any) proposal {
	return proposal(v.(struct {
		Proposer   common.Address   `json:"proposer"`
		Expires    uint64           `json:"expires"`
		Status     uint8            `json:"status"`
		Action     []byte           `json:"action"`
		Approvals  []common.Address `json:"approvals"`
		Objections []common.Address `json:"objections"`
	}))
}

// TestCountedNow: the vote of a member that is gone does not count, and with fewer
// members fewer votes are enough.
func TestCountedNow(t *testing.T) {
	p := newPlay(t, 5)
	p.proposes("v0", members, "remove", args(p.Actor("v4").Address))
	p.does("v3", members, "vote", args(one, true))
	p.does("v3", members, "resign", nil, "MemberRemoved(validator v3)")
	p.does("v3", members, "vote", args(one, true), "!NotAMember(account v3)")
	p.does("stranger", members, "tally", args(one))
	p.does("v1", members, "vote", args(one, true)) // 2 of 4
	p.does("v2", members, "resign", nil, "MemberRemoved(validator v2)")
	p.does("stranger", members, "tally", args(one), "ProposalClosed(id 1, status 2)", "MemberRemoved(validator v4)")
	if got := p.proposal(members, 1); !slices.Equal(got.Approvals, []common.Address{p.Actor("v0").Address, p.Actor("v3").Address, p.Actor("v1").Address}) || len(got.Objections) != 0 || got.Proposer != p.Actor("v0").Address {
		t.Errorf("%+v", got)
	}
}

// TestOnlyTheCouncil: what needs a vote accepts nobody else.
func TestOnlyTheCouncil(t *testing.T) {
	p := newPlay(t, 1)
	for _, x := range []struct {
		c      contracts.Contract
		method string
		args   []any
	}{
		{members, "add", args(common.Address{1}, []byte{}, "")},
		{members, "replace", args(common.Address{1}, common.Address{2}, []byte{})},
		{members, "remove", args(common.Address{1})},
		{members, "rehearse", args([]byte{})},
		{contracts.Senders, "setClosed", args(true)},
		{contracts.Parameters, "setParameter", args(span, one)},
		{contracts.Parameters, "setFork", args(span, uint64(1))},
	} {
		p.does("v0", x.c, x.method, x.args, "!NotTheCouncil(caller v0)")
	}
}

// TestRehearsal: what cannot be carried out is refused when it is proposed.
func TestRehearsal(t *testing.T) {
	p := newPlay(t, 2)
	p.does("stranger", members, "propose", args([]byte{1, 2, 3, 4}), "!NotAMember(account stranger)")
	p.does("v0", members, "propose", args([]byte{1, 2, 3}), "!BadAction(length 3, most 1024)")
	p.does("v0", members, "propose", args(make([]byte, 1025)), "!BadAction(length 1025, most 1024)")
	p.proposes("v0", members, "remove", args(common.Address{1}), "!Unknown(validator "+common.Address{1}.Hex()+")")
	// A council cannot vote, propose, resign or attest by itself.
	p.proposes("v0", members, "vote", args(one, true), "!NotAMember(account validators)")
	p.proposes("v0", members, "propose", args([]byte{1, 2, 3, 4}), "!NotAMember(account validators)")
	p.proposes("v0", members, "resign", nil, "!NotAMember(account validators)")
	// What the rehearsal of a rehearsal says is no reason to carry it out.
	p.proposes("v0", members, "rehearse", args(p.Pack(members, "members")))
	p.does("v1", members, "vote", args(one, true), "!Rehearsed()")
	if n := p.View(members, "proposalCount")[0].(*big.Int); n.Cmp(one) != 0 {
		t.Errorf("%v proposals", n)
	}
}

// TestTooManyOpen: one member cannot fill the list, and what closes makes room.
func TestTooManyOpen(t *testing.T) {
	p := newPlay(t, 3)
	for range 8 {
		p.proposes("v0", contracts.Deployers, "setClosed", args(true))
	}
	p.proposes("v0", contracts.Deployers, "setClosed", args(true), "!TooManyOpen(proposer v0, most 8)")
	p.proposes("v1", contracts.Deployers, "setClosed", args(true))
	p.does("v0", contracts.Deployers, "withdraw", args(three), "ProposalClosed(id 3, status 4)")
	p.does("v0", contracts.Deployers, "withdraw", args(big.NewInt(9)), "!NotTheProposer(id 9, proposer v1)")
	p.proposes("v0", contracts.Deployers, "setClosed", args(true))
	open := p.View(contracts.Deployers, "openProposals")[0].([]*big.Int)
	slices.SortFunc(open, (*big.Int).Cmp)
	want := []int64{1, 2, 4, 5, 6, 7, 8, 9, 10}
	if !slices.EqualFunc(open, want, func(a *big.Int, b int64) bool { return a.Int64() == b }) {
		t.Errorf("open are %v", open)
	}
}

// TestLargestAction: the longest texts fit an action.
func TestLargestAction(t *testing.T) {
	p := newPlay(t, 1)
	if n := len(p.Pack(members, "add", common.Address{1}, make([]byte, contracts.NodeIDLength), strings.Repeat("x", contracts.MaxName))); n > contracts.MaxAction {
		t.Errorf("add has %d bytes", n)
	}
	for name, want := range map[string]int64{"MAX_ACTION": contracts.MaxAction, "MAX_OPEN": contracts.MaxOpen, "MAX_MEMBERS": contracts.MaxMembers, "MAX_CANDIDATES": contracts.MaxCandidates, "MAX_NAME": contracts.MaxName, "MAX_ENDPOINT": contracts.MaxEndpoint} {
		if got := p.View(members, name)[0].(*big.Int); got.Int64() != want {
			t.Errorf("%s is %v in the contract, %d in Go", name, got, want)
		}
	}
	for _, c := range []contracts.Contract{contracts.Senders, contracts.Deployers, contracts.Observers, contracts.Parameters} {
		if p.View(c, "MAX_ACTION")[0].(*big.Int).Int64() != contracts.MaxAction || p.View(c, "MAX_OPEN")[0].(*big.Int).Int64() != contracts.MaxOpen {
			t.Error(c.Name)
		}
	}
	if p.View(contracts.Observers, "MAX_NODES")[0].(*big.Int).Int64() != contracts.MaxNodes || p.View(contracts.Observers, "MAX_NAME")[0].(*big.Int).Int64() != contracts.MaxName || p.View(contracts.Parameters, "MAX_FORKS")[0].(*big.Int).Int64() != contracts.MaxForks {
		t.Error("limits of observers or forks differ")
	}
}
