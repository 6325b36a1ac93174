package bench

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// The artifact is built from the source beside it; a test compares the source's
// hash, so that neither changes alone.
//
//go:generate sh -c "cd contract && npm install --no-save solc@0.8.28 && node compile.cjs"

//go:embed contract/BenchToken.json
var tokenJSON []byte

// artifact is what compile.cjs writes.
type artifact struct {
	Compiler     string          `json:"compiler"`
	SourceSHA256 string          `json:"sourceSHA256"`
	ABI          json.RawMessage `json:"abi"`
	Bytecode     hexutil.Bytes   `json:"bytecode"`
}

func tokenArtifact() (*artifact, error) {
	a := new(artifact)
	if err := json.Unmarshal(tokenJSON, a); err != nil {
		return nil, fmt.Errorf("bench: embedded contract/BenchToken.json: %w", err)
	}
	return a, nil
}

// Gas limits. A block's room is counted in limits, so they lie close to the need.
const (
	gasTransfer      = 21_000
	gasTokenTransfer = 40_000    // 34,700 between two holders
	gasDeploy        = 2_000_000 // 700,000 used
	gasPerRecipient  = 80_000    // of distribute: new account, new balance, log
	maxRecipients    = 200       // 16,000,000 gas, below Osaka's 2^24 per transaction
)

// callTransfer is the call data of transfer(to, 1).
func callTransfer(to common.Address) []byte {
	data := make([]byte, 4+64)
	copy(data, []byte{0xa9, 0x05, 0x9c, 0xbb})
	copy(data[4+12:], to[:])
	data[4+63] = 1
	return data
}

// selectorDistribute is that of distribute(address[],uint256).
var selectorDistribute = [4]byte{0x18, 0x26, 0xc1, 0x19}

// callDistribute is the call data of distribute(to, tokens).
func callDistribute(to []common.Address, tokens *big.Int) []byte {
	data := make([]byte, 4+32*(3+len(to)))
	copy(data, selectorDistribute[:])
	data[4+31] = 64 // offset of the array
	tokens.FillBytes(data[4+32 : 4+64])
	binary.BigEndian.PutUint64(data[4+64+24:], uint64(len(to)))
	for i, a := range to {
		copy(data[4+96+32*i+12:], a[:])
	}
	return data
}
