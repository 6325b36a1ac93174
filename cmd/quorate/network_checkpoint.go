package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/govern"
)

func (a *app) networkCheckpointCmd() *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Print a checkpoint of the chain, for others to trust",
		Long: `Print a checkpoint of this node's chain as NUMBER:BLOCK:SET: the number and hash of the last
block of an epoch, and a hash of the validators that decide after it. It is the newest
one that is ten minutes older than the last stable one, so that newcomers can begin with
the snapshots that the validators offer. Whoever gets it from somebody
that they trust writes it into config.toml (checkpoint) or gives it to "quorate verify":
validators that have left cannot fool them with another history then, whoever has their
keys.`,
		Example: "  quorate network checkpoint",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			known, err := f.checkpoint(c.Context())
			if err != nil {
				return err
			}
			if known == nil {
				return errors.New("there is none yet: no epoch has ended ten minutes before the last stable checkpoint")
			}
			return a.print(c, map[string]any{"checkpoint": known.String(), "number": known.Number, "block": known.Block, "set": known.Set}, known.String())
		},
	}
	f.add(c)
	return c
}

// checkpoint asks the node for one.
func (f *nodeFlags) checkpoint(ctx context.Context) (known *light.Checkpoint, err error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	err = f.ask(ctx, func(c *govern.Client) error {
		known, err = c.Checkpoint(ctx)
		return err
	})
	return known, err
}
