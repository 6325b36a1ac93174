package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
)

func (a *app) recoverCmd() *cobra.Command {
	var dir string
	var forget bool
	c := &cobra.Command{
		Use:   "recover --dir DIR --forget-votes",
		Short: "Let a validator vote that has lost the journal of its votes",
		Long: `Let a validator vote that has lost the journal of its votes.

A validator that may have forgotten votes sends none before the next epoch, so
that it never contradicts itself. When so many have lost their journals that no
quorum is left, the chain stands, and 'quorate status' says so and names them.
Then this command is the way out: stop those nodes, run it for each of them, and
start them again. Never run it while a quorum can vote, and never for a node of
which another copy may be running: two votes for one place can fork the chain.`,
		Example: "  quorate recover --dir network/validator-2 --forget-votes",
		Args:    cobra.NoArgs,
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "folder of the node, which must be stopped")
	c.Flags().BoolVar(&forget, "forget-votes", false, "count the journal as whole, whatever it has lost")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := required(c, "dir"); err != nil {
			return err
		}
		if !forget {
			return withCode(exitUsage, errors.New("say what is to be recovered: --forget-votes"))
		}
		if _, err := os.Stat(dir); err != nil {
			return err
		}
		cfg, _, err := config.Load(dir, os.Environ(), given())
		if err != nil {
			return err
		}
		epoch, err := node.ForgetVotes(cfg, logger(c.ErrOrStderr(), cfg), node.Options{})
		if err != nil {
			return err
		}
		return a.print(c, map[string]any{"forgotten": true, "epoch": epoch},
			fmt.Sprintf("votes of epoch %d and before may be forgotten: start the node again", epoch),
			"until the next epoch its peers may report evidence against it")
	}
	return c
}
