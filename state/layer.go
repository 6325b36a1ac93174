package state

import (
	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie/trienode"
)

// Layer is an executed block that is not yet committed: the block, what it
// says, and what it changes. Its exported fields are read-only.
type Layer struct {
	// Block holds the complete header and the included transactions, the very
	// objects that Execute was given.
	Block *types.Block
	// Receipts has one receipt per included transaction, all fields derived.
	Receipts types.Receipts
	// Skipped lists the transactions that were invalid at their turn.
	Skipped []Skipped
	// Created lists the contracts that the block has made, also those that contracts
	// made and those that have destroyed themselves, in the order in which their making
	// began.
	Created []Creation

	parent  common.Hash // block hash below
	root    common.Hash // state root
	prevRow common.Hash // state root below, for the history of roots

	accounts map[common.Hash]*types.StateAccount // nil: deleted
	slots    map[common.Hash]map[common.Hash]common.Hash
	nodes    map[common.Hash]*trienode.NodeSet // by owner
	codes    map[common.Hash][]byte

	oldAccounts []oldAccount
	oldSlots    []oldSlot

	staged []row // rows of the head, for the cache; set by Stage
}

// Skipped is a transaction that a batch holds and its block does not.
type Skipped struct {
	Index  int // in the batch
	Hash   common.Hash
	Reason error
}

// oldAccount is an account before the block; nil if there was none.
type oldAccount struct {
	hash    common.Hash
	account *types.StateAccount
}

// oldSlot is a storage slot before the block.
type oldSlot struct {
	account, slot, value common.Hash
}

// newLayer takes over what an execution has changed. The update is not used by
// anybody else. Old trie nodes are kept if they will be written.
func newLayer(parent common.Hash, b *base, u *gstate.StateUpdate, oldNodes bool) *Layer {
	l := &Layer{
		parent:   parent,
		root:     u.Root,
		prevRow:  u.OriginRoot,
		accounts: u.Accounts,
		slots:    u.Storages,
		codes:    make(map[common.Hash][]byte, len(u.Codes)),
	}
	if u.Nodes != nil {
		l.nodes = u.Nodes.Sets
	}
	for _, set := range l.nodes {
		set.Leaves = nil // not needed: free them
		if !oldNodes {
			set.Origins = nil
		}
	}
	for _, c := range u.Codes {
		l.codes[c.Hash] = c.Blob
	}
	l.oldAccounts = make([]oldAccount, 0, len(u.AccountsOrigin))
	for addr, a := range u.AccountsOrigin {
		l.oldAccounts = append(l.oldAccounts, oldAccount{b.hashAddr(addr), a})
	}
	for addr, slots := range u.StoragesOrigin {
		account := b.hashAddr(addr)
		for key, v := range slots {
			if u.StorageKeyType == gstate.StorageKeyPlain {
				key = b.hashKey(key)
			}
			l.oldSlots = append(l.oldSlots, oldSlot{account, key, v})
		}
	}
	return l
}

// number is the block number.
func (l *Layer) number() uint64 { return l.Block.NumberU64() }

// head is the head marker after the commit of this layer.
func (l *Layer) head() Head { return Head{l.number(), l.Block.Hash(), l.root} }
