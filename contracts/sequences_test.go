package contracts_test

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
)

// stage is a world and the model that it should follow.
type stage struct {
	*contractstest.World
	t       *rapid.T
	m       *model
	settled map[string]bool // proposals that were closed when they were compared
}

var (
	people = []string{"v0", "v1", "v2", "a", "b", "c"} // the first three are the members of genesis
	hosts  = []string{"v0", "v1", "n0", "n1"}          // nodes
	lists  = []contracts.Contract{contracts.Senders, contracts.Deployers, contracts.Observers}
)

// TestRandomSequences: after every operation of a random sequence the contracts, the
// registry that reads their storage, and the model say the same.
func TestRandomSequences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := genesis.Governance{
			ApprovalPercent: rapid.SampledFrom([]uint64{50, 50, 66}).Draw(t, "approval"),
			TurnoutPercent:  rapid.SampledFrom([]uint64{0, 0, 80}).Draw(t, "turnout"),
			ProposalSeconds: 60,
		}
		w := contractstest.New(t, 3, func(g *genesis.Genesis) { g.Governance = rules })
		defer w.Close()
		s := &stage{w, t, newModel(rules, "v0", "v1", "v2"), map[string]bool{}}
		for _, name := range append(slices.Clone(people), hosts...) {
			s.Actor(name)
		}
		s.m.now = s.Time
		t.Repeat(map[string]func(*rapid.T){
			"propose":  func(t *rapid.T) { s.propose(t, s.person(t)) },
			"pass":     s.pass,
			"pass two": func(t *rapid.T) { s.pass(t); s.pass(t) },
			"vote":     s.vote,
			"close":    s.closeOne,
			"self":     s.self,
			"role":     func(t *rapid.T) { s.direct(t, s.roleAction(t)) },
			"node":     func(t *rapid.T) { s.direct(t, s.nodeAction(t)) },
			"time":     func(t *rapid.T) { s.Time += rapid.Uint64Range(1, 40).Draw(t, "seconds"); s.m.now = s.Time; s.Block() },
			"attest":   s.attest,
			"":         s.compare,
		})
	})
}

func (s *stage) person(t *rapid.T) string { return rapid.SampledFrom(people).Draw(t, "who") }

func (s *stage) address(name string) common.Address { return s.Actor(name).Address }

// step does the same to the world and to the model.
func (s *stage) step(t *rapid.T, who string, c contracts.Contract, method string, args []any, change func(m *model) error) {
	t.Helper()
	want := errors.New("permission: ")
	if s.m.maySend(who, false, true) {
		want = s.m.try(change)
	}
	_, got := s.Do(s.Actor(who), c, method, args...)
	name := func(err error) string {
		if err == nil {
			return "well"
		}
		before, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), ":", "("), "(")
		return before
	}
	if name(got) != name(want) {
		t.Fatalf("%s.%s%v by %s ends %s, the model says %s", c.Name, method, args, who, name(got), name(want))
	}
}

// direct does what an account does by its role, mostly one that has one.
func (s *stage) direct(t *rapid.T, a action) {
	who := s.person(t)
	if list := slices.Sorted(maps.Keys(s.m.lists[a.c.Name])); len(list) > 0 && rapid.IntRange(0, 3).Draw(t, "anybody") > 0 {
		who = rapid.SampledFrom(list).Draw(t, "with a role")
	}
	s.step(t, who, a.c, a.method, a.args, func(m *model) error { return a.do(m, who) })
}

func (s *stage) propose(t *rapid.T, who string) {
	a := s.anyAction(t)
	s.step(t, who, a.c, "propose", args(s.Pack(a.c, a.method, a.args...)), func(m *model) error { return m.propose(who, a) })
}

// pass proposes, and lets everybody who has a vote approve.
func (s *stage) pass(t *rapid.T) {
	members := slices.Sorted(maps.Keys(s.m.members))
	a := s.anyAction(t)
	before := len(s.m.proposals[a.c.Name])
	s.step(t, members[0], a.c, "propose", args(s.Pack(a.c, a.method, a.args...)), func(m *model) error { return m.propose(members[0], a) })
	if len(s.m.proposals[a.c.Name]) == before {
		return
	}
	for _, who := range members[1:] {
		s.step(t, who, a.c, "vote", args(big.NewInt(int64(before+1)), true), func(m *model) error { return m.vote(who, a.c, before+1, true) })
	}
}

