package govern

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/registry"
)

// Order is how something is to be done.
type Order struct {
	DryRun bool // tell what would happen, and send nothing
	Force  bool // also what would leave too few reachable validators
	Wait   bool // until it holds
}

// Outcome is what was done, or with DryRun would be.
type Outcome struct {
	DryRun      bool           `json:"dryRun"`
	From        common.Address `json:"from"`
	Call        string         `json:"call"` // what was carried out, proposed or voted on
	Gas         uint64         `json:"gas"`  // used, or estimated
	Transaction *common.Hash   `json:"transaction,omitempty"`
	Block       uint64         `json:"block,omitempty"` // of the transaction
	Proposal    *Proposal      `json:"proposal,omitempty"`
	Passed      bool           `json:"passed"`           // it is carried out
	Effect      *Effect        `json:"effect,omitempty"` // of the call, once it is carried out
	Active      bool           `json:"active"`           // it holds for the next block: only known with Wait
}

// job is one order on its way.
type job struct {
	c       *Client
	s       keys.Signer
	o       Order
	sent    Call // the transaction
	decided Call // what it is about
	member  bool // it removes a member, and no candidate
	against bool // it is a vote against it
	out     *Outcome
}

// Do carries out a call by the right of the signer: an admin, a member about itself.
func (c *Client) Do(ctx context.Context, s keys.Signer, call Call, o Order) (*Outcome, error) {
	j := &job{c: c, s: s, o: o, sent: call, decided: call}
	if err := j.send(ctx); err != nil {
		return nil, err
	}
	j.out.Passed = true
	return j.out, j.conclude(ctx, j.out.Block)
}

// Propose proposes a call to the members, and votes for it.
func (c *Client) Propose(ctx context.Context, s keys.Signer, call Call, o Order) (*Outcome, error) {
	proposed, err := call.Proposed()
	if err != nil {
		return nil, err
	}
	j := &job{c: c, s: s, o: o, sent: proposed, decided: call}
	if err := j.send(ctx); err != nil {
		return nil, err
	}
	if o.DryRun {
		return j.out, j.wouldBe(ctx, &Proposal{Proposer: s.Address(), Status: registry.ProposalOpen.String(), Action: call.String()}, true)
	}
	v, err := c.at(ctx, j.out.Block)
	if err != nil {
		return nil, err
	}
	id, err := v.LastProposal(ctx, call.To, s.Address())
	if err != nil {
		return nil, err
	}
	return j.out, j.voted(ctx, v, id)
}

// Vote votes on a proposal, once and for good.
func (c *Client) Vote(ctx context.Context, s keys.Signer, id ProposalID, approve bool, o Order) (*Outcome, error) {
	now, err := c.Latest(ctx)
	if err != nil {
		return nil, err
	}
	p, err := now.Proposal(ctx, id)
	if err != nil {
		return nil, err
	}
	if !p.Open() {
		return nil, &Refused{id.Contract.Name, fmt.Sprintf("proposal %s is %s", id, p.state())}
	}
	j := &job{c: c, s: s, o: o, decided: p.Call, sent: Call{id.Contract, "vote", []any{new(big.Int).SetUint64(id.Number), approve}}}
	if j.against = !approve; j.against {
		j.o.Force = true // who objects removes nobody
	}
	if err := j.send(ctx); err != nil {
		return nil, err
	}
	if o.DryRun {
		return j.out, j.wouldBe(ctx, p, approve)
	}
	v, err := c.at(ctx, j.out.Block)
	if err != nil {
		return nil, err
	}
	return j.out, j.voted(ctx, v, id)
}

// Withdraw takes one's own proposal back.
func (c *Client) Withdraw(ctx context.Context, s keys.Signer, id ProposalID, o Order) (*Outcome, error) {
	j := &job{c: c, s: s, o: o, sent: Call{id.Contract, "withdraw", []any{new(big.Int).SetUint64(id.Number)}}}
	j.decided = j.sent
	return j.out, j.send(ctx)
}

