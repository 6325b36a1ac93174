package genesis

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"unicode"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
)

// Bounds of values.
const (
	// MaxChainID is the largest chain id that common wallets accept: they
	// compute 2·id + 36 in a double.
	MaxChainID = 4_503_599_627_370_476
	// MaxTimestamp is the end of the year 9999: beyond it dates no longer print,
	// and a time in milliseconds shows itself.
	MaxTimestamp = 253_402_300_799
	// MaxNameLength keeps a line of output a line, in bytes.
	MaxNameLength = 64
	// MaxAddresses bounds the network addresses of one node.
	MaxAddresses = 8
	// MaxObservers bounds the allow-list of nodes without a vote.
	MaxObservers = contracts.MaxNodes
	// MinApprovalPercent: two votes that contradict each other cannot both pass.
	MinApprovalPercent = 50
	// MaxApprovalPercent: more than all is never reached.
	MaxApprovalPercent = 99
	// MinProposalSeconds: a minute, enough for tools that vote at once.
	MinProposalSeconds = 60
	// MaxProposalSeconds: a year. What nobody remembers must not pass.
	MaxProposalSeconds = 365 * 24 * 60 * 60
)

// Validate reports every fault at once, as Problems without lines.
func (g *Genesis) Validate() error { return g.problems().err() }

func (g *Genesis) problems() Problems {
	var ps Problems
	if g.ChainID == 0 || g.ChainID > MaxChainID {
		ps.add("chainId", "%d is outside 1 … %d", g.ChainID, uint64(MaxChainID))
	}
	if g.Timestamp > MaxTimestamp {
		ps.add("timestamp", "%d is no time in seconds since 1970 (is it in milliseconds?)", g.Timestamp)
	}
	if g.Forks.Osaka != 0 {
		ps.add("forks.osaka", "%d: all forks to Osaka are active from block 0 (write 0)", g.Forks.Osaka)
	}
	checkParams(g.Params, &ps)
	g.checkNodes(&ps)
	g.checkAlloc(&ps)
	g.Permissions.check(&ps)
	g.Governance.check(&ps)
	g.Recovery.check(g.Validators, &ps)
	return ps
}

// check checks everything but the observers.
func (p *Permissions) check(ps *Problems) {
	for _, x := range [][2]string{{"senders", p.Senders}, {"deployers", p.Deployers}} {
		if x[1] != Open && x[1] != Closed {
			ps.add("permissions."+x[0], "%q is not known: write %q or %q", shorten(x[1]), Open, Closed)
		}
	}
	p.Roles.Senders.check("permissions.roles.senders", ps)
	p.Roles.Deployers.check("permissions.roles.deployers", ps)
	p.Roles.Observers.check("permissions.roles.observers", ps)
}

// check checks that every account stands once.
func (l *RoleList) check(path string, ps *Problems) {
	first := make(map[common.Address]string)
	for _, role := range l.byRole() {
		for i, a := range role.accounts {
			at := fmt.Sprintf("%s.%s[%d]", path, role.key, i)
			if a == (common.Address{}) {
				ps.add(at, "the zero address sends nothing")
				continue
			}
			if before, twice := first[a]; twice {
				ps.add(at, "%s stands already at %s: an account has one role", a, before)
				continue
			}
			first[a] = at
		}
	}
}

// check checks the rules of votes.
func (v Governance) check(ps *Problems) {
	within := func(key string, x, low, high uint64) {
		if x < low || x > high {
			ps.add("governance."+key, "%d is outside %d … %d", x, low, high)
		}
	}
	within("approvalPercent", v.ApprovalPercent, MinApprovalPercent, MaxApprovalPercent)
	within("turnoutPercent", v.TurnoutPercent, 0, 100)
	within("proposalSeconds", v.ProposalSeconds, MinProposalSeconds, MaxProposalSeconds)
}

// checkParams splits the joined error of consensus.Params, whose parts begin
// with the JSON name.
func checkParams(p consensus.Params, ps *Problems) {
	var parts []error
	if joined, ok := p.Validate().(interface{ Unwrap() []error }); ok {
		parts = joined.Unwrap()
	}
	if err := p.CheckStable(); err != nil {
		parts = append(parts, err)
	}
	for _, e := range parts {
		name, text, _ := strings.Cut(e.Error(), ": ")
		ps.add("parameters."+name, "%s", text)
	}
}

