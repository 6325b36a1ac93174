package state

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/trie/trienode"

	"github.com/quorate/quorate/store"
)

// ErrRange says that a range does not prove what it claims: no honest node has
// sent it.
var ErrRange = errors.New("state: invalid range")

// VerifyAccounts checks that a range holds the accounts from a key on, without a
// gap, of the state with a root, and returns them; more says that others follow.
// Every failure is ErrRange.
func VerifyAccounts(root, from common.Hash, r *Range) (accounts []*types.StateAccount, more bool, err error) {
	values := make([][]byte, len(r.Values))
	for i, v := range r.Values {
		a, err := types.FullAccount(v)
		if err != nil {
			return nil, false, fmt.Errorf("%w: row of account %d: %w", ErrRange, i, err)
		}
		accounts = append(accounts, a)
		if values[i], err = rlp.EncodeToBytes(a); err != nil {
			return nil, false, fmt.Errorf("%w: row of account %d: %w", ErrRange, i, err)
		}
	}
	if len(r.Proof) == 0 {
		return nil, false, fmt.Errorf("%w: accounts without a proof", ErrRange)
	}
	more, err = verifyRange(root, from, r, values)
	return accounts, more, err
}

// VerifySlots checks the same for the slots of an account with a storage root. A
// range without a proof must begin with the first slot and hold them all.
func VerifySlots(root, from common.Hash, r *Range) (more bool, err error) {
	values := make([][]byte, len(r.Values))
	for i, v := range r.Values {
		if len(v) == 0 || len(v) > common.HashLength || v[0] == 0 {
			return false, fmt.Errorf("%w: row %x of slot %d is none that a node writes", ErrRange, v, i)
		}
		if values[i], err = rlp.EncodeToBytes(v); err != nil {
			return false, fmt.Errorf("%w: slot %d: %w", ErrRange, i, err)
		}
	}
	if len(r.Proof) == 0 && from != (common.Hash{}) {
		return false, fmt.Errorf("%w: slots from %x on without a proof", ErrRange, from)
	}
	return verifyRange(root, from, r, values)
}

// verifyRange checks keys and trie values. The library was not written for proofs
// that are made to harm it: what makes it panic is a lie like any other.
func verifyRange(root, from common.Hash, r *Range, values [][]byte) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			more, err = false, fmt.Errorf("%w: malformed proof: %v", ErrRange, p)
		}
	}()
	if len(r.Keys) != len(r.Values) {
		return false, fmt.Errorf("%w: %d keys and %d values", ErrRange, len(r.Keys), len(r.Values))
	}
	keys := make([][]byte, len(r.Keys))
	for i := range r.Keys {
		keys[i] = r.Keys[i][:]
	}
	if len(r.Proof) == 0 {
		more, err = trie.VerifyRangeProof(root, nil, keys, values, nil)
	} else {
		more, err = trie.VerifyRangeProof(root, from[:], keys, values, trienode.ProofList(toRaw(r.Proof)).Set())
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrRange, err)
	}
	return more, nil
}

func toRaw(proof [][]byte) []rlp.RawValue {
	out := make([]rlp.RawValue, len(proof))
	for i, p := range proof {
		out[i] = p
	}
	return out
}

// StageAccounts puts accounts that VerifyAccounts has accepted into a staged batch,
// those with keys up to last.
func StageAccounts(b *store.Batch, keys []common.Hash, accounts []*types.StateAccount, last common.Hash) error {
	for i, k := range keys {
		if k.Cmp(last) > 0 {
			return nil
		}
		if err := b.Set(store.AccountKey(k), encodeAccount(accounts[i])); err != nil {
			return err
		}
	}
	return nil
}

// StageSlots puts slots that VerifySlots has accepted into a staged batch.
func StageSlots(b *store.Batch, account common.Hash, r *Range) error {
	for i, k := range r.Keys {
		if err := b.Set(store.SlotKey(account, k), r.Values[i]); err != nil {
			return err
		}
	}
	return nil
}

// StageCode puts code whose hash is right into a staged batch.
func StageCode(b *store.Batch, hash common.Hash, code []byte) error {
	return b.Set(store.CodeKey(hash), code)
}
