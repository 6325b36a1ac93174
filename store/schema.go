package store

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/ethereum/go-ethereum/common"
)

// FormatVersion is the version of the schema below, stored under
// MetaKey("version"). A database of another version is refused, not guessed at.
const FormatVersion = 2

// The key spaces. Each key begins with exactly one of these bytes; numbers are
// big endian so that byte order is numeric order.
const (
	// PrefixMeta: name → facts about the database (genesis hash, version).
	PrefixMeta = 'm'

	// PrefixHead: → head marker: block number, block hash, state root.
	PrefixHead = 'M'
	// PrefixCheckpoint: → the last stable checkpoint certificate.
	PrefixCheckpoint = 'k'
	// PrefixEpoch: epoch → what it was opened with: set, parameters, first block.
	PrefixEpoch = 'E'
	// PrefixLink: number of an epoch's last block → the checkpoint certificate that
	// ended the epoch, where another set follows.
	PrefixLink = 'K'
	// PrefixRecovery: number of the last block of an epoch → the recovery document that
	// ends it, which may lie ahead.
	PrefixRecovery = 'R'
	// PrefixJournal: seq, kind, view → record of the journal of votes.
	PrefixJournal = 'j'

	// PrefixHeader: number → block header, batch header, commit certificate.
	PrefixHeader = 'b'
	// PrefixBody: number → transactions of the block.
	PrefixBody = 'B'
	// PrefixReceipts: number → receipts of the block.
	PrefixReceipts = 'r'
	// PrefixCreations: number → the contracts that the block has made, if any.
	PrefixCreations = 'C'
	// PrefixNumber: block hash → number.
	PrefixNumber = 'n'
	// PrefixLookup: first 8 bytes of the transaction hash, position → nothing.
	// Hashes that begin alike have one row each; the body tells them apart.
	PrefixLookup = 't'
	// PrefixIndex: rows of the package index, told apart by the second byte.
	PrefixIndex = 'i'

	// PrefixAccount: keccak(address) → account at the head.
	PrefixAccount = 'a'
	// PrefixSlot: keccak(address), keccak(slot) → value at the head.
	PrefixSlot = 'o'
	// PrefixAccountNode: path → node of the account trie at the head.
	PrefixAccountNode = 'A'
	// PrefixStorageNode: keccak(address), path → node of a storage trie.
	PrefixStorageNode = 'O'
	// PrefixCode: code hash → contract code, never deleted.
	PrefixCode = 'c'
	// PrefixAccountHistory: era, keccak(address), offset → the account before
	// block era·eraLength + offset changed it. Rows of one era lie together, so
	// that pruning is one range deletion and writing touches no old table.
	PrefixAccountHistory = 'h'
	// PrefixSlotHistory: era, keccak(address), keccak(slot), offset → the same
	// for a storage slot.
	PrefixSlotHistory = 'g'
	// PrefixAccountNodeHistory: era, path, end of path, offset → the node of the
	// account trie before block era·eraLength + offset changed it. Only where
	// proofs of the past are kept.
	PrefixAccountNodeHistory = 'H'
	// PrefixStorageNodeHistory: era, keccak(address), path, end of path, offset →
	// the same for a node of a storage trie.
	PrefixStorageNodeHistory = 'G'

	// PrefixEthdb: the view that Ethdb gives to go-ethereum's code.
	PrefixEthdb = 'e'

	// PrefixStaged: a key of this schema → its future value. Rows that a state
	// sync has fetched and that nobody may see before they are all here: see Adopt.
	PrefixStaged = 's'
	// PrefixSync: how far a state sync is; gone with the staged rows.
	PrefixSync = 'S'
)

// Prefixes lists every key space once.
var Prefixes = []byte{
	PrefixMeta, PrefixHead, PrefixCheckpoint, PrefixEpoch, PrefixLink, PrefixRecovery, PrefixJournal,
	PrefixHeader, PrefixBody, PrefixReceipts, PrefixCreations, PrefixNumber, PrefixLookup, PrefixIndex,
	PrefixAccount, PrefixSlot, PrefixAccountNode, PrefixStorageNode, PrefixCode,
	PrefixAccountHistory, PrefixSlotHistory, PrefixAccountNodeHistory, PrefixStorageNodeHistory, PrefixEthdb,
	PrefixStaged, PrefixSync,
}

// Space returns the bounds of one key space, for iterators and range deletion.
func Space(prefix byte) (lower, upper []byte) {
	return []byte{prefix}, []byte{prefix + 1}
}

// After returns the smallest key above every key that begins with prefix; the
// last byte must not be 0xff throughout (no prefix of this schema is).
func After(prefix []byte) []byte {
	out := append([]byte(nil), prefix...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != 0xff {
			out[i]++
			return out[:i+1]
		}
	}
	return nil
}

