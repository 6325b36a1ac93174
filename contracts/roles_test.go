package contracts_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
)

var setters = map[uint64]string{0: "setNone", 1: "setEnabled", 2: "setAdmin", 3: "setManager"}

// TestRoles: who may change which role to which, as subnet-evm has it, on every list.
func TestRoles(t *testing.T) {
	may := func(own, was, role uint64) bool {
		return own == genesis.RoleAdmin || own == genesis.RoleManager && was <= genesis.RoleEnabled && role <= genesis.RoleEnabled
	}
	for _, c := range []contracts.Contract{contracts.Senders, contracts.Deployers, contracts.Observers} {
		p := newPlay(t, 1, roles(c, map[uint64][]string{2: {"admin", "was2"}, 3: {"manager", "was3"}, 1: {"enabled", "was1"}}))
		for own, who := range map[uint64]string{0: "none", 1: "enabled", 2: "admin", 3: "manager"} {
			for was := range uint64(4) {
				account := p.Actor(fmt.Sprintf("was%d", was))
				for role, setter := range setters {
					want := fmt.Sprintf("!NotAllowed(caller %s, callerRole %d, account was%d, oldRole %d, role %d)", who, own, was, was, role)
					if may(own, was, role) {
						want = fmt.Sprintf("RoleSet(role %d, account was%d, sender %s, oldRole %d)", role, was, who, was)
					}
					p.does(who, c, setter, args(account.Address), want)
					if may(own, was, role) && role != was {
						p.Must(p.Actor("admin"), c, setters[was], account.Address)
					}
				}
			}
		}
		for name, want := range map[string]int64{"admin": 2, "manager": 3, "enabled": 1, "none": 0, "was3": 3} {
			if got := p.number(c, "readAllowList", p.Actor(name).Address); got != want {
				t.Errorf("%s: %s has role %d", c.Name, name, got)
			}
		}
	}
}

// roles gives accounts roles in a list of genesis.
func roles(c contracts.Contract, names map[uint64][]string) func(*genesis.Genesis) {
	return func(g *genesis.Genesis) {
		list := map[string]*genesis.RoleList{
			"senders": &g.Permissions.Roles.Senders, "deployers": &g.Permissions.Roles.Deployers, "observers": &g.Permissions.Roles.Observers,
		}[c.Name]
		for role, to := range map[uint64]*[]common.Address{1: &list.Enabled, 2: &list.Admins, 3: &list.Managers} {
			for _, name := range names[role] {
				*to = append(*to, contractstest.Address(name))
			}
		}
	}
}

// TestRolesByVote: the members can do what an admin can, also when there is none.
func TestRolesByVote(t *testing.T) {
	p := newPlay(t, 2)
	x := p.Actor("x").Address
	p.passes(contracts.Senders, "setAdmin", args(x), "RoleSet(role 2, account x, sender senders, oldRole 0)")
	p.does("x", contracts.Senders, "setNone", args(x), "RoleSet(role 0, account x, sender x, oldRole 2)")
	p.does("x", contracts.Senders, "setAdmin", args(x), "!NotAllowed(caller x, callerRole 0, account x, oldRole 0, role 2)")
	p.does("v0", contracts.Senders, "setAdmin", args(x), "!NotAllowed(caller v0, callerRole 0, account x, oldRole 0, role 2)")
	p.passes(contracts.Senders, "setFrozen", args(x, true), "FrozenSet(account x, frozen true, sender senders)")
}

// TestFrozen: a frozen account has no role, not even that of an admin; the members'
// vote lets it go.
func TestFrozen(t *testing.T) {
	p := newPlay(t, 1, roles(contracts.Deployers, map[uint64][]string{2: {"a", "b"}, 3: {"m"}}))
	s, a, m := contracts.Deployers, p.Actor("a").Address, p.Actor("m").Address
	x := p.Actor("x").Address
	p.does("m", s, "setFrozen", args(x, true), "!NotAnAdmin(caller m, callerRole 3)")
	p.does("b", s, "setFrozen", args(x, false))
	p.does("b", s, "setFrozen", args(a, true), "FrozenSet(account a, frozen true, sender b)")
	p.does("b", s, "setFrozen", args(a, true))
	p.does("a", s, "setFrozen", args(a, false), "!NotAnAdmin(caller a, callerRole 0)")
	p.does("a", s, "setEnabled", args(x), "!NotAllowed(caller a, callerRole 0, account x, oldRole 0, role 1)")
	p.does("b", s, "setFrozen", args(m, true), "FrozenSet(account m, frozen true, sender b)")
	if p.number(s, "readAllowList", a) != 2 || p.number(s, "roleOf", a) != 0 || !p.View(s, "isFrozen", a)[0].(bool) || p.View(s, "isAllowed", a)[0].(bool) || !p.View(s, "isAllowed", x)[0].(bool) || p.View(s, "frozenCount")[0].(uint64) != 2 {
		t.Error("a frozen admin still is one, or others are not let in")
	}
	p.passes(s, "setFrozen", args(a, false), "FrozenSet(account a, frozen false, sender deployers)")
	p.does("a", s, "setNone", args(m), "RoleSet(role 0, account m, sender a, oldRole 3)")
	if got := p.accounts(s, 0, 9); !slices.Equal(got, []string{"a", "b", "m"}) {
		t.Errorf("a frozen account without a role is not listed: %v", got)
	}
	p.does("a", s, "setFrozen", args(m, false), "FrozenSet(account m, frozen false, sender a)")
	if got := p.accounts(s, 0, 9); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
}

