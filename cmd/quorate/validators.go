package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/govern"
	"github.com/quorate/quorate/keys"
)

func (a *app) validatorsCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "validators",
		Short: "Who validates, and the members' votes about it",
		Example: `  quorate validators list
  quorate validators vote 3 --dir acme`,
	}
	c.AddCommand(a.validatorsListCmd(), a.proposeAddCmd(), a.proposeRemoveCmd(), a.proposeReplaceCmd(),
		a.voteCmd(), a.withdrawCmd(), a.proposalsCmd(), a.attestCmd(), a.leaveCmd(), a.describeCmd())
	return c
}

func (a *app) validatorsListCmd() *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use:     "list",
		Short:   "List validators, and candidates that have not attested yet",
		Example: "  quorate validators list --rpc http://127.0.0.1:8545",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.view(c.Context(), func(ctx context.Context, v *govern.View) error {
				m, err := v.Members(ctx)
				if err != nil {
					return err
				}
				return a.print(c, m, memberLines(m)...)
			})
		},
	}
	f.add(c)
	return c
}

func memberLines(m *govern.Members) []string {
	out := []string{fmt.Sprintf("block %d, epoch %d until block %d, %d of %d must agree; %d of %d members decide",
		m.Block, m.Epoch.Number, m.Epoch.Last, m.Epoch.Quorum, len(m.Epoch.Validators), m.Rules.Approvals(), m.Rules.Members), ""}
	for _, v := range m.Members {
		state := "reachable"
		switch {
		case !v.Listed:
			state = fmt.Sprintf("leaves with block %d", m.Epoch.Last)
		case !v.Validates:
			state = fmt.Sprintf("validates from block %d on", m.Epoch.Last+1)
		case !v.Reachable:
			state = "not reachable from this node"
		}
		out = append(out, fmt.Sprintf("%s  %-20s %s", v.Address, v.Name, state))
	}
	for _, k := range m.Candidates {
		what := "candidate"
		if k.Replaces != (common.Address{}) {
			what = fmt.Sprintf("candidate in the place of %s", k.Replaces)
		}
		out = append(out, fmt.Sprintf("%s  %-20s %s, attests until %s", k.Address, k.Name, what, seconds(k.Until)))
	}
	return out
}

// parseAddress reads an account.
func parseAddress(s string) (common.Address, error) {
	if !common.IsHexAddress(s) {
		return common.Address{}, withCode(exitUsage, fmt.Errorf("%q is no address: 0x and 40 hexadecimal digits are expected", s))
	}
	return common.HexToAddress(s), nil
}

// parseNodeID reads a node id into the form of the contracts.
func parseNodeID(s string) ([]byte, error) {
	if err := genesis.CheckNodeID(s); err != nil {
		return nil, withCode(exitUsage, err)
	}
	return genesis.NodeIDBytes(s), nil
}

func (a *app) proposeAddCmd() *cobra.Command {
	var f actFlags
	var id, name string
	c := &cobra.Command{
		Use:   "propose-add ADDRESS --node-id ID --name N",
		Short: "Propose a new validator, and vote for it",
		Long: `Propose a new validator, and vote for it.

When enough members approve, it is a candidate: its node may connect, follows the
chain, and attests by itself when it is there. From the next epoch on it validates.
'quorate network join' prints this very line for the members.`,
		Example: "  quorate validators propose-add 0x… --node-id 16Uiu2HA… --name newcomer --dir acme",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "node-id", "name"); err != nil {
				return err
			}
			validator, err := parseAddress(args[0])
			if err != nil {
				return err
			}
			node, err := parseNodeID(id)
			if err != nil {
				return err
			}
			return a.carryOut(c, &f, true, govern.Call{To: contracts.Validators, Method: "add", Args: []any{validator, node, name}})
		},
	}
	c.Flags().StringVar(&id, "node-id", "", "node id of the new validator, 16Uiu2HA…")
	c.Flags().StringVar(&name, "name", "", "name of the new member, for people")
	f.add(c)
	return c
}

func (a *app) proposeRemoveCmd() *cobra.Command {
	var f actFlags
	c := &cobra.Command{
		Use:   "propose-remove ADDRESS",
		Short: "Propose to remove a validator, or to drop a candidate",
		Long: `Propose to remove a validator, or to drop a candidate, and vote for it.

Refused, with the arithmetic, if the validators that are left and that the asked
node reaches were no quorum: the chain would stand.`,
		Example: "  quorate validators propose-remove 0x… --dir acme --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			validator, err := parseAddress(args[0])
			if err != nil {
				return err
			}
			return a.carryOut(c, &f, true, govern.Call{To: contracts.Validators, Method: "remove", Args: []any{validator}})
		},
	}
	f.add(c)
	f.addForce(c)
	return c
}

func (a *app) proposeReplaceCmd() *cobra.Command {
	var f actFlags
	var id string
	c := &cobra.Command{
		Use:   "propose-replace OLD NEW",
		Short: "Propose another key for a validator, and vote for it",
		Long: `Propose another key for a validator, and vote for it.

The old key validates until the new one has attested, and to the end of that epoch.
Without --node-id the node stays the same.`,
		Example: "  quorate validators propose-replace 0x… 0x… --dir acme",
		Args:    cobra.ExactArgs(2),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		before, err := parseAddress(args[0])
		if err != nil {
			return err
		}
		after, err := parseAddress(args[1])
		if err != nil {
			return err
		}
		return a.act(c, &f, func(ctx context.Context, client *govern.Client, s keys.Signer) (*govern.Outcome, error) {
			node, err := nodeOf(ctx, client, before, id)
			if err != nil {
				return nil, err
			}
			return client.Propose(ctx, s, govern.Call{To: contracts.Validators, Method: "replace", Args: []any{before, after, node}}, f.order)
		})
	}
	c.Flags().StringVar(&id, "node-id", "", "node id of the new key's node (default that of the old one)")
	f.add(c)
	return c
}

