package pbft

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/rpc"
)

// born is a network that has its block 0.
type born struct {
	*network
	zero *types.Header
}

func (b born) Sealed(uint64) (*Sealed, error) { return &Sealed{Header: b.zero}, nil }

// TestGenesis: who knows the hash alone can check the document.
func TestGenesis(t *testing.T) {
	n := newNetwork(t)
	document := []byte(`{"chainId":1337}`)
	zero := &types.Header{Number: new(big.Int), Difficulty: new(big.Int), BaseFee: new(big.Int), Extra: crypto.Keccak256(document)}
	api := n.api(t, rpc.DefaultLimits(), nil)
	api.d.Chain, api.d.Genesis, api.d.Birth = born{n, zero}, zero.Hash(), document
	got, err := api.Genesis()
	if err != nil {
		t.Fatal(err)
	}
	if crypto.Keccak256Hash(got.Header) != got.Hash || got.Hash != zero.Hash() {
		t.Errorf("the header does not hash to %s", got.Hash)
	}
	header := new(types.Header)
	if err := rlp.DecodeBytes(got.Header, header); err != nil {
		t.Fatal(err)
	}
	if common.BytesToHash(header.Extra) != crypto.Keccak256Hash([]byte(got.Document)) {
		t.Error("the document is not that of the header")
	}
	api.d.Birth = nil
	if _, err := api.Genesis(); err == nil {
		t.Error("a document came from nowhere")
	}
}
