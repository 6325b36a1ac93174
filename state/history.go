package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/quorate/quorate/store"
)

// ErrPruned says that the state of a block is no longer kept.
type ErrPruned struct {
	Number, Oldest uint64
}

func (e *ErrPruned) Error() string {
	return fmt.Sprintf("state: the state of block %d is pruned, the oldest kept is that of block %d", e.Number, e.Oldest)
}

// history describes the reverse diffs in the database. A row at block n holds a
// value as it was before block n; so the value at block B is the first row above
// B, or the present value if there is none.
type history struct {
	era    uint32 // blocks per era, fixed when the database is made
	oldest uint64 // every row above this block is there
}

const historyName = "history"

func readHistory(db store.Reader) (history, error) {
	v, err := db.Get(store.MetaKey(historyName))
	if err != nil {
		return history{}, fmt.Errorf("state: read the extent of history: %w", err)
	}
	if len(v) != 12 || binary.BigEndian.Uint32(v) == 0 {
		return history{}, fmt.Errorf("state: the extent of history is %x instead of 12 bytes: the database is damaged", v)
	}
	return history{binary.BigEndian.Uint32(v), binary.BigEndian.Uint64(v[4:])}, nil
}

func (h history) write(b *store.Batch) error {
	v := binary.BigEndian.AppendUint32(nil, h.era)
	return b.Set(store.MetaKey(historyName), binary.BigEndian.AppendUint64(v, h.oldest))
}

// split turns a block number into era and offset.
func (h history) split(number uint64) (era, offset uint32) {
	return uint32(number / uint64(h.era)), uint32(number % uint64(h.era))
}

// floor is the oldest block whose state the configuration keeps.
func floor(head, keep uint64) uint64 {
	if keep == 0 || head <= keep {
		return 0
	}
	return head - keep
}

// staged moves the extent as Stage has done it in the batch of block head, and
// reports whether anything was pruned.
func (h *history) staged(head, keep uint64) bool {
	oldest, eras := h.prune(head, keep)
	h.oldest = oldest
	return eras > 0
}

// prune returns the new extent when block head is committed, and the number of
// eras (from the first) whose rows nobody needs any more.
func (h history) prune(head, keep uint64) (oldest uint64, eras uint32) {
	need := floor(head, keep) + 1 // the first row needed
	eras, _ = h.split(need)
	if start := uint64(eras) * uint64(h.era); eras > 0 && start-1 > h.oldest {
		return start - 1, eras
	}
	return h.oldest, 0
}

// limit is the oldest block that can be read when the head is at head.
func (h history) limit(head, keep uint64) uint64 { return max(h.oldest, floor(head, keep)) }

// rootRow is the account hash under which the history of state roots lies. No
// address hashes to it.
var rootRow common.Hash

// past reads the state after an old block, from a snapshot. Safe for concurrent
// use.
type past struct {
	history
	number, head uint64
	trail        trail // what there is of old trie nodes
	present      *base // the head of the snapshot
	snapshot     store.Reader

	mu           sync.Mutex // an iterator stands in one place
	accounts     *store.Iterator
	slots        *store.Iterator
	accountNodes *store.Iterator
	storageNodes *store.Iterator
}

// seek finds the first row above the block. key makes the row's key for an era
// and an offset; it ends with the offset.
func (p *past) seek(it **store.Iterator, prefix byte, key func(era, offset uint32) []byte) (value []byte, found bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if *it == nil {
		lower, upper := store.Space(prefix)
		if *it, err = p.snapshot.NewIter(lower, upper); err != nil {
			return nil, false, err
		}
	}
	first, offset := p.split(p.number + 1)
	last, _ := p.split(p.head)
	for era := first; era <= last; era++ {
		k := key(era, offset)
		offset = 0 // the whole of every later era
		if (*it).SeekGE(k) && bytes.HasPrefix((*it).Key(), k[:len(k)-4]) {
			return bytes.Clone((*it).Value()), true, nil
		}
		if err := (*it).Error(); err != nil {
			return nil, false, err
		}
	}
	return nil, false, nil
}

// account implements source.
func (p *past) account(account common.Hash) (*types.StateAccount, error) {
	v, ok, err := p.seek(&p.accounts, store.PrefixAccountHistory, func(era, offset uint32) []byte {
		return store.AccountHistoryKey(era, account, offset)
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.present.account(account)
	}
	return decodeAccount(v)
}

// slot implements source.
func (p *past) slot(account, slot common.Hash) (common.Hash, error) {
	v, ok, err := p.seek(&p.slots, store.PrefixSlotHistory, func(era, offset uint32) []byte {
		return store.SlotHistoryKey(era, account, slot, offset)
	})
	if err != nil {
		return common.Hash{}, err
	}
	if !ok {
		return p.present.slot(account, slot)
	}
	return decodeSlot(v)
}

// root is the state root after the block.
func (p *past) root() (common.Hash, error) {
	v, ok, err := p.seek(&p.accounts, store.PrefixAccountHistory, func(era, offset uint32) []byte {
		return store.AccountHistoryKey(era, rootRow, offset)
	})
	if err != nil {
		return common.Hash{}, err
	}
	if !ok || len(v) != common.HashLength {
		return common.Hash{}, fmt.Errorf("state: the root of block %d is missing from history: the database is damaged", p.number)
	}
	return common.BytesToHash(v), nil
}

// hashAddr implements source.
func (p *past) hashAddr(addr common.Address) common.Hash { return crypto.Keccak256Hash(addr[:]) }

// hashKey implements source.
func (p *past) hashKey(key common.Hash) common.Hash { return crypto.Keccak256Hash(key[:]) }

// layerCode implements source: the past has no layers.
func (p *past) layerCode(common.Hash) ([]byte, bool) { return nil, false }

func (p *past) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, it := range []**store.Iterator{&p.accounts, &p.slots, &p.accountNodes, &p.storageNodes} {
		if *it != nil {
			errs = append(errs, (*it).Close())
			*it = nil
		}
	}
	return errors.Join(errs...)
}
