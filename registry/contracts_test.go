package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
)

// drawGenesis makes a genesis that is valid but for proofs.
func drawGenesis(t *rapid.T) *genesis.Genesis {
	g := genesis.Default()
	for i := range rapid.IntRange(1, 7).Draw(t, "validators") {
		name := fmt.Sprint("v", i)
		g.Validators = append(g.Validators, genesis.Validator{Address: contractstest.Address(name), NodeID: contractstest.NodeID(name), Name: "name of " + name})
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "observers") {
		g.Permissions.Observers = append(g.Permissions.Observers, genesis.Observer{NodeID: contractstest.NodeID(fmt.Sprint("o", i)), Addresses: []string{"o.example:1"}})
	}
	modes := rapid.SampledFrom([]string{genesis.Open, genesis.Closed})
	g.Permissions.Senders, g.Permissions.Deployers = modes.Draw(t, "senders"), modes.Draw(t, "deployers")
	roles := &g.Permissions.Roles
	for _, l := range []*genesis.RoleList{&roles.Senders, &roles.Deployers, &roles.Observers} {
		for i := range byte(6) {
			to := rapid.SampledFrom([]*[]common.Address{&l.Admins, &l.Managers, &l.Enabled, nil}).Draw(t, "role")
			if to != nil {
				*to = append(*to, common.Address{i + 1})
			}
		}
	}
	g.Governance.ApprovalPercent = rapid.Uint64Range(genesis.MinApprovalPercent, genesis.MaxApprovalPercent).Draw(t, "approval")
	g.Governance.TurnoutPercent = rapid.Uint64Range(0, 100).Draw(t, "turnout")
	g.Governance.ProposalSeconds = rapid.Uint64Range(genesis.MinProposalSeconds, genesis.MaxProposalSeconds).Draw(t, "seconds")
	g.Params.EpochLength = rapid.Uint64Range(1, 1<<16).Draw(t, "epochLength")
	g.Params.PrimarySpan = rapid.Uint64Range(0, 1<<16).Draw(t, "primarySpan")
	g.Params.BlockGasLimit = rapid.Uint64Range(1<<24, 1<<53).Draw(t, "blockGasLimit")
	g.Params.MinGasPrice = rapid.Uint64Range(0, 1<<53).Draw(t, "minGasPrice")
	return g
}

// TestGenesisReadsBack: what genesis writes into the storage of block 0 is what its
// document says.
func TestGenesisReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGenesis(t)
		if registry.HasContracts(inAlloc(g)) {
			t.Fatal("contracts before they were added")
		}
		if r, err := registry.New(g).In(inAlloc(g)); err != nil || r.ValidatorSet(0).Len() != len(g.Validators) {
			t.Fatal("without contracts:", err)
		}
		g.AddContracts()
		readsBack(t, g, inAlloc(g))
	})
}

// TestBlock0ReadsBack: and in the state of a real chain.
func TestBlock0ReadsBack(t *testing.T) {
	w := contractstest.New(t, 4, func(g *genesis.Genesis) {
		g.Permissions.Senders = genesis.Closed
		g.Permissions.Roles.Senders.Managers = []common.Address{{7}}
		g.Permissions.Observers = []genesis.Observer{{NodeID: contractstest.NodeID("o")}}
	})
	defer w.Close()
	if h := w.Chain.Head(); h.Number.Sign() != 0 {
		t.Fatal(h.Number)
	}
	readsBack(t, w.Network.Genesis, w.Read)
}

// inAlloc reads the allocation.
func inAlloc(g *genesis.Genesis) registry.ReadSlot {
	return func(account common.Address, key common.Hash) common.Hash { return g.Alloc[account].Storage[key] }
}