func (p *play) accounts(c contracts.Contract, from, count int64) []string {
	p.t.Helper()
	var out []string
	for _, a := range p.View(c, "accounts", number(from), number(count))[0].([]common.Address) {
		out = append(out, p.Name(a))
	}
	slices.Sort(out)
	return out
}

func TestClosed(t *testing.T) {
	p := newPlay(t, 1, roles(contracts.Deployers, map[uint64][]string{1: {"e"}}))
	d := contracts.Deployers
	allowed := func(want string) {
		t.Helper()
		got := ""
		for _, who := range []string{"e", "x"} {
			if p.View(d, "isAllowed", p.Actor(who).Address)[0].(bool) {
				got += who
			}
		}
		if closed := p.View(d, "isClosed")[0].(bool); got != want || closed != (want == "e") {
			t.Errorf("allowed are %s, closed: %v", got, closed)
		}
	}
	allowed("ex")
	p.passes(d, "setClosed", args(true), "ClosedSet(closed true)")
	allowed("e")
	p.passes(d, "setClosed", args(false), "ClosedSet(closed false)")
	allowed("ex")
	if p.View(contracts.Senders, "isClosed")[0].(bool) {
		t.Error("one list closes the other")
	}
}

func TestPages(t *testing.T) {
	p := newPlay(t, 1, roles(contracts.Senders, map[uint64][]string{1: {"a", "b", "c"}}))
	var names []string
	for _, name := range []string{"a", "b", "c"} {
		p.Actor(name)
	}
	for i := range int64(3) {
		names = append(names, p.accounts(contracts.Senders, i, 1)...)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"a", "b", "c"}) || len(p.accounts(contracts.Senders, 1, 9)) != 2 || len(p.accounts(contracts.Senders, 4, 9)) != 0 || p.number(contracts.Senders, "accountCount") != 3 {
		t.Error(names)
	}
}

// TestNodes: who lets observers in, and who takes them out.
func TestNodes(t *testing.T) {
	p := newPlay(t, 1, roles(contracts.Observers, map[uint64][]string{1: {"e", "f"}, 3: {"m"}}), func(g *genesis.Genesis) {
		g.Permissions.Observers = []genesis.Observer{{NodeID: contractstest.NodeID("auditor"), Name: "hint"}}
	})
	o, node := contracts.Observers, contractstest.NodeBytes
	p.Actor("auditor")
	p.does("x", o, "addNode", args(node("x"), ""), "!NotEnabled(caller x)")
	p.does("x", o, "removeNode", args(node("auditor")), "!NotEnabled(caller x)")
	p.does("e", o, "addNode", args([]byte("x"), ""), "!BadNodeId(nodeId 0x78)")
	p.does("e", o, "addNode", args(node("e"), "\t"), "!NotPrintable(position 0)")
	p.does("e", o, "addNode", args(node("e"), fmt.Sprintf("%65d", 1)), "!TooLong(length 65, most 64)")
	p.does("e", o, "addNode", args(node("e"), "E's"), "NodeAdded(nodeId node of e, name E's, sender e)")
	p.does("f", o, "addNode", args(node("e"), ""), "!NodeAlready(nodeId node of e)")
	p.does("f", o, "removeNode", args(node("e")), "!NotYours(nodeId node of e, by e)")
	p.does("f", o, "removeNode", args(node("auditor")), "!NotYours(nodeId node of auditor, by nobody)")
	p.does("f", o, "removeNode", args(node("f")), "!UnknownNode(nodeId node of f)")
	p.does("e", o, "removeNode", args(node("e")), "NodeRemoved(nodeId node of e, sender e)")
	p.does("e", o, "addNode", args(node("e"), ""), "NodeAdded(nodeId node of e, name , sender e)")
	p.does("m", o, "removeNode", args(node("e")), "NodeRemoved(nodeId node of e, sender m)")
	p.passes(o, "addNode", args(node("x"), "by vote"), "NodeAdded(nodeId node of x, name by vote, sender observers)")
	p.passes(o, "removeNode", args(node("auditor")), "NodeRemoved(nodeId node of auditor, sender observers)")
	if !p.View(o, "isNode", node("x"))[0].(bool) || p.View(o, "isNode", node("auditor"))[0].(bool) || p.View(o, "version")[0].(uint64) != 6 {
		t.Error("the nodes are not what was decided")
	}
}

func TestTooManyNodes(t *testing.T) {
	p := newPlay(t, 1, func(g *genesis.Genesis) {
		for i := range contracts.MaxNodes {
			g.Permissions.Observers = append(g.Permissions.Observers, genesis.Observer{NodeID: contractstest.NodeID(fmt.Sprint("o", i))})
		}
	})
	p.proposes("v0", contracts.Observers, "addNode", args(contractstest.NodeBytes("x"), ""), "!TooManyNodes(most 1024)")
	p.Actor("o7")
	p.passes(contracts.Observers, "removeNode", args(contractstest.NodeBytes("o7")), "NodeRemoved(nodeId node of o7, sender observers)")
}