func (s *stage) anyProposal(t *rapid.T) (contracts.Contract, int) {
	c := rapid.SampledFrom(contracts.All()).Draw(t, "contract")
	if open := s.openOnes(c); len(open) > 0 && rapid.IntRange(0, 4).Draw(t, "any") > 0 {
		return c, rapid.SampledFrom(open).Draw(t, "open")
	}
	return c, rapid.IntRange(0, len(s.m.proposals[c.Name])+1).Draw(t, "id")
}

func (s *stage) openOnes(c contracts.Contract) (ids []int) {
	for i, p := range s.m.proposals[c.Name] {
		if p.status == registry.ProposalOpen {
			ids = append(ids, i+1)
		}
	}
	return ids
}

func (s *stage) vote(t *rapid.T) {
	c, id := s.anyProposal(t)
	who, approve := s.person(t), rapid.Bool().Draw(t, "approve")
	s.step(t, who, c, "vote", args(big.NewInt(int64(id)), approve), func(m *model) error { return m.vote(who, c, id, approve) })
}

func (s *stage) closeOne(t *rapid.T) {
	c, id := s.anyProposal(t)
	who := s.person(t)
	switch method := rapid.SampledFrom([]string{"tally", "withdraw", "expire", "dropExpired"}).Draw(t, "how"); method {
	case "dropExpired":
		other := s.person(t)
		s.step(t, who, contracts.Validators, method, args(s.address(other)), func(m *model) error { return m.dropCandidate(other) })
	case "tally":
		s.step(t, who, c, method, args(big.NewInt(int64(id))), func(m *model) error { return m.tally(c, id) })
	case "withdraw":
		s.step(t, who, c, method, args(big.NewInt(int64(id))), func(m *model) error { return m.withdraw(who, c, id) })
	case "expire":
		s.step(t, who, c, method, args(big.NewInt(int64(id))), func(m *model) error { return m.expire(c, id) })
	}
}

// self is what a member does for itself.
func (s *stage) self(t *rapid.T) {
	who := s.person(t)
	if rapid.IntRange(0, 4).Draw(t, "resigns") == 0 {
		s.step(t, who, contracts.Validators, "resign", nil, func(m *model) error { return m.resign(who) })
		return
	}
	// Short and long ones lie differently in storage.
	name := strings.Repeat("n", rapid.IntRange(0, 40).Draw(t, "name"))
	endpoint := strings.Repeat("e", rapid.IntRange(0, 100).Draw(t, "endpoint"))
	s.step(t, who, contracts.Validators, "describe", args(name, endpoint), func(m *model) error { return m.describe(who, name, endpoint) })
}

// attest is mostly a candidate's.
func (s *stage) attest(t *rapid.T) {
	who := s.person(t)
	if list := slices.Sorted(maps.Keys(s.m.candidates)); len(list) > 0 && rapid.IntRange(0, 4).Draw(t, "anybody") > 0 {
		who = rapid.SampledFrom(list).Draw(t, "candidate")
	}
	h := s.Chain.Head()
	if h.Number.Sign() == 0 {
		s.Block()
		h = s.Chain.Head()
	}
	s.step(t, who, contracts.Validators, "attest", args(h.Number, h.Hash()), func(m *model) error { return m.attest(who) })
}

func (s *stage) anyAction(t *rapid.T) action {
	switch rapid.SampledFrom([]string{"add", "add", "replace", "remove", "role", "closed", "node", "parameter", "fork"}).Draw(t, "action") {
	case "add":
		who, node := s.person(t), rapid.SampledFrom(hosts).Draw(t, "node")
		return action{contracts.Validators, "add", args(s.address(who), contractstest.NodeBytes(node), "of "+who), func(m *model, _ string) error { return m.candidate(who, node, "of "+who, "") }}
	case "replace":
		old, who, node := s.person(t), s.person(t), rapid.SampledFrom(hosts).Draw(t, "node")
		return action{contracts.Validators, "replace", args(s.address(old), s.address(who), contractstest.NodeBytes(node)), func(m *model, _ string) error {
			if _, ok := m.members[old]; !ok {
				return fmt.Errorf("Unknown")
			}
			return m.candidate(who, node, m.members[old].name, old)
		}}
	case "remove":
		who := s.person(t)
		return action{contracts.Validators, "remove", args(s.address(who)), func(m *model, _ string) error { return m.remove(who) }}
	case "role":
		return s.roleAction(t)
	case "closed":
		c, closed := rapid.SampledFrom(lists[:2]).Draw(t, "list"), rapid.Bool().Draw(t, "closed")
		return action{c, "setClosed", args(closed), func(m *model, _ string) error { m.closed[c.Name] = closed; return nil }}
	case "node":
		return s.nodeAction(t)
	case "parameter":
		name, value := contracts.PrimarySpan, rapid.Uint64Range(0, 70_000).Draw(t, "value")
		return action{contracts.Parameters, "setParameter", args(contracts.NameKey(name), new(big.Int).SetUint64(value)), func(m *model, _ string) error {
			if value > 1<<16 {
				return fmt.Errorf("OutOfRange")
			}
			m.values[name] = value
			m.versions["parameters"]++
			return nil
		}}
	default:
		// Forks that this build knows: at others the chain would stop.
		name, time := rapid.SampledFrom(genesis.KnownForks()).Draw(t, "fork"), s.Time+rapid.Uint64Range(0, 50).Draw(t, "after")
		if rapid.IntRange(0, 3).Draw(t, "off") == 0 {
			time = 0
		}
		return action{contracts.Parameters, "setFork", args(contracts.NameKey(name), time), func(m *model, _ string) error { return m.setFork(name, time) }}
	}
}