func readsBack(t interface {
	Fatal(args ...any)
	Errorf(format string, args ...any)
}, g *genesis.Genesis, read registry.ReadSlot,
) {
	want := registry.New(g)
	got, err := want.In(read)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.Members(), got.Members(), cmpopts.EquateEmpty()); d != "" || want.Params() != got.Params() || want.ValidatorSet(0).Len() != got.ValidatorSet(0).Len() {
		t.Errorf("the registry of the state differs:\n%s\n%+v\n%+v", d, want.Params(), got.Params())
	}
	v, err := registry.ReadValidators(read)
	if err != nil || v.Rules != g.Governance || v.Version != 0 || len(v.Candidates) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	p, err := registry.ReadParams(read, g.Params)
	if err != nil || p.TransactionGasCap != consensus.TransactionGasCap || len(p.Forks) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, x := range []struct {
		list contracts.Contract
		mode string
		want genesis.RoleList
	}{
		{contracts.Senders, g.Permissions.Senders, g.Permissions.Roles.Senders},
		{contracts.Deployers, g.Permissions.Deployers, g.Permissions.Roles.Deployers},
		{contracts.Observers, genesis.Open, g.Permissions.Roles.Observers},
	} {
		var got genesis.RoleList
		all, err := registry.ReadRoles(read, x.list, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			to := map[registry.Role]*[]common.Address{registry.RoleAdmin: &got.Admins, registry.RoleManager: &got.Managers, registry.RoleEnabled: &got.Enabled}[a.Role]
			*to = append(*to, a.Account)
		}
		if d := cmp.Diff(x.want, got, cmpopts.EquateEmpty()); d != "" || registry.IsClosed(read, x.list) != (x.mode == genesis.Closed) {
			t.Errorf("%s: %s", x.list.Name, d)
		}
	}
}

// TestRefusal: the texts that people read, and what they cost in slots.
func TestRefusal(t *testing.T) {
	g := chaintest.New(1, 0, func(g *genesis.Genesis) {
		g.Validators[0].NodeID = contractstest.NodeID("v0")
		g.Permissions.Roles.Deployers.Enabled = []common.Address{{1}}
		g.Permissions.Deployers = genesis.Closed
		g.AddContracts()
	}).Genesis
	frozen := g.Alloc[contracts.Senders.Address].Storage
	if len(frozen) != 0 {
		t.Fatal("an open list has storage")
	}
	reads := 0
	read := func(account common.Address, key common.Hash) common.Hash {
		reads++
		return g.Alloc[account].Storage[key]
	}
	to, system := &common.Address{9}, &contracts.Parameters.Address
	for _, x := range []struct {
		from  common.Address
		to    *common.Address
		want  string
		reads int
	}{
		{common.Address{1}, to, "", 1},
		{common.Address{1}, nil, "", 3},
		{common.Address{2}, to, "", 1},
		{common.Address{2}, nil, "permission: 0x0200000000000000000000000000000000000000 may not deploy contracts: it has no role in a list that is closed (contract of the deployers, 0x71756f7261746500000000000000000000000004)", 3},
	} {
		reads = 0
		err := registry.CheckSender(read, x.from, x.to)
		if got := fmt.Sprint(err); (err != nil || x.want != "") && got != x.want || reads != x.reads {
			t.Errorf("%s, %d slots", got, reads)
		}
	}
	s := contracts.Storage{}
	s.PutUint(contracts.FrozenCount.Key(), contracts.FrozenCount, 2)
	for _, a := range []common.Address{{3}, g.Validators[0].Address} {
		s.PutUint(contracts.Entries.Of(contracts.AddressKey(a)), contracts.EntryFrozen, 1)
	}
	account := g.Alloc[contracts.Senders.Address]
	account.Storage = s
	g.Alloc[contracts.Senders.Address] = account
	if err := registry.CheckSender(read, common.Address{3}, system); err == nil || !strings.Contains(err.Error(), "may not send transactions: it is frozen (contract of the senders, 0x71756f7261746500000000000000000000000003)") {
		t.Error(err)
	}
	// A frozen member votes, and does nothing else.
	if err := registry.CheckSender(read, g.Validators[0].Address, system); err != nil {
		t.Error(err)
	}
	if err := registry.CheckSender(read, g.Validators[0].Address, to); err == nil {
		t.Error("a frozen member sends what it likes")
	}
}

