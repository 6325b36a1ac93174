package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
)

func (a *app) networkCreateCmd() *cobra.Command {
	var dir, expect string
	c := &cobra.Command{
		Use:   "create FILE --dir DIR --expect HASH",
		Short: "Put the genesis that all members agree on into one's own folder",
		Long: `Put the genesis that all members agree on into one's own folder. FILE is what one of
the members assembled; its hash was compared by another way than that of the file.

Nothing is written unless the genesis is valid, has that hash, and names the keys of
this folder: whoever was left out, or whose node id was mistyped, learns it here and
not when the network stands. Run again it changes nothing.`,
		Example: `  quorate genesis member --name acme --address node.acme.example:30303 --output acme.json
  quorate genesis assemble acme.json globex.json initech.json umbrella.json --chain-id 2026 --output genesis.json
  quorate network create genesis.json --dir acme --expect 0x…
  quorate start --dir acme`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "dir", "expect"); err != nil {
				return err
			}
			g, err := genesis.Load(args[0])
			if err != nil {
				return err
			}
			if want := common.HexToHash(expect); g.Hash() != want {
				return withCode(exitInvalid, fmt.Errorf("%s has the hash %s, expected was %s: ask whoever assembled it which one is right", args[0], g.Hash(), expect))
			}
			cfg, _, err := config.Load(dir, os.Environ(), nil)
			if err != nil {
				return err
			}
			self, err := founder(cfg, g)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := settle(cfg.GenesisFile, g); err != nil {
				return err
			}
			s := summarize(g)
			return a.print(c, created{s, self, cfg.GenesisFile}, append(s.lines(),
				"this member  "+self, "made "+cfg.GenesisFile, "start here   quorate start --dir "+dir)...)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder that 'quorate genesis member' made")
	c.Flags().StringVar(&expect, "expect", "", "hash of the genesis, as the other members told it")
	return c
}

// created is what network create prints.
type created struct {
	summary
	Member string `json:"member"` // the name that genesis has for this node
	File   string `json:"file"`
}

// founder returns the name under which a genesis knows the keys of a folder.
func founder(cfg *config.Config, g *genesis.Genesis) (string, error) {
	key, err := keys.LoadNodeKey(cfg.NodeKeyFile)
	if err != nil {
		return "", err
	}
	id, err := keys.NodeID(key)
	if err != nil {
		return "", err
	}
	if cfg.Observer() {
		i := slices.IndexFunc(g.Permissions.Observers, func(o genesis.Observer) bool { return o.NodeID == id })
		if i < 0 {
			return "", withCode(exitInvalid, fmt.Errorf("no observer has the node id %s of this folder: hand out the file of 'quorate genesis member --observer' and have the genesis assembled with it", id))
		}
		return g.Permissions.Observers[i].Name, nil
	}
	own, err := keys.Only(cfg.KeystoreDir)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(g.Validators, func(v genesis.Validator) bool { return v.Address == own.Address })
	if i < 0 {
		return "", withCode(exitInvalid, fmt.Errorf("no validator has the key %s of this folder: hand out the file of 'quorate genesis member' and have the genesis assembled with it", own.Address))
	}
	if v := g.Validators[i]; v.NodeID != id {
		return "", withCode(exitInvalid, fmt.Errorf("validator %s has the node id %s, this folder has %s: hand out the file of 'quorate genesis member' anew", own.Address, v.NodeID, id))
	}
	return g.Validators[i].Name, nil
}

// settle writes a genesis where none is; the same one is left alone.
func settle(file string, g *genesis.Genesis) error {
	data := g.Encode()
	old, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return os.WriteFile(file, data, 0o644)
	case err != nil:
		return err
	case !bytes.Equal(old, data):
		return fmt.Errorf("%s is another genesis: a folder belongs to one network: %w", file, keys.ErrExists)
	}
	return nil
}
