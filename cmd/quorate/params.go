package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/genesis"
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
		unknown := ""
		if !genesis.KnowsFork(x.Name) {
			unknown = ", not known to this version"
		}
		out = append(out, fmt.Sprintf("fork %-13s %s%s", x.Name, seconds(x.Time), unknown))
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
seconds since 1970; 0 takes a fork off that is not active yet. The rules hold from the
first epoch on that begins after a block of that time.

A fork that this version or the asked node's does not know is refused, for a node that
does not know the rules stops when they begin. This version knows
` + strings.Join(genesis.KnownForks(), ", ") + `, which hold from block 0 on.`,
		Example: "  quorate params propose-fork amsterdam 0 --dir acme --dry-run",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil {
				return withCode(exitUsage, fmt.Errorf("%q is no time in seconds since 1970", args[1]))
			}
			call, err := govern.SetFork(args[0], at)
			if err != nil {
				return withCode(exitUsage, err)
			}
			return a.carryOut(c, &f, true, call)
		},
	}
	f.add(c)
	return c
}
