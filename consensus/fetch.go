package consensus

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
)

// FetchKind says what a Fetch asks for.
type FetchKind uint8

// The kinds.
const (
	FetchBatch      FetchKind = iota + 1 // a batch by its digest
	FetchViewChange                      // a VIEW-CHANGE by its ChangeID
)

// String returns the word that logs and scripts use.
func (k FetchKind) String() string {
	switch k {
	case FetchBatch:
		return "batch"
	case FetchViewChange:
		return "view change"
	}
	return fmt.Sprintf("fetch kind %d", uint8(k))
}

// Fetch asks one validator for something that a message named by its hash. It
// is no vote: the connection authenticates it, and the hash the answer.
type Fetch struct {
	Kind   FetchKind
	Epoch  Epoch
	Seq    Seq // of a batch
	Digest common.Hash
}

// Encode returns the canonical RLP.
func (f *Fetch) Encode() []byte { return mustEncode(f) }

// DecodeFetch decodes a Fetch and nothing else.
func DecodeFetch(data []byte) (*Fetch, error) {
	f := new(Fetch)
	if err := rlp.DecodeBytes(data, f); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if f.Kind != FetchBatch && f.Kind != FetchViewChange {
		return nil, fmt.Errorf("fetch: kind %d does not exist, 1 and 2 do", f.Kind)
	}
	return f, nil
}
