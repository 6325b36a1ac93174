package genesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/consensus"
)

// forkContracts stand in every allocation. Those of EIP-7002 and EIP-7251
// serve the beacon chain and are left out.
var forkContracts = []struct {
	name    string
	address common.Address
	code    []byte
}{
	{"history contract of EIP-2935", params.HistoryStorageAddress, params.HistoryStorageCode},
	{"beacon roots contract of EIP-4788", params.BeaconRootsAddress, params.BeaconRootsCode},
}

// SuspensionAccount is the system account whose storage says who is suspended
// as primary: package registry has the layout, package chain writes it. It is
// made by the first view change, and no allocation may hold it. The address is
// "quorate" in ASCII, with a number at its end for the system accounts that may
// follow: nobody holds a key for it, no contract can come to lie there, people
// recognise it, and it is far from the low addresses that Ethereum's forks give
// to precompiles.
var SuspensionAccount = common.HexToAddress("0x71756F7261746500000000000000000000000001")

func addForkContracts(alloc types.GenesisAlloc) {
	for _, c := range forkContracts {
		alloc[c.address] = types.Account{Nonce: 1, Code: c.code, Balance: new(big.Int)}
	}
}

// ChainConfig returns the EVM's rules: every fork to Osaka from block 0. The
// blob schedule is there because go-ethereum insists, not because blobs are
// accepted.
func (g *Genesis) ChainConfig() *params.ChainConfig {
	zero := func() *big.Int { return new(big.Int) }
	osaka := g.Forks.Osaka
	return &params.ChainConfig{
		ChainID:        new(big.Int).SetUint64(g.ChainID),
		HomesteadBlock: zero(), EIP150Block: zero(), EIP155Block: zero(), EIP158Block: zero(),
		ByzantiumBlock: zero(), ConstantinopleBlock: zero(), PetersburgBlock: zero(), IstanbulBlock: zero(),
		BerlinBlock: zero(), LondonBlock: zero(), MergeNetsplitBlock: zero(),
		TerminalTotalDifficulty: zero(),
		ShanghaiTime:            new(uint64), CancunTime: new(uint64), PragueTime: new(uint64), OsakaTime: &osaka,
		BlobScheduleConfig: &params.BlobScheduleConfig{
			Cancun: params.DefaultCancunBlobConfig, Prague: params.DefaultPragueBlobConfig,
		},
	}
}

// Block returns block 0. It hashes the whole allocation: keep the result.
func (g *Genesis) Block() *types.Block {
	spec := &core.Genesis{
		Config:     g.ChainConfig(),
		Timestamp:  g.Timestamp,
		ExtraData:  crypto.Keccak256(g.Canonical()),
		GasLimit:   g.Params.BlockGasLimit,
		Difficulty: new(big.Int),
		BaseFee:    new(big.Int).SetUint64(g.Params.MinGasPrice),
		Alloc:      g.Alloc,
	}
	return spec.ToBlock()
}

// Hash returns the genesis hash, that of Block: keep the result.
func (g *Genesis) Hash() common.Hash { return g.Block().Hash() }

// Domain returns what binds signatures to this network. It computes Hash.
func (g *Genesis) Domain() consensus.Domain {
	return consensus.Domain{ChainID: g.ChainID, Genesis: g.Hash()}
}

// ValidatorSet returns the set of epoch 0 of a valid genesis.
func (g *Genesis) ValidatorSet() *consensus.ValidatorSet {
	addresses := make([]common.Address, len(g.Validators))
	for i := range g.Validators {
		addresses[i] = g.Validators[i].Address
	}
	set, err := consensus.NewValidatorSet(addresses)
	if err != nil {
		panic(fmt.Sprintf("genesis: validator set of an unchecked genesis: %v", err)) // Validate refuses it
	}
	return set
}

// parseWord reads a 0x string of at most 32 bytes, padded on the left.
func parseWord(s string) (common.Hash, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	b, err := hexutil.Decode("0x" + digits)
	if !ok || err != nil || len(b) == 0 || len(b) > 32 {
		return common.Hash{}, fmt.Errorf("%q is no 0x-prefixed hexadecimal word of at most 32 bytes", shorten(s))
	}
	return common.BytesToHash(b), nil
}

func indent(b []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		panic(fmt.Sprintf("genesis: indenting: %v", err)) // our own JSON
	}
	return out.Bytes()
}
