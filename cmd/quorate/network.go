package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/govern"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/node/devnet"
)

func (a *app) networkCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "network",
		Short: "Create a network, invite a newcomer, join, or recover one",
		Example: `  quorate network create genesis.json --dir acme --expect 0x…
  quorate network invite --dir acme --output invitation.json
  quorate network join invitation.json --dir newcomer`,
	}
	c.AddCommand(a.networkCreateCmd(), a.networkInviteCmd(), a.networkJoinCmd(), a.networkCheckpointCmd(), a.networkRecoverCmd())
	return c
}

func (a *app) networkInviteCmd() *cobra.Command {
	f := actFlags{timeout: statusTimeout}
	var output string
	var lasts time.Duration
	c := &cobra.Command{
		Use:   "invite --dir NODEDIR --output FILE",
		Short: "Write the file with which a newcomer joins",
		Long: `Write the file with which a newcomer joins: the genesis, where the present members
are, a checkpoint of the chain, and until when it is good, signed with this member's key. It holds no secret and
lets nobody in: the members' vote does.`,
		Example: "  quorate network invite --dir acme --output invitation.json --expires 72h",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "dir", "output"); err != nil {
				return err
			}
			if lasts <= 0 {
				return withCode(exitUsage, errors.New("--expires must be above 0"))
			}
			if _, err := os.Lstat(output); err == nil {
				return fmt.Errorf("%s: %w", output, keys.ErrExists)
			}
			until := time.Now().Add(lasts)
			peers, err := f.invite(c, output, until)
			if err != nil {
				return err
			}
			return a.print(c, map[string]any{"file": output, "peers": peers, "expires": until.UTC().Truncate(time.Second)},
				fmt.Sprintf("made %s, with the addresses of %d members, good until %s", output, len(peers), until.UTC().Format(time.RFC3339)))
		},
	}
	f.node.add(c)
	c.Flags().StringVar(&f.dir, "dir", "", "folder of this member's node, which must run")
	c.Flags().StringVar(&output, "output", "", "file to write")
	c.Flags().DurationVar(&lasts, "expires", 72*time.Hour, "how long it is good")
	return c
}

// invite asks the node for the members and writes the file.
func (f *actFlags) invite(c *cobra.Command, output string, until time.Time) ([]string, error) {
	s, err := f.signer(c)
	if err != nil {
		return nil, err
	}
	cfg, _, err := config.Load(f.dir, os.Environ(), nil)
	if err != nil {
		return nil, err
	}
	g, err := genesis.Load(cfg.GenesisFile)
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	for _, p := range cfg.P2P.Peers {
		known[p.NodeID] = p.Address
	}
	var peers []string
	err = f.node.view(c.Context(), func(ctx context.Context, v *govern.View) error {
		m, err := v.Members(ctx)
		if err != nil {
			return err
		}
		if peers = m.Bootstrap(g, known); len(peers) == 0 {
			return errors.New("no address of a member is known: have them say it with 'quorate validators describe'")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sure, err := f.node.checkpoint(c.Context())
	if err != nil {
		return nil, err
	}
	data, err := govern.Invite(c.Context(), s, g, peers, sure, until)
	if err != nil {
		return nil, err
	}
	return peers, os.WriteFile(output, data, 0o644)
}

// joined is what a newcomer tells the members.
type joined struct {
	Dir       string         `json:"dir"`
	Genesis   common.Hash    `json:"genesisHash"`
	InvitedBy common.Address `json:"invitedBy"`
	Founder   string         `json:"founder,omitempty"` // the name that genesis has for it
	Address   common.Address `json:"address"`           // of the validator key; zero for an observer
	NodeID    string         `json:"nodeId"`
	Name      string         `json:"name"`
	Propose   string         `json:"propose"` // what a member runs
}

func (a *app) networkJoinCmd() *cobra.Command {
	var n devnet.Newcomer
	var light bool
	c := &cobra.Command{
		Use:   "join FILE --dir DIR",
		Short: "Make the folder of a node that joins, from an invitation",
		Long: `Make the folder of a node that joins, from an invitation, and print what the members
have to run. Keys are made here and never leave the folder.

Start the node at any time: as soon as the members have voted for it, it connects,
follows the chain, attests by itself, and validates from the next epoch on.`,
		Example: `  quorate network join invitation.json --dir newcomer --address node.newcomer.example:30303
  quorate start --dir newcomer`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "dir"); err != nil {
				return err
			}
			if n.Name == "" {
				n.Name = filepath.Base(n.Dir)
			}
			n.Strength = strength(light)
			doc, err := join(c.Context(), n, args[0])
			if err != nil {
				return err
			}
			return a.print(c, doc, doc.lines()...)
		},
	}
	c.Flags().StringVar(&n.Dir, "dir", "", "folder to make")
	c.Flags().StringVar(&n.Name, "name", "", "name of the member, for people (default that of the folder)")
	c.Flags().StringVar(&n.Address, "address", "", "HOST:PORT under which the others reach this node (default: it listens on port 30303 and says nothing)")
	c.Flags().BoolVar(&n.Observer, "observer", false, "make a node without a validator key")
	c.Flags().BoolVar(&light, "light-kdf", false, lightUsage)
	return c
}

// join checks the invitation and makes the folder.
func join(ctx context.Context, n devnet.Newcomer, file string) (*joined, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	i, err := govern.ParseInvitation(data, time.Now())
	if err != nil {
		return nil, withCode(exitInvalid, fmt.Errorf("%s: %w", file, err))
	}
	n.Genesis, n.Peers, n.Checkpoint = i.Document, i.Peers, i.Checkpoint
	v, err := n.Make(ctx)
	if err != nil {
		return nil, err
	}
	founder, _ := i.Founder()
	out := &joined{Dir: n.Dir, Genesis: i.Document.Hash(), InvitedBy: i.By, Founder: founder, Address: v.Address, NodeID: v.NodeID, Name: n.Name}
	out.Propose = fmt.Sprintf("quorate validators propose-add %s --node-id %s --name %s", v.Address, v.NodeID, n.Name)
	if n.Observer {
		out.Propose = fmt.Sprintf("quorate permissions add-node %s --name %s --propose", v.NodeID, n.Name)
	}
	return out, nil
}

func (j *joined) lines() []string {
	by := j.InvitedBy.Hex() + ", no founder: ask the members whether it is one of them"
	if j.Founder != "" {
		by = j.InvitedBy.Hex() + ", " + j.Founder
	}
	return []string{
		"keys and configuration are in " + j.Dir + ": keep them, they exist nowhere else",
		"genesis      " + j.Genesis.Hex() + ": compare it with the members",
		"invited by   " + by,
		"a member runs, with --dir and the folder of its node, and others then vote:",
		"  " + j.Propose,
		"start here   quorate start --dir " + j.Dir,
	}
}
