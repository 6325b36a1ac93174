package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/store"
)

// ErrNoProof says that the rows of a block's state are kept, but not its trie
// nodes: balances, code and slots can be read there, proofs and state roots
// cannot be made.
type ErrNoProof struct {
	Number, Oldest uint64 // Oldest is the oldest block where proofs can be made
}

func (e *ErrNoProof) Error() string {
	return fmt.Sprintf("state: the trie nodes of block %d are not kept, proofs can be made from block %d on", e.Number, e.Oldest)
}

// trail says what the database holds of old trie nodes. Rows are as those of
// accounts: a node as it was before a block. They are whole nodes, not
// differences: the versions of a node lie side by side, so that the compression
// of tables finds what they have in common.
type trail struct {
	kept bool
	from uint64 // every row above this block is there, unless it was pruned
}

const trailName = "proofs"

func readTrail(db store.Reader) (trail, error) {
	v, err := db.Get(store.MetaKey(trailName))
	if errors.Is(err, store.ErrNotFound) {
		return trail{}, nil
	}
	if err != nil {
		return trail{}, fmt.Errorf("state: read the extent of proofs: %w", err)
	}
	if len(v) != 8 {
		return trail{}, fmt.Errorf("state: the extent of proofs is %x instead of 8 bytes: the database is damaged", v)
	}
	return trail{true, binary.BigEndian.Uint64(v)}, nil
}

// after is the trail when a block on head has been committed with the setting
// wanted. What was kept is given up as soon as one block leaves no rows.
func (t trail) after(wanted bool, head uint64) trail {
	switch {
	case !wanted:
		return trail{}
	case !t.kept:
		return trail{true, head}
	}
	return t
}

// stage writes the change to after into the batch of that block.
func (t trail) stage(b *store.Batch, wanted bool, head uint64) error {
	next := t.after(wanted, head)
	if next == t {
		return nil
	}
	if next.kept {
		return b.Set(store.MetaKey(trailName), binary.BigEndian.AppendUint64(nil, next.from))
	}
	for _, prefix := range []byte{store.PrefixAccountNodeHistory, store.PrefixStorageNodeHistory} {
		lower, upper := store.Space(prefix)
		if err := b.DeleteRange(lower, upper); err != nil {
			return err
		}
	}
	return b.Delete(store.MetaKey(trailName))
}

// nodeHistoryKey is the key of a trie node before a block changed it; owner is
// zero for the account trie.
func nodeHistoryKey(era uint32, owner common.Hash, path []byte, offset uint32) []byte {
	if owner == (common.Hash{}) {
		return store.AccountNodeHistoryKey(era, path, offset)
	}
	return store.StorageNodeHistoryKey(era, owner, path, offset)
}

// provable fails if the trie nodes of the block are not all there.
func (p *past) provable() error {
	if oldest := p.oldestProof(); p.number < oldest {
		return &ErrNoProof{Number: p.number, Oldest: oldest}
	}
	return nil
}

// oldestProof is the oldest block where proofs can be made.
func (p *past) oldestProof() uint64 {
	if !p.trail.kept {
		return p.head
	}
	return max(p.trail.from, p.oldest)
}

// Node implements database.NodeReader.
func (p *past) Node(owner common.Hash, path []byte, hash common.Hash) ([]byte, error) {
	it, prefix := &p.accountNodes, byte(store.PrefixAccountNodeHistory)
	if owner != (common.Hash{}) {
		it, prefix = &p.storageNodes, store.PrefixStorageNodeHistory
	}
	blob, ok, err := p.seek(it, prefix, func(era, offset uint32) []byte {
		return nodeHistoryKey(era, owner, path, offset)
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.present.Node(owner, path, hash)
	}
	if got := crypto.Keccak256Hash(blob); got != hash {
		return nil, fmt.Errorf("state: node %x of trie %x after block %d has hash %x, wanted %x: the database is damaged", path, owner, p.number, got, hash)
	}
	return blob, nil
}
