package consensus

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// BatchVersion is the version of BatchHeader that this release proposes and
// accepts.
const BatchVersion = 1

// BatchHeader is what the primary orders. Batches are chained by ParentDigest
// (of seq 1: the genesis hash), so agreement on one is agreement on all before.
type BatchHeader struct {
	Version      uint64
	Epoch        Epoch
	Seq          Seq
	OriginView   View           // the view in which it was first proposed
	Proposer     common.Address // the primary who proposed it first
	ParentDigest common.Hash
	TimeMs       uint64         // milliseconds since 1970, the primary's clock; grows strictly
	Beneficiary  common.Address // coinbase of the block
	GasLimit     uint64         // gas limit of the block
	TxCount      uint64
	TxsHash      common.Hash // HashOfTransactions
}

// Digest returns keccak256(rlp(header)), the identity of a batch.
func (h *BatchHeader) Digest() common.Hash {
	enc, err := rlp.EncodeToBytes(h)
	if err != nil {
		panic(fmt.Sprintf("consensus: encoding a batch header: %v", err)) // only fixed-size fields
	}
	return crypto.Keccak256Hash(enc)
}

// Batch is an ordered list of transactions: the header that votes name, and
// the hashes that it binds. Bodies travel apart.
type Batch struct {
	Header BatchHeader
	Hashes []common.Hash
}

// Digest returns the digest of the header.
func (b *Batch) Digest() common.Hash { return b.Header.Digest() }

// CheckHashes reports whether the hashes are those that the header binds, none
// of them twice.
func (b *Batch) CheckHashes() error {
	if uint64(len(b.Hashes)) != b.Header.TxCount {
		return fmt.Errorf("batch has %d transaction hashes, its header says %d", len(b.Hashes), b.Header.TxCount)
	}
	if got := HashOfTransactions(b.Hashes); got != b.Header.TxsHash {
		return fmt.Errorf("transaction hashes hash to %s, the batch header says %s", got, b.Header.TxsHash)
	}
	seen := make(map[common.Hash]struct{}, len(b.Hashes))
	for _, h := range b.Hashes {
		if _, twice := seen[h]; twice {
			return fmt.Errorf("transaction %s stands twice in the batch", h)
		}
		seen[h] = struct{}{}
	}
	return nil
}

// HashOfTransactions returns keccak256 of the concatenated hashes.
func HashOfTransactions(hashes []common.Hash) common.Hash {
	k := crypto.NewKeccakState()
	for i := range hashes {
		k.Write(hashes[i][:])
	}
	var out common.Hash
	_, _ = k.Read(out[:]) // a sponge never fails
	return out
}
