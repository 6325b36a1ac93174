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

// Permissions say who may do what. They are static in this release.
type Permissions struct {
	Observers []Observer // nodes that may follow the chain without a vote
	Senders   string     // who may send transactions: "open"
	Deployers string     // who may deploy contracts: "open"
}

// Observer is a node without a vote that the members let in.
type Observer struct {
	NodeID    string   // libp2p peer id
	Name      string   // a hint, not part of the hash
	Addresses []string // hints, not part of the hash; usually empty: observers dial
}

// Open is the only value of the permissions senders and deployers so far.
const Open = "open"

// Default returns a genesis with all defaults, the system contracts, and
// neither chain id nor validators.
func Default() *Genesis {
	g := &Genesis{
		Alloc:       types.GenesisAlloc{},
		Params:      consensus.DefaultParams(),
		Permissions: Permissions{Senders: Open, Deployers: Open},
	}
	addSystemContracts(g.Alloc)
	return g
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

// Parse reads and validates a document. Its error is of type Problems and
// holds every fault.
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
	return g, nil
}