func (s *stage) roleAction(t *rapid.T) action {
	c, account := rapid.SampledFrom(lists).Draw(t, "list"), s.person(t)
	if rapid.IntRange(0, 3).Draw(t, "freezes") == 0 {
		frozen := rapid.Bool().Draw(t, "frozen")
		return action{c, "setFrozen", args(s.address(account), frozen), func(m *model, sender string) error { return m.setFrozen(c.Name, sender, account, frozen) }}
	}
	role := registry.Role(rapid.Uint8Range(0, 3).Draw(t, "role"))
	return action{c, setters[uint64(role)], args(s.address(account)), func(m *model, sender string) error { return m.setRole(c.Name, sender, account, role) }}
}

func (s *stage) nodeAction(t *rapid.T) action {
	node := rapid.SampledFrom(hosts).Draw(t, "node")
	if rapid.Bool().Draw(t, "adds") {
		return action{contracts.Observers, "addNode", args(contractstest.NodeBytes(node), "the "+node), func(m *model, sender string) error { return m.addNode(sender, node, "the "+node) }}
	}
	return action{contracts.Observers, "removeNode", args(contractstest.NodeBytes(node)), func(m *model, sender string) error { return m.removeNode(sender, node) }}
}

// same compares what the model, the registry and the contract say.
func same[T any](t *rapid.T, what string, model, registry, contract T) {
	t.Helper()
	options := cmp.Options{cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool { return true })}
	if d := cmp.Diff(model, registry, options); d != "" {
		t.Fatalf("%s: the registry differs from the model:\n%s", what, d)
	}
	if d := cmp.Diff(model, contract, options); d != "" {
		t.Fatalf("%s: the contract differs from the model:\n%s", what, d)
	}
}

func (s *stage) compare(t *rapid.T) {
	s.compareValidators(t)
	s.compareLists(t)
	s.compareNodes(t)
	s.compareParameters(t)
	s.compareProposals(t)
}

func (s *stage) names(addresses []common.Address) []string {
	out := make([]string, len(addresses))
	for i, a := range addresses {
		out[i] = s.Name(a)
	}
	return out
}

// host returns the name of the node with a node id.
func (s *stage) host(id string) string {
	for _, h := range append([]string{"v2"}, hosts...) {
		if contractstest.NodeID(h) == id {
			return h
		}
	}
	return id
}

func (s *stage) compareValidators(t *rapid.T) {
	v, err := registry.ReadValidators(s.Read)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "rules", s.m.rules, v.Rules, s.contractRules())
	same(t, "version", s.m.versions["validators"], v.Version, s.View(contracts.Validators, "version")[0].(uint64))
	members, candidates := map[string]memberModel{}, map[string]candidateModel{}
	for i, m := range v.Members {
		members[s.Name(m.Address)] = memberModel{s.host(m.NodeID), m.Name, m.Endpoint}
		if v.Set.Address(i) != m.Address {
			t.Fatal("set and members are in different orders")
		}
	}
	for _, c := range v.Candidates {
		replaces := s.Name(c.Replaces)
		if c.Replaces == (common.Address{}) {
			replaces = ""
		}
		candidates[s.Name(c.Address)] = candidateModel{s.host(c.NodeID), c.Name, replaces, c.Until}
	}
	same(t, "members", s.m.members, members, s.contractMembers())
	same(t, "candidates", s.m.candidates, candidates, s.contractCandidates())
	for _, h := range hosts {
		if got, want := s.View(contracts.Validators, "ownerOf", contractstest.NodeBytes(h))[0].(common.Address), s.m.owners[h]; s.Name(got) != want && (want != "" || got != common.Address{}) {
			t.Fatalf("node %s is %s's, the model says %s", h, s.Name(got), want)
		}
	}
}