// TestImpossibleStorage: what no contract of ours can have written is an error.
func TestImpossibleStorage(t *testing.T) {
	set := func(c contracts.Contract, key, word common.Hash) func(*genesis.Genesis) {
		return func(g *genesis.Genesis) { g.Alloc[c.Address].Storage[key] = word }
	}
	member := contracts.Members.Of(contracts.AddressKey(contractstest.Address("v0")))
	for want, change := range map[string]func(*genesis.Genesis){
		"a list of 1025 items":                         set(contracts.Validators, contracts.MemberList.Key(), contracts.NumberKey(1025)),
		"zero address":                                 set(contracts.Validators, contracts.MemberList.Key(), contracts.NumberKey(2)),
		"short string of 50 bytes":                     set(contracts.Validators, contracts.MemberNodeID.In(member), common.Hash{31: 100}),
		"short string of 60 bytes":                     set(contracts.Validators, contracts.MemberName.In(member), common.Hash{31: 120}),
		"epochLength: 0 is outside":                    set(contracts.Parameters, contracts.Values.Of(contracts.NameKey(contracts.EpochLength)), common.Hash{}),
		"primarySpan: 18446744073709551615 is outside": set(contracts.Parameters, contracts.Values.Of(contracts.NameKey(contracts.PrimarySpan)), common.Hash{0: 1}),
		"a list of 33 items":                           set(contracts.Parameters, contracts.ForkList.Key(), contracts.NumberKey(33)),
		"observers: a list of 2000 ":                   set(contracts.Observers, contracts.NodeKeys.Key(), contracts.NumberKey(2000)),
	} {
		g := genesis.Default()
		g.Validators = []genesis.Validator{{Address: contractstest.Address("v0"), NodeID: contractstest.NodeID("v0")}}
		g.AddContracts()
		change(g)
		if _, err := registry.New(g).In(inAlloc(g)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestNoCurvePoint: a node id that no key can have does not make a state unreadable.
func TestNoCurvePoint(t *testing.T) {
	w := contractstest.New(t, 1, func(g *genesis.Genesis) {
		g.Permissions.Roles.Observers.Enabled = []common.Address{contractstest.Address("e")}
	})
	defer w.Close()
	id := contractstest.NodeBytes("x")
	for i := range id[7:] {
		id[7+i] = 0xff // above the order of the field
	}
	w.Must(w.Actor("e"), contracts.Observers, "addNode", id, "")
	r, err := registry.New(w.Network.Genesis).In(w.Read)
	if err != nil || len(r.Members()) != 2 || !r.Members()[1].Observer {
		t.Error(r, err)
	}
}

// TestInHints: what members say of themselves beats genesis; candidates and observers
// connect, each node once.
func TestInHints(t *testing.T) {
	w := contractstest.New(t, 3, func(g *genesis.Genesis) {
		for i := range g.Validators {
			g.Validators[i].Name, g.Validators[i].Addresses = fmt.Sprint("genesis ", i), []string{fmt.Sprintf("g%d.example:1", i)}
		}
		g.Permissions.Observers = []genesis.Observer{{NodeID: contractstest.NodeID("o")}, {NodeID: contractstest.NodeID("new"), Name: "to be"}}
	})
	defer w.Close()
	w.Must(w.Actor("v0"), contracts.Validators, "describe", "own", "own.example:2")
	w.Must(w.Actor("v1"), contracts.Validators, "describe", "", "nonsense")
	w.Pass(contracts.Validators, "add", w.Actor("new").Address, contractstest.NodeBytes("new"), "new one")
	w.Pass(contracts.Validators, "remove", w.Actor("v2").Address)
	r, err := registry.New(w.Network.Genesis).In(w.Read)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range r.Members() {
		got = append(got, fmt.Sprintf("%s %v %v", m.Name, m.Addresses, m.Observer))
	}
	want := []string{"own [/dns/own.example/tcp/2] false", "genesis 1 [/dns/g1.example/tcp/1] false"}
	others := []string{contractstest.NodeID("o") + " [] true", "new one [] true"}
	if contractstest.NodeID("new") < contractstest.NodeID("o") {
		slices.Reverse(others)
	}
	if d := cmp.Diff(append(want, others...), got); d != "" {
		t.Error(d)
	}
}
