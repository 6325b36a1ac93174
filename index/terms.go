package index

import (
	"crypto/sha256"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/store"
)

// Kinds of terms. A topic at position i has the kind kindTopic + i.
const (
	kindAny     = 0 // every log
	kindAddress = 1
	kindTopic   = 2
)

// term hashes a value with its kind. SHA-256 is what processors have
// instructions for: 0.1 µs, where Keccak takes 0.5. It must be one that nobody can
// find collisions of, or logs could be made that slow others' queries down.
func term(kind byte, value []byte) store.LogTerm {
	var buf [1 + common.HashLength]byte
	buf[0] = kind
	n := copy(buf[1:], value)
	sum := sha256.Sum256(buf[:1+n])
	return store.LogTerm(sum[:len(store.LogTerm{})])
}

func termOfAddress(a common.Address) store.LogTerm { return term(kindAddress, a[:]) }

func termOfTopic(position int, t common.Hash) store.LogTerm {
	return term(kindTopic+byte(position), t[:])
}

// termOfAny is the term that every log has.
var termOfAny = term(kindAny, nil)