func (s *stage) contractRules() genesis.Governance {
	r := s.View(contracts.Validators, "rules")
	if n := r[0].(*big.Int).Int64(); n != int64(len(s.m.members)) {
		s.t.Fatalf("%d members", n)
	}
	return genesis.Governance{ApprovalPercent: r[1].(*big.Int).Uint64(), TurnoutPercent: r[2].(*big.Int).Uint64(), ProposalSeconds: r[3].(*big.Int).Uint64()}
}

func (s *stage) contractMembers() map[string]memberModel {
	out := map[string]memberModel{}
	list := s.View(contracts.Validators, "members")[0].([]common.Address)
	for i, a := range list {
		m := viewMember(s.View(contracts.Validators, "member", a)[0])
		if m.Place != uint32(i+1) || !s.View(contracts.Validators, "isMember", a)[0].(bool) {
			s.t.Fatalf("%s has place %d", s.Name(a), m.Place)
		}
		out[s.Name(a)] = memberModel{s.host(genesis.NodeIDString(m.NodeId)), m.Name, m.Endpoint}
	}
	some := append(slices.Clone(list), common.Address{1}, list[0])
	if n := s.View(contracts.Validators, "countMembers", some)[0].(*big.Int); n.Int64() != int64(len(list)+1) {
		s.t.Fatalf("countMembers says %v", n)
	}
	return out
}

func (s *stage) contractCandidates() map[string]candidateModel {
	out := map[string]candidateModel{}
	for i, a := range s.View(contracts.Validators, "candidates")[0].([]common.Address) {
		c := s.View(contracts.Validators, "candidate", a)[0].(struct {
			Place    uint32         `json:"place"`
			Until    uint64         `json:"until"`
			Replaces common.Address `json:"replaces"`
			NodeId   []byte         `json:"nodeId"`
			Name     string         `json:"name"`
		})
		replaces := s.Name(c.Replaces)
		if c.Replaces == (common.Address{}) {
			replaces = ""
		}
		if c.Place != uint32(i+1) {
			s.t.Fatalf("candidate %s has place %d", s.Name(a), c.Place)
		}
		out[s.Name(a)] = candidateModel{s.host(genesis.NodeIDString(c.NodeId)), c.Name, replaces, c.Until}
	}
	return out
}

func (s *stage) compareLists(t *rapid.T) {
	for _, c := range lists {
		accounts, err := registry.ReadRoles(s.Read, c, 0, 1<<63)
		if err != nil {
			t.Fatal(err)
		}
		read, view, frozen := map[string]registry.AccountRole{}, map[string]registry.AccountRole{}, uint64(0)
		for _, a := range accounts {
			name := s.Name(a.Account)
			a.Account = common.Address{}
			read[name] = a
		}
		for _, a := range s.View(c, "accounts", common.Big0, new(big.Int).Lsh(one, 255))[0].([]common.Address) {
			e := registry.AccountRole{Role: registry.Role(s.View(c, "readAllowList", a)[0].(*big.Int).Uint64()), Frozen: s.View(c, "isFrozen", a)[0].(bool)}
			if e.Frozen {
				frozen++
			}
			view[s.Name(a)] = e
		}
		same(t, c.Name, s.m.lists[c.Name], read, view)
		same(t, "frozen in "+c.Name, frozen, contracts.FrozenCount.Uint(s.Read(c.Address, contracts.FrozenCount.Key())), s.View(c, "frozenCount")[0].(uint64))
	}
	for _, c := range lists[:2] {
		same(t, c.Name+" closed", s.m.closed[c.Name], registry.IsClosed(s.Read, c), s.View(c, "isClosed")[0].(bool))
	}
	for _, who := range people {
		a, other := s.address(who), &common.Address{9}
		sends, deploys := s.View(contracts.Senders, "isAllowed", a)[0].(bool), s.View(contracts.Deployers, "isAllowed", a)[0].(bool)
		same(t, who+" may send", s.m.maySend(who, false, false), registry.CheckSender(s.Read, a, other) == nil, sends)
		same(t, who+" may deploy", s.m.maySend(who, true, false), registry.CheckSender(s.Read, a, nil) == nil, sends && deploys)
		governs := registry.CheckSender(s.Read, a, &contracts.Senders.Address) == nil
		same(t, who+" may vote", s.m.maySend(who, false, true), governs, governs)
	}
}

