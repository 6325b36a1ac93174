package pbft

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rlp"
)

// Birth is the answer of pbft_genesis.
type Birth struct {
	Hash     common.Hash   `json:"hash"`     // of block 0: what identifies the network
	Header   hexutil.Bytes `json:"header"`   // of block 0, RLP; its keccak256 is the hash, its extraData keccak256 of the document
	Document string        `json:"document"` // canonical: names the validators of epoch 0, leaves out what they are called
}

// Genesis returns what proves to anyone who knows the genesis hash, and nothing else, who
// validates from block 1 on.
func (a *API) Genesis() (*Birth, error) {
	if len(a.d.Birth) == 0 {
		return nil, errors.New("this node does not hand out its genesis document")
	}
	s, err := a.d.Chain.Sealed(0)
	if err != nil {
		return nil, err
	}
	header, err := rlp.EncodeToBytes(s.Header)
	if err != nil {
		return nil, fmt.Errorf("encoding header 0: %w", err)
	}
	return &Birth{Hash: a.d.Genesis, Header: header, Document: string(a.d.Birth)}, nil
}
