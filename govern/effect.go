package govern

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
)

// Effect is from when on a call that was carried out holds.
type Effect struct {
	Block uint64 `json:"block"`           // the first block for which it holds; 0: not known before somebody acts
	Epoch uint64 `json:"epoch,omitempty"` // that begins with the block, if it holds from an epoch on
	Text  string `json:"text"`
}

// kind is how a call takes effect.
type kind int

const (
	atOnce    kind = iota // from the next transaction on
	byEpoch               // from the next epoch on
	byAttest              // from the epoch after the candidate attested
	dropsOnly             // a candidate: at once
)

// kindOf says how a call takes effect. members is whether it is a member that is
// removed, and no candidate.
func kindOf(c Call, member bool) kind {
	switch c.To.Address {
	case contracts.Validators.Address:
		switch c.Method {
		case "add", "replace":
			return byAttest
		case "remove":
			if !member {
				return dropsOnly
			}
			return byEpoch
		case "resign", "attest":
			return byEpoch
		}
	case contracts.Parameters.Address:
		if name, ok := c.parameter(); !ok || name != contracts.TransactionGasCap {
			return byEpoch
		}
	}
	return atOnce
}

// parameter returns the name that setParameter names.
func (c Call) parameter() (string, bool) {
	if c.Method != "setParameter" {
		return "", false
	}
	name := c.Args[0].([32]byte)
	return string(bytes.TrimRight(name[:], "\x00")), true
}

// candidate returns who becomes a candidate by add or replace.
func (c Call) candidate() common.Address {
	if c.Method == "replace" {
		return c.Args[1].(common.Address)
	}
	return c.Args[0].(common.Address)
}

// EffectOf says from when on a call holds that is carried out in a block, which is
// at most one above the head. removesMember is what kindOf needs.
func (c *Client) EffectOf(ctx context.Context, call Call, block uint64, removesMember bool) (*Effect, error) {
	switch kindOf(call, removesMember) {
	case atOnce:
		return &Effect{Block: block, Text: fmt.Sprintf("holds at once, from the next transaction of block %d on", block)}, nil
	case dropsOnly:
		return &Effect{Block: block, Text: "the candidate is none any more, at once"}, nil
	case byAttest:
		return &Effect{Text: fmt.Sprintf("%s is a candidate at once; it validates from the epoch on that follows its attestation, which its node sends by itself when it is synced", call.candidate())}, nil
	}
	e, err := c.epochOf(ctx, block)
	if err != nil {
		return nil, err
	}
	return &Effect{Block: e.Last + 1, Epoch: e.Number + 1, Text: fmt.Sprintf("holds from epoch %d on, which begins with block %d (the last block of epoch %d is %d; an idle chain goes there by itself)", e.Number+1, e.Last+1, e.Number, e.Last)}, nil
}

// WaitActive waits until what a call does holds for the next block.
func (c *Client) WaitActive(ctx context.Context, call Call, e *Effect) error {
	return c.until(ctx, func() (bool, error) {
		v, err := c.Latest(ctx)
		if err != nil {
			return false, err
		}
		if kindOf(call, true) != byAttest {
			return v.Block+1 >= e.Block, nil
		}
		epoch, err := c.epochOf(ctx, v.Block+1)
		if err != nil {
			return false, err
		}
		if epoch.Has(call.candidate()) {
			return true, nil
		}
		return false, v.stillComing(ctx, call.candidate())
	})
}

// stillComing returns an error if a validator is neither candidate nor member.
func (v *View) stillComing(ctx context.Context, a common.Address) error {
	member, err := v.IsMember(ctx, a)
	if err != nil || member {
		return err
	}
	list, err := v.candidates(ctx)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Address != a {
			continue
		}
		if v.Time > c.Until {
			return fmt.Errorf("%s has not attested in time", a)
		}
		return nil
	}
	return fmt.Errorf("%s is no candidate any more", a)
}

// WaitClosed waits until a proposal is closed, and returns the block that closed it.
func (c *Client) WaitClosed(ctx context.Context, id ProposalID) (p *Proposal, block uint64, err error) {
	err = c.until(ctx, func() (bool, error) {
		v, err := c.Latest(ctx)
		if err != nil {
			return false, err
		}
		if p, err = v.Proposal(ctx, id); err != nil {
			return false, err
		}
		if p.Overdue {
			return false, fmt.Errorf("the time of proposal %s is over", id)
		}
		return !p.Open(), nil
	})
	if err != nil && ctx.Err() != nil && p != nil && p.Open() {
		return p, 0, &StillOpen{p}
	}
	if err == nil {
		block, err = c.closedIn(ctx, id)
	}
	return p, block, err
}

// StillOpen says that a proposal was waited for in vain: votes are missing.
type StillOpen struct{ *Proposal }

func (e *StillOpen) Error() string {
	return fmt.Sprintf("proposal %s is still open: %d approve, %d are needed; the vote stands, and 'quorate validators status' tells who has not voted",
		e.ID, len(e.Approvals), e.Needed)
}

// closedIn finds the block that closed a proposal.
func (c *Client) closedIn(ctx context.Context, id ProposalID) (uint64, error) {
	logs, err := c.eth.FilterLogs(ctx, ethereum.FilterQuery{
		FromBlock: common.Big1, Addresses: []common.Address{id.Contract.Address},
		Topics: [][]common.Hash{{id.Contract.ABI().Events["ProposalClosed"].ID}, {contracts.NumberKey(id.Number)}},
	})
	if err != nil {
		return 0, err
	}
	if len(logs) != 1 {
		return 0, fmt.Errorf("%d blocks say that they closed proposal %s", len(logs), id)
	}
	return logs[0].BlockNumber, nil
}