func (s *stage) compareNodes(t *rapid.T) {
	observers, err := registry.ReadObservers(s.Read)
	if err != nil {
		t.Fatal(err)
	}
	read, view := map[string]nodeModel{}, map[string]nodeModel{}
	for _, o := range observers {
		read[s.host(o.NodeID)] = nodeModel{o.Name, s.Name(o.By)}
	}
	for i, n := range s.View(contracts.Observers, "nodes")[0].([]struct {
		Place  uint64         `json:"place"`
		By     common.Address `json:"by"`
		NodeId []byte         `json:"nodeId"`
		Name   string         `json:"name"`
	}) {
		if n.Place != uint64(i+1) {
			t.Fatalf("node %d has place %d", i, n.Place)
		}
		view[s.host(genesis.NodeIDString(n.NodeId))] = nodeModel{n.Name, s.Name(n.By)}
	}
	same(t, "nodes", s.m.nodes, read, view)
	same(t, "version", s.m.versions["observers"], registry.ObserversVersion(s.Read), s.View(contracts.Observers, "version")[0].(uint64))
}

func (s *stage) compareParameters(t *rapid.T) {
	p, err := registry.ReadParams(s.Read, consensus.DefaultParams())
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]uint64{
		contracts.EpochLength: p.EpochLength, contracts.PrimarySpan: p.PrimarySpan, contracts.BlockGasLimit: p.BlockGasLimit,
		contracts.MinGasPrice: p.MinGasPrice, contracts.TransactionGasCap: p.TransactionGasCap,
	}
	view, forks, forkView := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for name := range read {
		view[name] = s.View(contracts.Parameters, "parameter", contracts.NameKey(name))[0].(*big.Int).Uint64()
	}
	same(t, "parameters", s.m.values, read, view)
	for _, f := range p.Forks {
		forks[f.Name] = f.Time
	}
	for _, key := range s.View(contracts.Parameters, "forks")[0].([][32]byte) {
		forkView[strings.TrimRight(string(key[:]), "\x00")] = s.View(contracts.Parameters, "forkTime", key)[0].(uint64)
	}
	same(t, "forks", s.m.forks, forks, forkView)
	same(t, "version", s.m.versions["parameters"], p.Version, s.View(contracts.Parameters, "version")[0].(uint64))
	pending := s.m.versions["parameters"] > 0 || s.m.versions["validators"] > 0
	if got := registry.ChangePending(registry.Versions{}, s.Read); got != pending {
		t.Fatalf("a change is pending since block 0: %v", got)
	}
	now := registry.ReadVersions(s.Read)
	if registry.ChangePending(now, s.Read) {
		t.Fatal("a change is pending since the head")
	}
}

func (s *stage) compareProposals(t *rapid.T) {
	for _, c := range contracts.All() {
		var open, read []uint64
		for i, want := range s.m.proposals[c.Name] {
			id := uint64(i + 1)
			if want.status == registry.ProposalOpen {
				open = append(open, id)
			} else if s.settled[c.Name+fmt.Sprint(id)] {
				continue // it was compared when it was closed
			}
			s.settled[c.Name+fmt.Sprint(id)] = want.status != registry.ProposalOpen
			got, err := registry.ReadProposal(s.Read, c, id)
			if err != nil {
				t.Fatal(err)
			}
			v := viewProposal(s.View(c, "proposal", new(big.Int).SetUint64(id))[0])
			action := s.Pack(c, want.action.method, want.action.args...)
			type row struct {
				Proposer, Status, Action string
				Expires                  uint64
				For, Against             []string
			}
			same(t, fmt.Sprintf("proposal %d of %s", id, c.Name),
				row{want.proposer, want.status.String(), string(action), want.expires, want.approvals, want.objections},
				row{s.Name(got.Proposer), got.Status.String(), string(got.Action), got.Expires, s.names(got.Approvals), s.names(got.Objections)},
				row{s.Name(v.Proposer), registry.ProposalStatus(v.Status).String(), string(v.Action), v.Expires, s.names(v.Approvals), s.names(v.Objections)})
		}
		list, err := registry.OpenProposals(s.Read, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			read = append(read, p.ID)
		}
		var view []uint64
		for _, id := range s.View(c, "openProposals")[0].([]*big.Int) {
			view = append(view, id.Uint64())
		}
		slices.Sort(view)
		same(t, "open proposals of "+c.Name, open, read, view)
	}
}
