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
	digits, base := s, 10
	if strings.HasPrefix(s, "0x") {
		digits, base = s[2:], 16
	}
	v, err := strconv.ParseUint(digits, base, 63)
	if err != nil {
		return fmt.Errorf("invalid block number %.40q: want 5, \"0x5\" or \"latest\"", s)
	}
	*n = Number(v)
	return nil
}