// checkNodes checks validators and observers, and that no two of them share a
// key, a node id or a name.
func (g *Genesis) checkNodes(ps *Problems) {
	if len(g.Validators) == 0 {
		ps.add("validators", "is empty: at least one validator is needed")
	}
	if len(g.Validators) > consensus.MaxValidators {
		ps.add("validators", "%d of them: at most %d are supported", len(g.Validators), consensus.MaxValidators)
	}
	if len(g.Permissions.Observers) > MaxObservers {
		ps.add("permissions.observers", "%d of them: at most %d are supported", len(g.Permissions.Observers), MaxObservers)
	}
	unique := make(map[string]string) // what → the place where it stood first
	once := func(path, what, value string) {
		if value == "" {
			return
		}
		if first, twice := unique[what+value]; twice {
			ps.add(path, "%s %s stands already at %s", what, value, first)
			return
		}
		unique[what+value] = path
	}
	for i := range g.Validators {
		v, path := &g.Validators[i], fmt.Sprintf("validators[%d]", i)
		v.check(path, ps)
		if v.Address != (common.Address{}) {
			once(path+".address", "validator", v.Address.Hex())
		}
		once(path+".nodeId", "node id", v.NodeID)
		once(path+".name", "name", v.Name)
	}
	for i := range g.Permissions.Observers {
		o, path := &g.Permissions.Observers[i], fmt.Sprintf("permissions.observers[%d]", i)
		o.check(path, ps)
		once(path+".nodeId", "node id", o.NodeID)
		once(path+".name", "name", o.Name)
	}
}

// check checks one validator on its own.
func (v *Validator) check(path string, ps *Problems) {
	if v.Address == (common.Address{}) {
		ps.add(join(path, "address"), "the zero address is no validator")
	}
	nodeAddress, err := checkNodeID(v.NodeID)
	switch {
	case err != nil:
		ps.add(join(path, "nodeId"), "%v", err)
	case nodeAddress == v.Address:
		ps.add(join(path, "nodeId"), "is made from the validator key: a node needs a key of its own, which lies unencrypted on its disk")
	default:
		if err := v.checkProof(); err != nil {
			ps.add(join(path, "proof"), "%v", err)
		}
	}
	checkHints(path, v.Name, v.Addresses, ps)
}

// check checks one observer on its own.
func (o *Observer) check(path string, ps *Problems) {
	if _, err := checkNodeID(o.NodeID); err != nil {
		ps.add(join(path, "nodeId"), "%v", err)
	}
	checkHints(path, o.Name, o.Addresses, ps)
}

func checkHints(path, name string, addresses []string, ps *Problems) {
	if len(name) > MaxNameLength {
		ps.add(join(path, "name"), "has %d bytes, at most %d are allowed", len(name), MaxNameLength)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(name) != name {
		ps.add(join(path, "name"), "%q holds characters that do not print, or white space around it", shorten(name))
	}
	if len(addresses) > MaxAddresses {
		ps.add(join(path, "addresses"), "%d of them: at most %d are allowed", len(addresses), MaxAddresses)
	}
	for i, a := range addresses {
		if _, err := Multiaddr(a); err != nil {
			ps.add(fmt.Sprintf("%s[%d]", join(path, "addresses"), i), "%v", err)
		}
	}
}

// checkAlloc checks the contracts of forks and the system accounts, and that all wei together fit 256
// bits, so that no balance can ever overflow.
func (g *Genesis) checkAlloc(ps *Problems) {
	for _, c := range forkContracts {
		if a, ok := g.Alloc[c.address]; !ok || !bytes.Equal(a.Code, c.code) || a.Nonce != 1 {
			ps.add("alloc."+c.address.Hex(), "must be the %s with nonce 1 and its own code (leave it out, then it is put in)", c.name)
		}
	}
	if _, ok := g.Alloc[SuspensionAccount]; ok {
		ps.add("alloc."+SuspensionAccount.Hex(), "is the account in which the protocol records suspended primaries: leave it out")
	}
	total := new(big.Int)
	for _, addr := range g.accounts() {
		a, path := g.Alloc[addr], "alloc."+addr.Hex()
		if a.Balance != nil {
			total.Add(total, a.Balance)
			if a.Balance.Sign() < 0 {
				ps.add(path+".balance", "is negative")
			}
		}
		for _, value := range a.Storage {
			if value == (common.Hash{}) {
				ps.add(path+".storage", "holds a slot whose value is zero: leave it out")
				break
			}
		}
	}
	if total.BitLen() > 256 {
		ps.add("alloc", "all balances together exceed 2^256-1 wei")
	}
}

// CheckName reports why a text is no name of a node.
func CheckName(name string) error {
	var ps Problems
	checkHints("", name, nil, &ps)
	return ps.err()
}
