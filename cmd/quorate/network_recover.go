package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/recovery"
)

func (a *app) networkRecoverCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "recover",
		Short: "Replace a validator set of which too many are lost for ever",
		Long: `Replace a validator set of which too many are lost for ever.

When no quorum of the validators will ever be back, the recovery keys that the genesis
names sign a document: the last block that is final, and who validates from the next
one on. Every node of the new set applies it while it is stopped; all others learn of
it with the blocks. docs/operate/recover.md goes through it.`,
		Example: `  quorate network recover propose --dir network/validator-0 --keep validator-0,validator-1 --add new.json --output recovery.json
  quorate network recover sign recovery.json --genesis genesis.json --keystore drawer --password-file password
  quorate network recover apply recovery.json --dir network/validator-0`,
	}
	c.AddCommand(a.recoverProposeCmd(), a.recoverSignCmd(), a.recoverMergeCmd(), a.recoverShowCmd(), a.recoverVerifyCmd(), a.recoverApplyCmd())
	return c
}

// recoveryView is a recovery for people and scripts.
type recoveryView struct {
	Digest     common.Hash       `json:"digest"`
	Ends       uint64            `json:"ends"`   // epoch
	Number     uint64            `json:"number"` // its last block
	BlockHash  common.Hash       `json:"blockHash"`
	Validators []recoveredMember `json:"validators"`
	Quorum     int               `json:"quorum"`
	Signed     []common.Address  `json:"signed"`
	Keys       int               `json:"keys"`
	Threshold  uint64            `json:"threshold"`
	Holds      bool              `json:"holds"`
	Problem    string            `json:"problem,omitempty"` // why it does not hold
}

type recoveredMember struct {
	Address  common.Address `json:"address"`
	NodeID   string         `json:"nodeId"`
	Name     string         `json:"name"`
	Endpoint string         `json:"endpoint"`
}

func viewRecovery(d *recovery.Document, g *genesis.Genesis) *recoveryView {
	in := g.Domain()
	v := &recoveryView{
		Digest: d.Digest(in), Ends: uint64(d.Ends), Number: uint64(d.Number), BlockHash: d.BlockHash, Quorum: d.Set().Quorum(),
		Signed: []common.Address{}, Keys: len(g.Recovery.Keys), Threshold: g.Recovery.Threshold,
	}
	for _, m := range d.Members {
		v.Validators = append(v.Validators, recoveredMember{m.Address, genesis.NodeIDString(m.NodeID), m.Name, m.Endpoint})
	}
	for _, s := range d.Signatures {
		v.Signed = append(v.Signed, s.By)
	}
	err := d.Verify(in, g.Recovery)
	if v.Holds = err == nil; err != nil {
		v.Problem = err.Error()
	}
	return v
}

func (v *recoveryView) lines() []string {
	out := []string{
		fmt.Sprintf("recovery     %s", v.Digest),
		fmt.Sprintf("ends         epoch %d with block %d, %s", v.Ends, v.Number, v.BlockHash),
		fmt.Sprintf("then decide  %d validators, %d of them must agree", len(v.Validators), v.Quorum),
	}
	for _, m := range v.Validators {
		out = append(out, fmt.Sprintf("  %s  %-20s %s", m.Address, m.Name, m.Endpoint))
	}
	out = append(out, fmt.Sprintf("signatures   %d, %d of %d recovery keys are needed", len(v.Signed), v.Threshold, v.Keys))
	for _, s := range v.Signed {
		out = append(out, "  "+s.Hex())
	}
	if v.Holds {
		return append(out, "it holds")
	}
	return append(out, "it does not hold: "+v.Problem)
}

func (a *app) recoverProposeCmd() *cobra.Command {
	var dir, output string
	var keep, add []string
	var dry bool
	c := &cobra.Command{
		Use:   "propose --dir DIR --keep MEMBERS --add FILE --output FILE",
		Short: "Write the recovery that ends with the newest block of a stopped node",
		Long: `Write the recovery that ends with the newest block of a stopped node, unsigned.

Run it on the node with the highest block of all that are left: a node that has more
refuses it, for no final block is taken back. Members of the present set stay by name
or address (--keep); others come with the file that 'quorate genesis member' makes
(--add). What only the lost nodes had is lost.`,
		Example: "  quorate network recover propose --dir network/validator-0 --keep validator-0,validator-1 --add new.json --output recovery.json",
		Args:    cobra.NoArgs,
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "folder of the node, which must be stopped")
	c.Flags().StringSliceVar(&keep, "keep", nil, "members of the present set that stay, by name or address")
	c.Flags().StringSliceVar(&add, "add", nil, "public files of new members, by 'quorate genesis member'")
	c.Flags().StringVar(&output, "output", "", "file to write")
	c.Flags().BoolVar(&dry, "dry-run", false, "show it, and write nothing")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := required(c, "dir"); err != nil {
			return err
		}
		if !dry {
			if err := required(c, "output"); err != nil {
				return err
			}
			if _, err := os.Lstat(output); err == nil {
				return fmt.Errorf("%s: %w", output, keys.ErrExists)
			}
		}
		if len(keep)+len(add) == 0 {
			return withCode(exitUsage, errors.New("say who validates from then on: --keep MEMBERS, --add FILE"))
		}
		cfg, g, err := stoppedNode(c, dir, given())
		if err != nil {
			return err
		}
		d, present, err := node.ProposeRecovery(cfg, logger(c.ErrOrStderr(), cfg), node.Options{})
		if err != nil {
			return err
		}
		if err := choose(d, present, keep, add); err != nil {
			return err
		}
		if !dry {
			if err := os.WriteFile(output, d.Encode(), 0o644); err != nil {
				return err
			}
		}
		v := viewRecovery(d, g)
		return a.print(c, v, v.lines()...)
	}
	return c
}

