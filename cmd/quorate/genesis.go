package main

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/genesis"
)

func (a *app) genesisCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "genesis",
		Short: "Make and check the document that a network begins with",
		Example: `  quorate genesis new --validators 4 --output network
  quorate genesis hash network/genesis.json`,
	}
	c.AddCommand(a.genesisNewCmd(), a.genesisMemberCmd(), a.genesisAssembleCmd(), a.genesisValidateCmd(), a.genesisShowCmd(), a.genesisHashCmd())
	return c
}

// summary is what is said of a valid genesis.
type summary struct {
	ChainID    uint64      `json:"chainId"`
	Hash       common.Hash `json:"hash"`
	Validators int         `json:"validators"`
	Observers  int         `json:"observers"`
	Quorum     int         `json:"quorum"`
	Tolerates  int         `json:"tolerates"`
	Recovery   *recoverers `json:"recovery"` // null: nobody can recover the network
}

// recoverers are who may sign a recovery.
type recoverers struct {
	Keys      int    `json:"keys"`
	Threshold uint64 `json:"threshold"`
}

func summarize(g *genesis.Genesis) summary {
	set := g.ValidatorSet()
	s := summary{
		ChainID: g.ChainID, Hash: g.Hash(), Validators: set.Len(), Observers: len(g.Permissions.Observers),
		Quorum: set.Quorum(), Tolerates: set.F(),
	}
	if g.Recovery.Allowed() {
		s.Recovery = &recoverers{len(g.Recovery.Keys), g.Recovery.Threshold}
	}
	return s
}

func (s summary) lines() []string {
	out := []string{
		fmt.Sprintf("chain id    %d", s.ChainID),
		fmt.Sprintf("hash        %s", s.Hash),
		fmt.Sprintf("validators  %d, quorum %d, tolerates %d faulty", s.Validators, s.Quorum, s.Tolerates),
	}
	if s.Recovery != nil {
		out = append(out, fmt.Sprintf("recovery    %d of %d keys", s.Recovery.Threshold, s.Recovery.Keys))
	}
	if s.Observers > 0 {
		out = append(out, fmt.Sprintf("observers   %d", s.Observers))
	}
	return out
}

func (a *app) genesisValidateCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "validate FILE",
		Short:   "Check a genesis and report every fault with its place",
		Example: "  quorate genesis validate network/genesis.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := genesis.Load(args[0])
			if err != nil {
				return err
			}
			s := summarize(g)
			return a.print(c, s, append([]string{args[0] + " is valid"}, s.lines()...)...)
		},
	}
}

func (a *app) genesisShowCmd() *cobra.Command {
	var canonical bool
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Print a genesis with every default written out",
		Example: `  quorate genesis show network/genesis.json
  quorate genesis show --canonical network/genesis.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := genesis.Load(args[0])
			if err != nil {
				return err
			}
			doc := g.Encode()
			if canonical {
				doc = g.Canonical()
			}
			_, err = c.OutOrStdout().Write(doc)
			return err
		},
	}
	c.Flags().BoolVar(&canonical, "canonical", false, "print the exact bytes whose keccak256 is the extraData of block 0")
	return c
}

func (a *app) genesisHashCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "hash FILE",
		Short:   "Print the genesis hash, which is the hash of block 0",
		Example: "  quorate genesis hash network/genesis.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := genesis.Load(args[0])
			if err != nil {
				return err
			}
			b := g.Block()
			doc := map[string]any{"hash": b.Hash(), "stateRoot": b.Root(), "extraData": hexutil.Bytes(b.Extra())}
			return a.print(c, doc, b.Hash().Hex())
		},
	}
}
