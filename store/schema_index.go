package store

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/ethereum/go-ethereum/common"
)

// The key spaces inside PrefixIndex, by the second byte. Each index has one or
// more of its own and says in its IndexedKey how far it is.
const (
	// IndexedBlock: the index's byte → the last block whose rows are written.
	IndexedBlock = 'H'
	// IndexRebuilt: the index's byte → nothing, while it is built anew.
	IndexRebuilt = 'R'

	// IndexLogs: term, block number → which logs of the block hold the term.
	IndexLogs = 'l'

	// IndexAddresses names the index of addresses in its IndexedKey.
	IndexAddresses = 'a'
	// IndexSent: sender, block number → nonce of the first, which transactions.
	IndexSent = 'o'
	// IndexReceived: recipient, block number → which transactions.
	IndexReceived = 'n'
	// IndexCreator: contract → block number, transaction, creator if it is not the sender.
	IndexCreator = 'c'
	// IndexDestroyed: contract that destroyed itself in the transaction that made it, block
	// number → the same as of IndexCreator. It can be made again, and then stay.
	IndexDestroyed = 'g'

	// IndexTokens names the index of tokens in its IndexedKey.
	IndexTokens = 'e'
	// IndexTokenTransfers: token, block number → which logs of the block.
	IndexTokenTransfers = 'k'
	// IndexPartyTransfers: sender or recipient, block number → which logs of the block.
	IndexPartyTransfers = 'p'
	// IndexToken: token → what is known of it.
	IndexToken = 't'
	// IndexTokenBorn: block number, token that was first seen in it → nothing.
	IndexTokenBorn = 'T'
	// IndexBalance: holder, token, id if it has ids → balance.
	IndexBalance = 'h'
	// IndexHolder: token, then rank of the balance, falling, and holder → nothing; or,
	// with ids, id and holder → balance.
	IndexHolder = 'r'
	// IndexHeld: holder, token → of how many ids there is a balance.
	IndexHeld = 'q'
	// IndexDay: day → what happened on it.
	IndexDay = 'd'
)

// indexOwnerBytes is where the number begins in the key of an OwnedKey.
const indexOwnerBytes = 2 + common.AddressLength

// IndexedKey is the key of how far an index is written.
func IndexedKey(index byte) []byte { return []byte{PrefixIndex, IndexedBlock, index} }

// IndexRebuiltKey is the key that says that an index is being built anew.
func IndexRebuiltKey(index byte) []byte { return []byte{PrefixIndex, IndexRebuilt, index} }

// IndexSpace returns the bounds of one key space inside PrefixIndex.
func IndexSpace(kind byte) (lower, upper []byte) {
	return []byte{PrefixIndex, kind}, []byte{PrefixIndex, kind + 1}
}

// IndexPrefix is what the keys of a kind that begin with these addresses have in
// common. It has room for a number behind.
func IndexPrefix(kind byte, begin ...common.Address) []byte {
	key := append(make([]byte, 0, 2+len(begin)*common.AddressLength+10), PrefixIndex, kind)
	for _, a := range begin {
		key = append(key, a[:]...)
	}
	return key
}

// OwnedKey is the key of what an address has in a block. Numbers are as long as
// they need to be, behind their length, so that byte order is numeric order.
func OwnedKey(kind byte, owner common.Address, number uint64) []byte {
	return AppendOrdered(IndexPrefix(kind, owner), number)
}

// ParseOwnedKey returns the block number in an OwnedKey.
func ParseOwnedKey(key []byte) (number uint64, err error) {
	if len(key) <= indexOwnerBytes || key[0] != PrefixIndex {
		return 0, fmt.Errorf("store: %x is no key of an address and a block", key)
	}
	number, rest, err := ParseOrdered(key[indexOwnerBytes:])
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("store: %x is no key of an address and a block", key)
	}
	return number, err
}

// TokenBornKey is the key that says: a token was first seen in a block.
func TokenBornKey(number uint64, token common.Address) []byte {
	return append(AppendOrdered(IndexPrefix(IndexTokenBorn), number), token[:]...)
}

// DayKey is the key of a day, counted since 1970-01-01 UTC.
func DayKey(day uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{PrefixIndex, IndexDay}, day)
}

// AppendOrdered appends a number in as many bytes as it needs behind their count:
// byte order is numeric order.
func AppendOrdered(key []byte, v uint64) []byte {
	n := (bits.Len64(v) + 7) / 8
	key = append(key, byte(n))
	for shift := n * 8; shift > 0; shift -= 8 {
		key = append(key, byte(v>>(shift-8)))
	}
	return key
}

// ParseOrdered takes the number off the front of what AppendOrdered has made.
func ParseOrdered(in []byte) (v uint64, rest []byte, err error) {
	if len(in) == 0 || in[0] > 8 || len(in) <= int(in[0]) {
		return 0, nil, fmt.Errorf("store: %x does not begin with a number", in)
	}
	n := int(in[0])
	for _, b := range in[1 : 1+n] {
		v = v<<8 | uint64(b)
	}
	return v, in[1+n:], nil
}