// send rehearses, and unless it is a dry run sends.
func (j *job) send(ctx context.Context) error {
	if err := j.check(ctx); err != nil {
		return err
	}
	j.out = &Outcome{DryRun: j.o.DryRun, From: j.s.Address(), Call: j.decided.String()}
	if j.o.DryRun {
		var err error
		j.out.Gas, err = j.c.Rehearse(ctx, j.s.Address(), j.sent)
		return err
	}
	receipt, err := j.c.Send(ctx, j.s, j.sent)
	if err != nil {
		return err
	}
	j.out.Transaction, j.out.Block, j.out.Gas = &receipt.TxHash, receipt.BlockNumber.Uint64(), receipt.GasUsed
	return nil
}

// check refuses what would leave too few reachable validators, and forks that somebody
// does not know.
func (j *job) check(ctx context.Context) error {
	if !j.against {
		if err := j.c.checkFork(ctx, j.decided); err != nil {
			return err
		}
	}
	leaves, ok := j.decided.Leaves(j.s.Address())
	if !ok {
		return nil
	}
	v, err := j.c.Latest(ctx)
	if err != nil {
		return err
	}
	if j.member, err = v.IsMember(ctx, leaves); err != nil || j.o.Force {
		return err
	}
	return j.c.CheckRemoval(ctx, leaves)
}

// voted tells how a proposal stands after a vote, and waits for it if that is wanted.
func (j *job) voted(ctx context.Context, v *View, id ProposalID) error {
	p, err := v.Proposal(ctx, id)
	if err != nil {
		return err
	}
	j.out.Proposal = p
	block := v.Block
	if p.Open() {
		if !j.o.Wait {
			return nil
		}
		if p, block, err = j.c.WaitClosed(ctx, id); err != nil {
			return fmt.Errorf("proposal %s: %w", id, err)
		}
		j.out.Proposal = p
	}
	if j.out.Passed = p.Status == registry.ProposalPassed.String(); !j.out.Passed {
		if j.o.Wait {
			return fmt.Errorf("proposal %s is %s", id, p.Status)
		}
		return nil
	}
	return j.conclude(ctx, block)
}

// conclude tells from when on it holds what was carried out in a block, and waits.
func (j *job) conclude(ctx context.Context, block uint64) error {
	if j.o.DryRun {
		v, err := j.c.Latest(ctx)
		if err != nil {
			return err
		}
		block = v.Block + 1
	}
	var err error
	if j.out.Effect, err = j.c.EffectOf(ctx, j.decided, block, j.member); err != nil || !j.o.Wait || j.o.DryRun {
		return err
	}
	if err := j.c.WaitActive(ctx, j.decided, j.out.Effect); err != nil {
		return fmt.Errorf("it is carried out, but does not hold yet: %w", err)
	}
	j.out.Active = true
	return nil
}

// wouldBe tells how a proposal would stand after a vote.
func (j *job) wouldBe(ctx context.Context, p *Proposal, approve bool) error {
	v, err := j.c.Latest(ctx)
	if err != nil {
		return err
	}
	rules, err := v.Rules(ctx)
	if err != nil {
		return err
	}
	side := &p.Objections
	if approve {
		side = &p.Approvals
	}
	*side = append(slices.Clone(*side), j.s.Address())
	p.Needed, p.Turnout = rules.Approvals(), rules.Turnout()
	j.out.Proposal = p
	j.out.Passed = rules.Passes(uint64(len(p.Approvals)), uint64(len(p.Objections)))
	return j.conclude(ctx, 0)
}

// Attest tells the contract that the signer's candidate follows the chain.
func (c *Client) Attest(ctx context.Context, s keys.Signer, o Order) (*Outcome, error) {
	h, err := c.eth.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, err
	}
	var hash common.Hash
	if hash, err = c.hashOf(ctx, h.Number.Uint64()); err != nil {
		return nil, err
	}
	return c.Do(ctx, s, Call{contracts.Validators, "attest", []any{h.Number, hash}}, o)
}

// hashOf returns the hash of a block as the node tells it: a client that does not know
// a field of the header would compute another.
func (c *Client) hashOf(ctx context.Context, number uint64) (common.Hash, error) {
	var block struct {
		Hash common.Hash `json:"hash"`
	}
	err := c.rpc.CallContext(ctx, &block, "eth_getBlockByNumber", fmt.Sprintf("%#x", number), false)
	return block.Hash, err
}