// MetaKey names a fact about the database.
func MetaKey(name string) []byte { return append([]byte{PrefixMeta}, name...) }

// HeadKey is the key of the head marker.
func HeadKey() []byte { return []byte{PrefixHead} }

// CheckpointKey is the key of the last stable checkpoint.
func CheckpointKey() []byte { return []byte{PrefixCheckpoint} }

// PastCheckpointKey is the key of the checkpoint certificate before the last one.
func PastCheckpointKey() []byte { return []byte{PrefixCheckpoint, 'p'} }

// StagedKey is where a row waits until it is adopted under its own key.
func StagedKey(key []byte) []byte { return append([]byte{PrefixStaged}, key...) }

// SyncKey is the key of one fact about a state sync under way.
func SyncKey(name ...byte) []byte { return append([]byte{PrefixSync}, name...) }

// EpochKey is the key of what an epoch was opened with.
func EpochKey(epoch uint64) []byte { return numbered(PrefixEpoch, epoch) }

// LinkKey is the key of the checkpoint certificate of an epoch's last block.
func LinkKey(number uint64) []byte { return numbered(PrefixLink, number) }

// RecoveryKey is the key of the recovery document that makes a block the last of its
// epoch.
func RecoveryKey(number uint64) []byte { return numbered(PrefixRecovery, number) }

// HeaderKey is the key of the header row of a block.
func HeaderKey(number uint64) []byte { return numbered(PrefixHeader, number) }

// BodyKey is the key of the transactions of a block.
func BodyKey(number uint64) []byte { return numbered(PrefixBody, number) }

// ReceiptsKey is the key of the receipts of a block.
func ReceiptsKey(number uint64) []byte { return numbered(PrefixReceipts, number) }

// CreationsKey is the key of the contracts that a block has made.
func CreationsKey(number uint64) []byte { return numbered(PrefixCreations, number) }

// NumberKey is the key of block hash → number.
func NumberKey(hash common.Hash) []byte { return hashed(PrefixNumber, hash) }

// LookupIndexBits is the number of bits of an index in a block; the rest of a
// position, 47 bits, is the block number (4,000 years at 1,000 blocks a second).
const LookupIndexBits = 17

// lookupHashBytes of a transaction hash are in its lookup key. Two of a billion
// transactions share them with probability 3 %, and then a reader looks into
// two bodies: shorter ones would make that a thing to attack with.
const lookupHashBytes = 8

// LookupPrefix is what the lookup keys of all transactions whose hash begins
// like txHash have in common.
func LookupPrefix(txHash common.Hash) []byte {
	return append(append(make([]byte, 0, 1+lookupHashBytes+8), PrefixLookup), txHash[:lookupHashBytes]...)
}

// LookupKey is the key that says: a transaction whose hash begins like txHash
// stands at index in block number. The position takes as many bytes as it needs.
func LookupKey(txHash common.Hash, number, index uint64) []byte {
	position := number<<LookupIndexBits | index
	key := LookupPrefix(txHash)
	for shift := (bits.Len64(position) + 7) / 8 * 8; shift > 0; shift -= 8 {
		key = append(key, byte(position>>(shift-8)))
	}
	return key
}

// ParseLookupKey returns the position in a lookup key.
func ParseLookupKey(key []byte) (number, index uint64, err error) {
	if n := len(key) - 1 - lookupHashBytes; n < 0 || n > 8 || key[0] != PrefixLookup {
		return 0, 0, fmt.Errorf("store: %x is no lookup key", key)
	}
	var position uint64
	for _, b := range key[1+lookupHashBytes:] {
		position = position<<8 | uint64(b)
	}
	return position >> LookupIndexBits, position & (1<<LookupIndexBits - 1), nil
}

// LogTerm stands for an address or a topic at its position: the first bytes of
// a hash. Two of a billion terms share them with probability 3 %; a reader then
// looks into a few blocks in vain. Nobody can choose a value that shares them
// with a given one for less than 2^64 hashes.
type LogTerm [8]byte

const logPrefixBytes = 2 + len(LogTerm{})

// LogPrefix is what the keys of all blocks with a term have in common.
func LogPrefix(term LogTerm) []byte {
	return append(append(make([]byte, 0, logPrefixBytes+9), PrefixIndex, IndexLogs), term[:]...)
}

// LogKey is the key that says: block number has a log with the term. Numbers
// are as long as they need to be, behind their length, so that byte order is
// numeric order.
func LogKey(term LogTerm, number uint64) []byte {
	n := (bits.Len64(number) + 7) / 8
	key := append(LogPrefix(term), byte(n))
	for shift := n * 8; shift > 0; shift -= 8 {
		key = append(key, byte(number>>(shift-8)))
	}
	return key
}

