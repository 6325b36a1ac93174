package recovery

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// tag keeps the signature from being one of a vote, or of anything else.
var tag = crypto.Keccak256Hash([]byte("quorate/recovery/1"))

// Statement is what a recovery key signs: what the CHECKPOINT of the epoch would have
// said, had the epoch ended with this block, and the nodes of the new validators.
type Statement struct {
	Ends      consensus.Epoch // that is over
	Number    consensus.Seq   // of its last block
	BlockHash common.Hash
	StateRoot common.Hash
	NextSet   common.Hash // consensus.EpochRules.Hash of the epoch that follows
	Details   common.Hash // keccak256 of the RLP of the members
}

// Preimage returns the words whose keccak256 is signed: abi.encode(bytes32 tag,
// uint256 chainId, bytes32 genesis, uint256 ends, uint256 number, bytes32 blockHash,
// bytes32 stateRoot, bytes32 nextSet, bytes32 details).
func (s *Statement) Preimage(d consensus.Domain) []byte {
	var out []byte
	for _, w := range []common.Hash{
		tag, word(d.ChainID), d.Genesis, word(uint64(s.Ends)), word(uint64(s.Number)), s.BlockHash, s.StateRoot, s.NextSet, s.Details,
	} {
		out = append(out, w[:]...)
	}
	return out
}

// Digest returns what names the recovery: keccak256 of the preimage.
func (s *Statement) Digest(d consensus.Domain) common.Hash {
	return crypto.Keccak256Hash(s.Preimage(d))
}

func word(n uint64) (w common.Hash) {
	binary.BigEndian.PutUint64(w[24:], n)
	return w
}
