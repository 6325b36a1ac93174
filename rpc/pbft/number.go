package pbft

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Number is a block number as an argument: 5, "5", "0x5" or "latest". The pbft_
// methods answer in plain numbers, so they take them, too.
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
	v, err := parse(s)
	if err != nil {
		return fmt.Errorf("invalid block number %.40q: want 5, \"0x5\" or \"latest\"", s)
	}
	*n = Number(v)
	return nil
}

// at returns the number that n stands for.
func (a *API) at(n Number) uint64 {
	if n == Latest {
		return a.d.Chain.Head().Number.Uint64()
	}
	return uint64(n)
}

// Count is a number as an argument that is no block's: 5, "5" or "0x5".
type Count uint64

// UnmarshalJSON reads a number.
func (c *Count) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	v, err := parse(s)
	if err != nil {
		return fmt.Errorf("invalid number %.40q: want 5 or \"0x5\"", s)
	}
	*c = Count(v)
	return nil
}

func parse(s string) (uint64, error) {
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		return strconv.ParseUint(hex, 16, 63)
	}
	return strconv.ParseUint(s, 10, 63)
}