// ParseLogKey returns the block number in a log key.
func ParseLogKey(key []byte) (number uint64, err error) {
	at := logPrefixBytes + 1
	if len(key) < at || len(key) > at+8 || key[0] != PrefixIndex || key[1] != IndexLogs || int(key[at-1]) != len(key)-at {
		return 0, fmt.Errorf("store: %x is no log key", key)
	}
	for _, b := range key[at:] {
		number = number<<8 | uint64(b)
	}
	return number, nil
}

// CodeKey is the key of contract code.
func CodeKey(codeHash common.Hash) []byte { return hashed(PrefixCode, codeHash) }

// AccountKey is the key of an account at the head.
func AccountKey(account common.Hash) []byte { return hashed(PrefixAccount, account) }

// SlotKey is the key of a storage slot at the head.
func SlotKey(account, slot common.Hash) []byte {
	k := make([]byte, 0, 1+2*common.HashLength)
	k = append(k, PrefixSlot)
	k = append(k, account[:]...)
	return append(k, slot[:]...)
}

// AccountNodeKey is the key of a node of the account trie; path has one nibble
// per byte.
func AccountNodeKey(path []byte) []byte {
	k := make([]byte, 0, 1+len(path))
	k = append(k, PrefixAccountNode)
	return append(k, path...)
}

// StorageNodeKey is the key of a node of an account's storage trie.
func StorageNodeKey(account common.Hash, path []byte) []byte {
	k := make([]byte, 0, 1+common.HashLength+len(path))
	k = append(k, PrefixStorageNode)
	k = append(k, account[:]...)
	return append(k, path...)
}

// AccountHistoryKey is the key of the account before a block changed it.
func AccountHistoryKey(era uint32, account common.Hash, offset uint32) []byte {
	k := make([]byte, 0, 1+4+common.HashLength+4)
	k = binary.BigEndian.AppendUint32(append(k, PrefixAccountHistory), era)
	k = append(k, account[:]...)
	return binary.BigEndian.AppendUint32(k, offset)
}

// SlotHistoryKey is the key of a slot before a block changed it.
func SlotHistoryKey(era uint32, account, slot common.Hash, offset uint32) []byte {
	k := make([]byte, 0, 1+4+2*common.HashLength+4)
	k = binary.BigEndian.AppendUint32(append(k, PrefixSlotHistory), era)
	k = append(k, account[:]...)
	k = append(k, slot[:]...)
	return binary.BigEndian.AppendUint32(k, offset)
}

// pathEnd follows a path that other rows' paths may continue: it is no nibble, so
// that the rows of one node lie together.
const pathEnd = 0x10

// AccountNodeHistoryKey is the key of a node of the account trie before a block
// changed it.
func AccountNodeHistoryKey(era uint32, path []byte, offset uint32) []byte {
	k := make([]byte, 0, 1+4+len(path)+1+4)
	k = binary.BigEndian.AppendUint32(append(k, PrefixAccountNodeHistory), era)
	k = append(append(k, path...), pathEnd)
	return binary.BigEndian.AppendUint32(k, offset)
}

// StorageNodeHistoryKey is the key of a node of an account's storage trie before
// a block changed it.
func StorageNodeHistoryKey(era uint32, account common.Hash, path []byte, offset uint32) []byte {
	k := make([]byte, 0, 1+4+common.HashLength+len(path)+1+4)
	k = binary.BigEndian.AppendUint32(append(k, PrefixStorageNodeHistory), era)
	k = append(k, account[:]...)
	k = append(append(k, path...), pathEnd)
	return binary.BigEndian.AppendUint32(k, offset)
}

// HistoryEras returns the bounds of the eras from ≤ era < to of one history
// space.
func HistoryEras(prefix byte, from, to uint32) (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint32([]byte{prefix}, from)
	upper = binary.BigEndian.AppendUint32([]byte{prefix}, to)
	return lower, upper
}

const journalKeyLength = 1 + 8 + 1 + 8

// JournalKey is the key of a journal record.
func JournalKey(seq uint64, kind byte, view uint64) []byte {
	k := make([]byte, 0, journalKeyLength)
	k = binary.BigEndian.AppendUint64(append(k, PrefixJournal), seq)
	return binary.BigEndian.AppendUint64(append(k, kind), view)
}

// ParseJournalKey is the inverse of JournalKey.
func ParseJournalKey(key []byte) (seq uint64, kind byte, view uint64, err error) {
	if len(key) != journalKeyLength || key[0] != PrefixJournal {
		return 0, 0, 0, fmt.Errorf("store: %x is no journal key: %d bytes beginning with %q are expected", key, journalKeyLength, PrefixJournal)
	}
	return binary.BigEndian.Uint64(key[1:]), key[9], binary.BigEndian.Uint64(key[10:]), nil
}

func numbered(prefix byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9), prefix), number)
}

func hashed(prefix byte, hash common.Hash) []byte {
	return append(append(make([]byte, 0, 1+common.HashLength), prefix), hash[:]...)
}
