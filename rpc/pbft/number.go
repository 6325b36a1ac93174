package pbft

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/rpc"
)

// at returns the number that n stands for.
func (a *API) at(n rpc.Number) uint64 { return n.At(a.d.Chain.Head().Number.Uint64()) }

// Count is a number as an argument that is no block's: 5, "5" or "0x5".
type Count uint64

// UnmarshalJSON reads a number.
func (c *Count) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	v, err := rpc.ParseNumber(s)
	if err != nil {
		return fmt.Errorf("invalid number %.40q: want 5 or \"0x5\"", s)
	}
	*c = Count(v)
	return nil
}
