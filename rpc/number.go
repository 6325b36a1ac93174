package rpc

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Number is a block number as an argument of methods that take plain numbers,
// too: 5, "5", "0x5" or "latest".
type Number uint64

// Latest stands for the head.
const Latest Number = math.MaxUint64

// UnmarshalJSON reads a number or tag.
func (n *Number) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	switch s {
	case "latest", "safe", "finalized", "pending":
		*n = Latest
		return nil
	case "earliest":
		*n = 0
		return nil
	}
	v, err := ParseNumber(s)
	if err != nil {
		return fmt.Errorf("invalid block number %.40q: want 5, \"0x5\" or \"latest\"", s)
	}
	*n = Number(v)
	return nil
}

// At returns the number that n stands for.
func (n Number) At(head uint64) uint64 {
	if n == Latest {
		return head
	}
	return uint64(n)
}

// ParseNumber reads a number below 2^63, decimal or hexadecimal with 0x.
func ParseNumber(s string) (uint64, error) {
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		return strconv.ParseUint(hex, 16, 63)
	}
	return strconv.ParseUint(s, 10, 63)
}

// Resolve returns the block that a number or tag of Ethereum's methods stands
// for; ok is false beyond the head. All blocks are final: latest, safe, finalized
// and pending are the head.
func Resolve(n gethrpc.BlockNumber, head uint64) (number uint64, ok bool) {
	switch {
	case n == gethrpc.EarliestBlockNumber:
		return 0, true
	case n < 0:
		return head, true
	}
	return uint64(n), uint64(n) <= head
}
