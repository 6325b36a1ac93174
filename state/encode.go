package state

import (
	"encoding/binary"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Head says which block the durable state belongs to.
type Head struct {
	Number uint64
	Hash   common.Hash // of the block
	Root   common.Hash // of the state after it
}

const headLength = 8 + 2*common.HashLength

func (h Head) encode() []byte {
	out := binary.BigEndian.AppendUint64(make([]byte, 0, headLength), h.Number)
	out = append(out, h.Hash[:]...)
	return append(out, h.Root[:]...)
}

func decodeHead(v []byte) (h Head, err error) {
	if len(v) != headLength {
		return h, fmt.Errorf("state: the head marker has %d bytes instead of %d: the database is damaged", len(v), headLength)
	}
	h.Number = binary.BigEndian.Uint64(v)
	copy(h.Hash[:], v[8:])
	copy(h.Root[:], v[8+common.HashLength:])
	return h, nil
}

// encodeAccount writes an account as a row: RLP without the empty storage root
// and the empty code hash, so that a plain account takes 13 bytes instead of 70.
// nil (no such account) becomes an empty row.
func encodeAccount(a *types.StateAccount) []byte {
	if a == nil {
		return nil
	}
	return types.SlimAccountRLP(*a)
}

// decodeAccount is the inverse of encodeAccount.
func decodeAccount(row []byte) (*types.StateAccount, error) {
	if len(row) == 0 {
		return nil, nil
	}
	a, err := types.FullAccount(row)
	if err != nil {
		return nil, fmt.Errorf("state: account row %x: %w", row, err)
	}
	return a, nil
}

// encodeSlot writes a slot as a row: its bytes without leading zeros. The zero
// value becomes an empty row.
func encodeSlot(v common.Hash) []byte { return common.TrimLeftZeroes(v[:]) }

// decodeSlot is the inverse of encodeSlot.
func decodeSlot(row []byte) (common.Hash, error) {
	if len(row) > common.HashLength {
		return common.Hash{}, fmt.Errorf("state: slot row of %d bytes, at most %d are possible", len(row), common.HashLength)
	}
	return common.BytesToHash(row), nil
}