// stoppedNode reads the configuration of a node and its genesis.
func stoppedNode(c *cobra.Command, dir string, given map[string]string) (*config.Config, *genesis.Genesis, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, nil, err
	}
	cfg, _, err := config.Load(dir, os.Environ(), given)
	if err != nil {
		return nil, nil, err
	}
	g, err := genesis.Load(cfg.GenesisFile)
	return cfg, g, err
}

// choose puts the members into a document.
func choose(d *recovery.Document, present []node.Keep, keep, add []string) error {
	for _, who := range keep {
		m, err := find(present, who)
		if err != nil {
			return withCode(exitUsage, err)
		}
		d.Members = append(d.Members, *m)
	}
	for _, file := range add {
		v, o, err := readMember(file)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", file, err)
		case o != nil:
			return withCode(exitInvalid, fmt.Errorf("%s is of an observer: only a node with a validator key validates", file))
		}
		m := recovery.Member{Address: v.Address, NodeID: genesis.NodeIDBytes(v.NodeID), Name: v.Name}
		if len(v.Addresses) > 0 {
			m.Endpoint = v.Addresses[0]
		}
		d.Members = append(d.Members, m)
	}
	d.Order()
	return withCode(exitInvalid, d.Check())
}

func find(present []node.Keep, who string) (*recovery.Member, error) {
	var names []string
	for i := range present {
		p := &present[i]
		if p.Name == who || strings.EqualFold(p.Validator.Hex(), who) {
			m := &recovery.Member{Address: p.Validator, NodeID: genesis.NodeIDBytes(p.NodeID), Endpoint: p.Endpoint}
			if p.Name != p.Validator.Hex() { // which stands for a name where there is none
				m.Name = p.Name
			}
			return m, nil
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("--keep %s: the present set has no such member, but %s", who, strings.Join(names, ", "))
}

// recoveryFlags are those of commands that read a document and its genesis.
type recoveryFlags struct{ genesis string }

func (f *recoveryFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.genesis, "genesis", "", "genesis document of the network, from a source that you trust")
}

func (f *recoveryFlags) load(c *cobra.Command, file string) (*recovery.Document, *genesis.Genesis, error) {
	if err := required(c, "genesis"); err != nil {
		return nil, nil, err
	}
	g, err := genesis.Load(f.genesis)
	if err != nil {
		return nil, nil, err
	}
	d, err := recovery.Load(file)
	return d, g, err
}

func (a *app) recoverSignCmd() *cobra.Command {
	var f recoveryFlags
	var keystore, password, output string
	c := &cobra.Command{
		Use:   "sign FILE --genesis FILE --keystore DIR --password-file FILE",
		Short: "Add the signature of a recovery key",
		Long: `Add the signature of a recovery key.

The file is changed in place, or written to --output. It can go from one signer to the
next, or each signs a copy and 'merge' puts them together. Before you sign: ask the
members whether the block is the newest one that any of them has, and look at the
validators that 'show' names. Never sign two recoveries of one epoch.`,
		Example: "  quorate network recover sign recovery.json --genesis genesis.json --keystore drawer --password-file password",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "keystore", "password-file"); err != nil {
				return err
			}
			d, g, err := f.load(c, args[0])
			if err != nil {
				return err
			}
			s, err := keys.LoadKeystore(keystore, password)
			if err != nil {
				return err
			}
			if err := d.Sign(c.Context(), s, g.Domain(), g.Recovery); err != nil {
				return err
			}
			if output == "" {
				output = args[0]
			}
			if err := replaceFile(output, d.Encode()); err != nil {
				return err
			}
			v := viewRecovery(d, g)
			return a.print(c, v, append([]string{fmt.Sprintf("signed by     %s, in %s", s.Address(), output)}, v.lines()...)...)
		},
	}
	f.add(c)
	c.Flags().StringVar(&keystore, "keystore", "", "directory of the recovery key")
	c.Flags().StringVar(&password, "password-file", "", "file whose first line opens it")
	c.Flags().StringVar(&output, "output", "", "file to write (default the same)")
	return c
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone once renamed
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func (a *app) recoverMergeCmd() *cobra.Command {
	var f recoveryFlags
	var output string
	c := &cobra.Command{
		Use:     "merge FILE... --genesis FILE --output FILE",
		Short:   "Put the signatures of several copies into one file",
		Example: "  quorate network recover merge by-anna.json by-bob.json --genesis genesis.json --output recovery.json",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "output"); err != nil {
				return err
			}
			d, g, err := f.load(c, args[0])
			if err != nil {
				return err
			}
			for _, file := range args[1:] {
				o, err := recovery.Load(file)
				if err == nil {
					err = d.Merge(o, g.Domain(), g.Recovery)
				}
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
			}
			if err := replaceFile(output, d.Encode()); err != nil {
				return err
			}
			v := viewRecovery(d, g)
			return a.print(c, v, v.lines()...)
		},
	}
	f.add(c)
	c.Flags().StringVar(&output, "output", "", "file to write")
	return c
}