// nodeOf returns a node id that was given, or that of a member.
func nodeOf(ctx context.Context, client *govern.Client, member common.Address, given string) ([]byte, error) {
	if given != "" {
		return parseNodeID(given)
	}
	v, err := client.Latest(ctx)
	if err != nil {
		return nil, err
	}
	m, err := v.Member(ctx, member)
	if err != nil {
		return nil, err
	}
	return parseNodeID(m.NodeID)
}

// proposalArg reads a proposal's name.
func proposalArg(s string) (govern.ProposalID, error) {
	id, err := govern.ParseProposalID(s)
	return id, withCode(exitUsage, err)
}

func (a *app) voteCmd() *cobra.Command {
	var f actFlags
	var against bool
	c := &cobra.Command{
		Use:   "vote PROPOSAL",
		Short: "Vote for a proposal, or against it; a vote is for good",
		Long: `Vote for a proposal, or against it. A vote cannot be changed.

PROPOSAL is a number, or CONTRACT/NUMBER for those that are not about validators.
A proposal is carried out in the transaction of the vote with which it passes.`,
		Example: `  quorate validators vote 3 --dir acme --wait
  quorate validators vote parameters/1 --against --dir acme`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := proposalArg(args[0])
			if err != nil {
				return err
			}
			return a.act(c, &f, func(ctx context.Context, client *govern.Client, s keys.Signer) (*govern.Outcome, error) {
				return client.Vote(ctx, s, id, !against, f.order)
			})
		},
	}
	c.Flags().BoolVar(&against, "against", false, "vote against it")
	f.add(c)
	f.addForce(c)
	return c
}

func (a *app) withdrawCmd() *cobra.Command {
	var f actFlags
	c := &cobra.Command{
		Use:     "withdraw PROPOSAL",
		Short:   "Take one's own proposal back",
		Example: "  quorate validators withdraw 3 --dir acme",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := proposalArg(args[0])
			if err != nil {
				return err
			}
			return a.act(c, &f, func(ctx context.Context, client *govern.Client, s keys.Signer) (*govern.Outcome, error) {
				return client.Withdraw(ctx, s, id, f.order)
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) proposalsCmd() *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use:   "status [PROPOSAL]",
		Short: "Show what is proposed, and how the votes stand",
		Example: `  quorate validators status
  quorate validators status parameters/1 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.view(c.Context(), func(ctx context.Context, v *govern.View) error {
				if len(args) == 0 {
					all, err := v.OpenProposals(ctx)
					if err != nil {
						return err
					}
					return a.print(c, all, proposalLines(all)...)
				}
				id, err := proposalArg(args[0])
				if err != nil {
					return err
				}
				p, err := v.Proposal(ctx, id)
				if err != nil {
					return err
				}
				return a.print(c, p, proposalLines([]*govern.Proposal{p})...)
			})
		},
	}
	f.add(c)
	return c
}

func proposalLines(all []*govern.Proposal) []string {
	if len(all) == 0 {
		return []string{"nothing is proposed"}
	}
	var out []string
	for i, p := range all {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, "call         "+p.Action)
		out = append(out, proposalVotes(p)...)
		out = append(out, fmt.Sprintf("proposed by  %s, until %s", p.Proposer, seconds(p.Expires)))
		for _, m := range p.Approvals {
			out = append(out, "approves     "+m.Hex())
		}
		for _, m := range p.Objections {
			out = append(out, "objects      "+m.Hex())
		}
	}
	return out
}

func (a *app) attestCmd() *cobra.Command {
	var f actFlags
	c := &cobra.Command{
		Use:     "attest",
		Short:   "Attest as a candidate by hand: its node does it by itself",
		Example: "  quorate validators attest --dir newcomer",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.act(c, &f, func(ctx context.Context, client *govern.Client, s keys.Signer) (*govern.Outcome, error) {
				return client.Attest(ctx, s, f.order)
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) leaveCmd() *cobra.Command {
	var f actFlags
	c := &cobra.Command{
		Use:   "leave",
		Short: "Leave the network as a validator, without a vote",
		Long: `Leave the network as a validator, without a vote. Only the members' vote brings
this key back. Let the node run until the next epoch has begun: until then its vote
counts. With --wait this command ends when the node may be stopped.`,
		Example: "  quorate validators leave --dir acme --wait",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.carryOut(c, &f, false, govern.Call{To: contracts.Validators, Method: "resign"})
		},
	}
	f.add(c)
	f.addForce(c)
	return c
}

func (a *app) describeCmd() *cobra.Command {
	var f actFlags
	var name, endpoint string
	c := &cobra.Command{
		Use:   "describe --name N --endpoint HOST:PORT",
		Short: "Say on chain what a member calls itself and where its node is found",
		Long: `Say on chain what a member calls itself and where its node is found. Both are
hints for people and for nodes: who connects is decided by node ids.`,
		Example: "  quorate validators describe --name acme --endpoint node.acme.example:30303 --dir acme",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "name", "endpoint"); err != nil {
				return err
			}
			if endpoint != "" {
				if _, err := genesis.Multiaddr(endpoint); err != nil {
					return withCode(exitUsage, errors.Join(errors.New("--endpoint"), err))
				}
			}
			return a.carryOut(c, &f, false, govern.Call{To: contracts.Validators, Method: "describe", Args: []any{name, endpoint}})
		},
	}
	c.Flags().StringVar(&name, "name", "", "name of the member, at most 64 bytes")
	c.Flags().StringVar(&endpoint, "endpoint", "", "HOST:PORT or multiaddr of its node; empty: none")
	f.add(c)
	return c
}
