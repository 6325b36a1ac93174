package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/govern"
)

func (a *app) paramsCmd() *cobra.Command {
	c := &cobra.Command{
		Use:     "params",
		Short:   "The parameters of the protocol that the members may change",
		Example: "  quorate params propose blockGasLimit 120000000 --dir acme",
	}
	c.AddCommand(a.paramsGetCmd(), a.paramsProposeCmd(), a.proposeForkCmd())
	return c
}

func (a *app) paramsGetCmd() *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use:     "get [NAME]",
		Short:   "Show parameters: now, from the next epoch on, and what a vote can set",
		Example: "  quorate params get blockGasLimit --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				if _, err := govern.SetParameter(args[0], 0); err != nil {
					return withCode(exitUsage, err)
				}
			}
			return f.view(c.Context(), func(ctx context.Context, v *govern.View) error {
				p, err := v.Parameters(ctx)
				if err != nil {
					return err
				}
				if len(args) == 1 {
					p.Parameters = slices.DeleteFunc(p.Parameters, func(x govern.Parameter) bool { return x.Name != args[0] })
				}
				return a.print(c, p, parameterLines(p)...)
			})
		},
	}
	f.add(c)
	return c
}

func parameterLines(p *govern.Parameters) []string {
	out := []string{fmt.Sprintf("epoch %d, the next begins with block %d", p.Epoch, p.NextFrom)}
	for _, x := range p.Parameters {
		next := ""
		if x.Next != x.Now {
			next = fmt.Sprintf(", from block %d on %d", p.NextFrom, x.Next)
		}
		out = append(out, fmt.Sprintf("%-18s %d%s (between %d and %d)", x.Name, x.Now, next, x.Low, x.High))
	}
	for _, x := range p.Forks {
		out = append(out, fmt.Sprintf("fork %-13s %s", x.Name, seconds(x.Time)))
	}
	return out
}

func (a *app) paramsProposeCmd() *cobra.Command {
	var f actFlags
	c := &cobra.Command{
		Use:     "propose NAME VALUE",
		Short:   "Propose another value, and vote for it",
		Example: "  quorate params propose epochLength 128 --dir acme",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			value, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil {
				return withCode(exitUsage, fmt.Errorf("%q is no whole number from 0 on", args[1]))
			}
			call, err := govern.SetParameter(args[0], value)
			if err != nil {
				return withCode(exitUsage, err)
			}
			return a.carryOut(c, &f, true, call)
		},
	}
	f.add(c)
	return c
}

func (a *app) proposeForkCmd() *cobra.Command {
	var f actFlags
	c := &cobra.Command{
		Use:   "propose-fork NAME TIME",
		Short: "Propose when a change of the EVM's rules becomes active",
		Long: `Propose when a change of the EVM's rules becomes active, and vote for it. TIME is in
seconds since 1970; 0 takes a fork off that is not active yet.`,
		Example: "  quorate params propose-fork osaka 1893456000 --dir acme --dry-run",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil || len(args[0]) > 32 {
				return withCode(exitUsage, fmt.Errorf("a name of at most 32 bytes and seconds since 1970 are expected, not %q and %q", args[0], args[1]))
			}
			return a.carryOut(c, &f, true, govern.Call{To: contracts.Parameters, Method: "setFork", Args: []any{[32]byte(contracts.NameKey(args[0])), at}})
		},
	}
	f.add(c)
	return c
}