func (a *app) recoverShowCmd() *cobra.Command {
	var f recoveryFlags
	c := &cobra.Command{
		Use:     "show FILE --genesis FILE",
		Short:   "Show what a recovery says, and who has signed it",
		Example: "  quorate network recover show recovery.json --genesis genesis.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			d, g, err := f.load(c, args[0])
			if err != nil {
				return err
			}
			v := viewRecovery(d, g)
			return a.print(c, v, v.lines()...)
		},
	}
	f.add(c)
	return c
}

func (a *app) recoverVerifyCmd() *cobra.Command {
	var f recoveryFlags
	c := &cobra.Command{
		Use:   "verify FILE --genesis FILE",
		Short: "Check that enough recovery keys have signed, and fail if not",
		Long: `Check that enough recovery keys have signed, and fail if not. It asks no node: whether
the block is the newest final one is for 'apply --dry-run' on each node to say.`,
		Example: "  quorate network recover verify recovery.json --genesis genesis.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			d, g, err := f.load(c, args[0])
			if err != nil {
				return err
			}
			if err := d.Verify(g.Domain(), g.Recovery); err != nil {
				return fmt.Errorf("%s does not hold: %w", args[0], err)
			}
			v := viewRecovery(d, g)
			return a.print(c, v, v.lines()...)
		},
	}
	f.add(c)
	return c
}

// applied is what apply prints.
type applied struct {
	Digest    common.Hash `json:"digest"`
	DryRun    bool        `json:"dryRun"`
	Held      bool        `json:"held"`      // it was there already
	Waits     bool        `json:"waits"`     // until the chain of the node is at its block
	Head      uint64      `json:"head"`      // of the node
	Validates bool        `json:"validates"` // in the epoch that it opens
}

func (a *app) recoverApplyCmd() *cobra.Command {
	var dir string
	var dry bool
	c := &cobra.Command{
		Use:   "apply FILE --dir DIR",
		Short: "Apply a recovery to a stopped node",
		Long: `Apply a recovery to a stopped node.

Run it on every node of the new set, and start them. A node that is below the block
keeps the recovery until it is there. One that has a final block above it refuses. To
apply it again changes nothing. Nodes that are not of the new set get it with the
blocks.`,
		Example: `  quorate network recover apply recovery.json --dir network/validator-0 --dry-run
  quorate network recover apply recovery.json --dir network/validator-0`,
		Args: cobra.ExactArgs(1),
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "folder of the node, which must be stopped")
	c.Flags().BoolVar(&dry, "dry-run", false, "check everything, and change nothing")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := required(c, "dir"); err != nil {
			return err
		}
		cfg, g, err := stoppedNode(c, dir, given())
		if err != nil {
			return err
		}
		d, err := recovery.Load(args[0])
		if err != nil {
			return err
		}
		if err := d.Verify(g.Domain(), g.Recovery); err != nil { // before the database is opened
			return fmt.Errorf("%s does not hold: %w", args[0], err)
		}
		out, err := node.ApplyRecovery(cfg, logger(c.ErrOrStderr(), cfg), node.Options{}, d, dry)
		if err != nil {
			return err
		}
		doc := applied{Digest: d.Digest(g.Domain()), DryRun: dry, Held: out.Held, Waits: out.Waits, Head: out.Head, Validates: out.Becomes}
		return a.print(c, doc, doc.lines(d)...)
	}
	return c
}

func (x *applied) lines(d *recovery.Document) []string {
	out := []string{fmt.Sprintf("recovery     %s", x.Digest)}
	switch {
	case x.Held:
		out = append(out, "it is here already: nothing is to be done")
	case x.DryRun:
		out = append(out, "dry run      nothing was changed")
	}
	if x.Waits {
		out = append(out, fmt.Sprintf("waits        for block %d, the head of this node is %d", d.Number, x.Head))
	} else {
		out = append(out, fmt.Sprintf("effect       epoch %d begins with block %d", d.Opens(), d.First()))
	}
	if x.Validates {
		return append(out, "this node    validates in it")
	}
	return append(out, "this node    does not validate in it")
}
