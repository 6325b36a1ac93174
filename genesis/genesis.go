package genesis

import (
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
)

// Genesis is the parsed document. It is a value to be built once and then only
// read; its methods are safe for concurrent use as long as nobody changes it.
type Genesis struct {
	ChainID     uint64             // EIP-155
	Timestamp   uint64             // of block 0, seconds since 1970
	Forks       Forks              // activation times
	Alloc       types.GenesisAlloc // accounts of block 0, system contracts included
	Validators  []Validator        // of epoch 0
	Params      consensus.Params
	Permissions Permissions
	Governance  Governance
	Recovery    Recovery // who may replace a set of which too many are lost; none by default
}

// Forks are the activation times of the EVM's rule sets, seconds since 1970.
// Everything up to Osaka is active from block 0; a release that knows a later
// fork gives it a field here, so that its activation is part of the genesis.
type Forks struct {
	Osaka uint64 `json:"osaka"` // must be 0
}

// Validator is one founding member.
type Validator struct {
	Address   common.Address // of the validator key
	NodeID    string         // libp2p peer id of the node key
	Name      string         // a hint for people, not part of the hash
	Addresses []string       // host:port or multiaddr; hints, not part of the hash
	Proof     []byte         // proof of possession: 65 bytes over MemberPreimage
}

// Permissions say who may do what in block 0. From then on the state says it.
type Permissions struct {
	Observers []Observer // nodes that may follow the chain without a vote
	Senders   string     // who may send transactions: Open or Closed
	Deployers string     // who may deploy contracts: Open or Closed
	Roles     Roles
}

// Roles are the accounts with a role in one of the three lists.
type Roles struct {
	Senders   RoleList
	Deployers RoleList
	Observers RoleList // who lets nodes in
}

// RoleList has the accounts of one list by role; no account has two.
type RoleList struct {
	Admins   []common.Address // change every role
	Managers []common.Address // change Enabled and None
	Enabled  []common.Address // may do what the list is about
}

// Governance is how the members decide. It cannot be changed later.
type Governance struct {
	ApprovalPercent uint64 `json:"approvalPercent"` // a proposal passes when more than this share of the members approves
	TurnoutPercent  uint64 `json:"turnoutPercent"`  // and at least this share has voted, either way
	ProposalSeconds uint64 `json:"proposalSeconds"` // how long a proposal can be voted on, and a candidate has to attest
}

// DefaultGovernance: more than half of the members, within a week.
func DefaultGovernance() Governance {
	return Governance{ApprovalPercent: 50, ProposalSeconds: 7 * 24 * 60 * 60}
}

// Observer is a node without a vote that the members let in.
type Observer struct {
	NodeID    string   // libp2p peer id
	Name      string   // a hint, not part of the hash
	Addresses []string // hints, not part of the hash; usually empty: observers dial
}

// Values of the permissions senders and deployers.
const (
	Open   = "open"   // everybody who is not frozen
	Closed = "closed" // every account with a role
)

// Default returns a genesis with all defaults, the contracts of Ethereum's forks,
// and neither chain id nor validators. When they are there: Complete.
func Default() *Genesis {
	g := &Genesis{
		Alloc:       types.GenesisAlloc{},
		Params:      consensus.DefaultParams(),
		Permissions: Permissions{Senders: Open, Deployers: Open},
		Governance:  DefaultGovernance(),
	}
	addForkContracts(g.Alloc)
	return g
}

// Complete puts the contracts of package contracts into the allocation if the
// genesis is valid; otherwise it reports every fault, as Validate does.
func (g *Genesis) Complete() error {
	if err := g.Validate(); err != nil {
		return err
	}
	g.AddContracts()
	return nil
}

// Load reads and parses a file. Its errors name the file.
func Load(path string) (*Genesis, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	if info.Size() > MaxDocumentBytes {
		return nil, fmt.Errorf("genesis: %s has %d bytes, at most %d are read", path, info.Size(), MaxDocumentBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	g, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("genesis: %s is not valid:\n%w", path, err)
	}
	return g, nil
}

// Parse reads, validates and completes a document. Its error is of type Problems
// and holds every fault.
func Parse(data []byte) (*Genesis, error) {
	root, err := readTree(data)
	if err != nil {
		return nil, err
	}
	d := newDecoder()
	g := d.genesis(root)
	// Checks of values see only what could be read.
	for _, p := range g.problems() {
		if !d.problems.has(p.Path) {
			d.problems = append(d.problems, p)
		}
	}
	if err := d.located(); err != nil {
		return nil, err
	}
	g.AddContracts()
	return g, nil
}
