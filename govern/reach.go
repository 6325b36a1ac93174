package govern

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
)

// settle is how long a validator may take to be heard, as it does when an epoch has
// just begun: nodes tell where they stand several times a second.
const settle = 3 * time.Second

// Unsafe says that a set would have too few reachable validators to decide.
type Unsafe struct {
	Leaves      common.Address
	Rest        int // members without it
	Quorum      int // of the rest
	Reachable   []common.Address
	Unreachable []common.Address
}

func (e *Unsafe) Error() string {
	missing := make([]string, len(e.Unreachable))
	for i, a := range e.Unreachable {
		missing[i] = a.Hex()
	}
	return fmt.Sprintf("without %s the network has %d validators, of which %d must agree, and only %d of them are reachable from this node (not %s): it would stand until they are back; --force does it all the same",
		e.Leaves, e.Rest, e.Quorum, len(e.Reachable), strings.Join(missing, ", "))
}

// Leaves returns the validator that a call takes off the list, if it takes one.
func (c Call) Leaves(from common.Address) (common.Address, bool) {
	switch {
	case c.To.Address != contracts.Validators.Address:
	case c.Method == "remove":
		return c.Args[0].(common.Address), true
	case c.Method == "resign":
		return from, true
	}
	return common.Address{}, false
}

// reachable returns what the node sees of the validators of the present epoch: those
// that are connected and have told where they stand, and itself.
func (c *Client) reachable(ctx context.Context) (map[common.Address]bool, error) {
	var s struct {
		Self       common.Address `json:"self"`
		Validators []struct {
			Address   common.Address `json:"address"`
			Connected bool           `json:"connected"`
			Mode      string         `json:"mode"`
		} `json:"validators"`
	}
	if err := c.rpc.CallContext(ctx, &s, "pbft_status"); err != nil {
		return nil, fmt.Errorf("pbft_status: %w", err)
	}
	out := map[common.Address]bool{}
	for _, v := range s.Validators {
		out[v.Address] = v.Address == s.Self || v.Connected && v.Mode != "unknown"
	}
	return out, nil
}

// CheckRemoval returns *Unsafe if the members without one would not have a quorum
// that this node reaches. Whoever is no member is no loss.
func (c *Client) CheckRemoval(ctx context.Context, leaves common.Address) error {
	v, err := c.Latest(ctx)
	if err != nil {
		return err
	}
	list, err := v.memberList(ctx)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(list), func(a common.Address) bool { return a == leaves })
	if len(rest) == len(list) || len(rest) == 0 {
		return nil // a candidate, or what the contract refuses
	}
	set, err := consensus.NewValidatorSet(rest)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	unsafe := &Unsafe{Leaves: leaves, Rest: set.Len(), Quorum: set.Quorum()}
	err = c.until(ctx, func() (bool, error) {
		reach, err := c.reachable(ctx)
		if err != nil {
			return false, err
		}
		unsafe.Reachable, unsafe.Unreachable = nil, nil
		for _, a := range rest {
			if reach[a] {
				unsafe.Reachable = append(unsafe.Reachable, a)
			} else {
				unsafe.Unreachable = append(unsafe.Unreachable, a)
			}
		}
		return len(unsafe.Reachable) >= unsafe.Quorum, nil
	})
	if ctx.Err() != nil && len(unsafe.Reachable)+len(unsafe.Unreachable) > 0 {
		return unsafe
	}
	return err
}
