package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/devnet"
)

func (a *app) genesisMemberCmd() *cobra.Command {
	var m devnet.Member
	var output string
	var light bool
	c := &cobra.Command{
		Use:   "member --name N --address HOST:PORT --output FILE",
		Short: "Make one member's keys, and the public file that it hands out",
		Long: `Make the folder of one founding member, with keys that never leave it, and the
public file for whoever assembles the genesis: address, node id, and a proof
that this member holds the key.

Run again on the same folder, it keeps the keys and writes the file anew.`,
		Example: `  quorate genesis member --name acme --address node.acme.example:30303 --output acme.json
  quorate genesis assemble acme.json other.json --output genesis.json
  cp genesis.json acme/ && quorate start --dir acme`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "name", "address", "output"); err != nil {
				return err
			}
			if m.Dir == "" {
				m.Dir = m.Name
			}
			m.Strength = strength(light)
			doc, err := m.Make(c.Context())
			if err != nil {
				return err
			}
			if err := os.WriteFile(output, doc, 0o644); err != nil {
				return err
			}
			return a.print(c, map[string]string{"dir": m.Dir, "file": output},
				"keys and configuration are in "+m.Dir+": keep them, they exist nowhere else",
				"hand out "+output+", it holds nothing secret")
		},
	}
	c.Flags().StringVar(&m.Name, "name", "", "name of the member, for people")
	c.Flags().StringVar(&m.Address, "address", "", "HOST:PORT under which the others reach this node")
	c.Flags().StringVar(&output, "output", "", "public file to write")
	c.Flags().StringVar(&m.Dir, "dir", "", "folder of the node (default the name)")
	c.Flags().BoolVar(&m.Observer, "observer", false, "make a node without a validator key")
	c.Flags().BoolVar(&light, "light-kdf", false, lightUsage)
	return c
}

func (a *app) genesisAssembleCmd() *cobra.Command {
	var chain chainFlags
	var output string
	c := &cobra.Command{
		Use:   "assemble FILE... --output genesis.json",
		Short: "Put the members' public files together into a genesis",
		Example: `  quorate genesis assemble acme.json other.json --chain-id 2026 --output genesis.json
  quorate genesis hash genesis.json   # every member compares`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "output"); err != nil {
				return err
			}
			if _, err := os.Lstat(output); err == nil {
				return fmt.Errorf("%s: %w", output, keys.ErrExists)
			}
			g, err := chain.assemble(c, args)
			if err != nil {
				return err
			}
			if err := os.WriteFile(output, g.Encode(), 0o644); err != nil {
				return err
			}
			s := summarize(g)
			return a.print(c, s, append([]string{"made " + output + ", the same for every member"}, s.lines()...)...)
		},
	}
	chain.add(c)
	c.Flags().StringVar(&output, "output", "", "genesis file to write")
	return c
}

// assemble reads the members' files and builds a valid genesis.
func (f *chainFlags) assemble(c *cobra.Command, files []string) (*genesis.Genesis, error) {
	g, err := f.base(c)
	if err != nil {
		return nil, err
	}
	var faults []string
	for _, file := range files {
		v, o, err := readMember(file)
		var invalid genesis.Problems
		switch {
		case errors.As(err, &invalid):
			faults = append(faults, fmt.Sprintf("%s is not valid:\n%v", file, invalid))
		case err != nil:
			return nil, err
		case v != nil:
			g.Validators = append(g.Validators, *v)
		default:
			g.Permissions.Observers = append(g.Permissions.Observers, *o)
		}
	}
	if len(faults) > 0 {
		return nil, withCode(exitInvalid, errors.New(strings.Join(faults, "\n")))
	}
	if err := g.Complete(); err != nil {
		return nil, fmt.Errorf("the genesis would not be valid:\n%w", err)
	}
	return g, nil
}

func readMember(file string) (*genesis.Validator, *genesis.Observer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	return genesis.ParseMember(data)
}
