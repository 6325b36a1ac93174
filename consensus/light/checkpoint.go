package light

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// Checkpoint is a block that somebody is sure of, besides genesis. Keys of validators that
// have left may be in anybody's hands, and can sign another history from the time when
// they decided; who knows a later block, and who decides after it, is not fooled.
type Checkpoint struct {
	Number uint64      // of the block
	Block  common.Hash // its hash
	Set    common.Hash // SetHash of the validators of the next block
}

// SetHash is keccak256 of the addresses of validators, ascending, one after the other.
func SetHash(validators []common.Address) common.Hash {
	sorted := slices.SortedFunc(slices.Values(validators), common.Address.Cmp)
	var all []byte
	for _, a := range sorted {
		all = append(all, a[:]...)
	}
	return crypto.Keccak256Hash(all)
}

// String writes a checkpoint in the form that ParseCheckpoint reads: NUMBER:BLOCK:SET.
func (c Checkpoint) String() string { return fmt.Sprintf("%d:%s:%s", c.Number, c.Block, c.Set) }

// ParseCheckpoint reads NUMBER:BLOCK:SET, both hashes with 0x and 64 hexadecimal digits.
func ParseCheckpoint(s string) (*Checkpoint, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no checkpoint: NUMBER:BLOCK:SET, as 'quorate network checkpoint' prints it", s)
	}
	var c Checkpoint
	var err error
	if c.Number, err = strconv.ParseUint(parts[0], 10, 64); err != nil || c.Number == 0 {
		return nil, fmt.Errorf("%q is no number of a block after genesis", parts[0])
	}
	for i, to := range []*common.Hash{&c.Block, &c.Set} {
		raw, err := hexutil.Decode(parts[i+1])
		if err != nil || len(raw) != len(to) {
			return nil, fmt.Errorf("%q is no hash: 0x and 64 hexadecimal digits", parts[i+1])
		}
		copy(to[:], raw)
	}
	return &c, nil
}

// CheckBlock refuses another block at the checkpoint's number.
func (c *Checkpoint) CheckBlock(number uint64, hash common.Hash) error {
	if c != nil && number == c.Number && hash != c.Block {
		return fmt.Errorf("%w: block %d is %s, the checkpoint that is trusted says %s", ErrRetired, number, hash, c.Block)
	}
	return nil
}

// ErrBefore is what ends before the checkpoint: it may be true, and proves too little.
var ErrBefore = fmt.Errorf("%w: it ends before the checkpoint that is trusted", ErrRetired)

// CheckTip refuses what ends before the checkpoint, or with another block at its number,
// or, by set, the validators of the block after the checkpoint, goes on with others.
func (c *Checkpoint) CheckTip(number uint64, hash common.Hash, set []common.Address) error {
	switch {
	case c == nil:
		return nil
	case number < c.Number:
		return fmt.Errorf("%w: with block %d, and the checkpoint is block %d", ErrBefore, number, c.Number)
	case SetHash(set) != c.Set:
		return fmt.Errorf("%w: after block %d others decide than the checkpoint says that is trusted", ErrRetired, c.Number)
	}
	return c.CheckBlock(number, hash)
}

// setAfter returns who decides the block after the checkpoint, by a path of trust.
func (c *Checkpoint) setAfter(path []Trust) []common.Address {
	out := path[0].Set
	for _, t := range path[1:] {
		if uint64(t.First) <= c.Number+1 {
			out = t.Set
		}
	}
	return out.Addresses()
}
