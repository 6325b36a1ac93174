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

const (
	// settle is how long a validator may take to connect, as it does when it has just
	// been started.
	settle = 3 * time.Second
	// hearing is how long a connected one may take to tell where it stands: twice the
	// default of idleStatusIntervalMs, for what it told when its epoch began may have
	// been lost, and on an idle network it tells it no sooner again.
	hearing = 10 * time.Second
)

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

// reach is what the asked node sees of one validator of the present epoch.
type reach struct{ connected, heard bool }

// reachable returns what the node sees of the validators of the present epoch. One is
// reachable if it is connected and has told where it stands, and the node itself is.
func (c *Client) reachable(ctx context.Context) (map[common.Address]reach, error) {
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
	out := map[common.Address]reach{}
	for _, v := range s.Validators {
		self := v.Address == s.Self
		out[v.Address] = reach{connected: self || v.Connected, heard: self || v.Connected && v.Mode != "unknown"}
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
	unsafe := &Unsafe{Leaves: leaves, Rest: set.Len(), Quorum: set.Quorum()}
	began := time.Now()
	err = c.until(ctx, func() (bool, error) {
		seen, err := c.reachable(ctx)
		if err != nil {
			return false, err
		}
		limit := unsafe.sort(rest, seen)
		return unsafe.safe() || time.Since(began) >= limit, nil
	})
	if err == nil && !unsafe.safe() {
		return unsafe
	}
	return err
}

func (e *Unsafe) safe() bool { return len(e.Reachable) >= e.Quorum }

// sort notes who of the rest is reachable, and returns how long those who are not
// may take.
func (e *Unsafe) sort(rest []common.Address, seen map[common.Address]reach) time.Duration {
	limit := settle
	e.Reachable, e.Unreachable = nil, nil
	for _, a := range rest {
		switch r := seen[a]; {
		case r.heard:
			e.Reachable = append(e.Reachable, a)
			continue
		case r.connected:
			limit = hearing
		}
		e.Unreachable = append(e.Unreachable, a)
	}
	return limit
}
