package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/internal/suggest"
)

// app holds what all commands share.
type app struct {
	json bool
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "quorate",
		Short: "A permissioned Ethereum network that finalises every block with PBFT",
		Example: `  quorate devnet
  quorate genesis new --validators 4 --output network`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON, for scripts")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return withCode(exitUsage, err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.devnetCmd(), a.startCmd(), a.statusCmd(), a.recoverCmd(), a.benchCmd(), a.simulateCmd(), a.verifyCmd(), a.genesisCmd(), a.networkCmd(), a.validatorsCmd(), a.permissionsCmd(), a.paramsCmd(), a.keysCmd(), a.rpcCmd(), a.indexCmd(), a.configCmd(), a.versionCmd())
	for _, c := range root.Commands() {
		strict(c)
	}
	strict(root)
	return root
}

// strict makes wrong arguments usage errors, all the way down, and has every
// group of commands refuse unknown members with a suggestion.
func strict(c *cobra.Command) {
	for _, sub := range c.Commands() {
		strict(sub)
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error { return withCode(exitUsage, check(c, args)) }
	}
	if c.HasSubCommands() && c.RunE == nil {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			var names []string
			for _, sub := range c.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, sub.Name())
				}
			}
			return withCode(exitUsage, fmt.Errorf("%s: unknown command %q%s", c.CommandPath(), args[0], suggest.Hint(args[0], names)))
		}
	}
}

// print writes a result: as JSON, or as the lines for people.
func (a *app) print(c *cobra.Command, doc any, lines ...string) error {
	if a.json {
		return json.NewEncoder(c.OutOrStdout()).Encode(doc)
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), strings.Join(lines, "\n"))
	return err
}

// required returns a usage error for each flag that was not given.
func required(c *cobra.Command, names ...string) error {
	var errs []error
	for _, n := range names {
		if !c.Flags().Changed(n) {
			errs = append(errs, fmt.Errorf("--%s is needed: %s", n, c.Flags().Lookup(n).Usage))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return withCode(exitUsage, errors.Join(errs...))
}
