package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/devnet"
)

// defaultChainID is that of development chains; a real network picks its own.
const defaultChainID = 1337

// chainFlags are the flags of commands that make a genesis.
type chainFlags struct {
	chainID    uint64
	timestamp  uint64
	alloc      string
	recovery   []string
	threshold  uint64
	parameters string
}

func (f *chainFlags) add(c *cobra.Command) {
	c.Flags().Uint64Var(&f.chainID, "chain-id", defaultChainID, "chain id of the network")
	c.Flags().Uint64Var(&f.timestamp, "timestamp", 0, "time of block 0, seconds since 1970 (default now)")
	c.Flags().StringVar(&f.alloc, "alloc", "", "JSON file from address to account: balance, nonce, code, storage")
	c.Flags().StringSliceVar(&f.recovery, "recovery-key", nil, "address of a key that may sign a recovery when too many validators are lost; once for each")
	c.Flags().Uint64Var(&f.threshold, "recovery-threshold", 0, "how many recovery keys must sign (default just more than half)")
	c.Flags().StringVar(&f.parameters, "parameters", "", "JSON file of protocol parameters that differ from the defaults")
}

// base returns the genesis that the flags describe, without members.
func (f *chainFlags) base(c *cobra.Command) (*genesis.Genesis, error) {
	g := genesis.Default()
	g.ChainID, g.Timestamp = f.chainID, f.timestamp
	if !c.Flags().Changed("timestamp") {
		g.Timestamp = uint64(time.Now().Unix())
	}
	if f.alloc != "" {
		data, err := os.ReadFile(f.alloc)
		if err != nil {
			return nil, err
		}
		alloc, err := genesis.ParseAlloc(data)
		if err != nil {
			return nil, fmt.Errorf("%s is not valid:\n%w", f.alloc, err)
		}
		maps.Copy(g.Alloc, alloc)
	}
	if f.parameters != "" {
		data, err := os.ReadFile(f.parameters)
		if err != nil {
			return nil, err
		}
		if g.Params, err = genesis.ParseParams(data, g.Params); err != nil {
			return nil, fmt.Errorf("%s is not valid:\n%w", f.parameters, err)
		}
	}
	return g, f.readRecovery(g)
}

// readRecovery puts the recovery keys into the genesis.
func (f *chainFlags) readRecovery(g *genesis.Genesis) error {
	for _, text := range f.recovery {
		key, err := parseAddress(text)
		if err != nil {
			return err
		}
		g.Recovery.Keys = append(g.Recovery.Keys, key)
	}
	g.Recovery.Threshold = f.threshold
	if n := uint64(len(f.recovery)); n > 0 && f.threshold == 0 {
		g.Recovery.Threshold = n/2 + 1
	}
	return nil
}

// strength picks the cost of key files.
func strength(light bool) keys.Strength {
	if light {
		return keys.Light
	}
	return keys.Standard
}

const lightUsage = "protect key files with less work: opens at once, for tests"

func (a *app) genesisNewCmd() *cobra.Command {
	var chain chainFlags
	var output string
	var light bool
	s := devnet.Spec{Ports: devnet.DefaultPorts}
	c := &cobra.Command{
		Use:   "new --validators N --output DIR",
		Short: "Make a genesis and one complete folder per node",
		Long: `Make a genesis and one complete folder per node, all keys included.

Whoever runs this holds every key: it is for one owner, or for tests. Members
who do not trust each other use 'genesis member' and 'genesis assemble'.`,
		Example: `  quorate genesis new --validators 4 --output network --alloc alloc.json
  quorate start --dir network/validator-0`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "validators", "output"); err != nil {
				return err
			}
			g, err := chain.base(c)
			if err != nil {
				return err
			}
			s.ChainID, s.Timestamp, s.Alloc, s.Params, s.Recovery, s.Strength = g.ChainID, g.Timestamp, g.Alloc, g.Params, g.Recovery, strength(light)
			if err := s.Validate(); err != nil {
				return withCode(exitUsage, err)
			}
			n, err := devnet.Generate(c.Context(), output, s)
			if err != nil {
				return err
			}
			sum := summarize(n.Genesis)
			lines := append([]string{"made " + filepath.Join(output, "genesis.json")}, sum.lines()...)
			for i := range n.Nodes {
				lines = append(lines, fmt.Sprintf("start       quorate start --dir %s", n.Nodes[i].Dir))
			}
			return a.print(c, sum, lines...)
		},
	}
	chain.add(c)
	c.Flags().IntVar(&s.Validators, "validators", 0, "number of validators")
	c.Flags().IntVar(&s.Observers, "observers", 0, "number of nodes without a validator key")
	c.Flags().StringVar(&output, "output", "", "directory to make")
	c.Flags().StringVar(&s.Host, "host", "127.0.0.1", "address on which the nodes listen")
	portFlags(c, &s.Ports)
	c.Flags().BoolVar(&light, "light-kdf", false, lightUsage)
	return c
}

// portFlags adds the first port of each range.
func portFlags(c *cobra.Command, p *devnet.Ports) {
	c.Flags().IntVar(&p.RPC, "rpc-port", p.RPC, "JSON-RPC port of the first node, the i-th uses this plus i")
	c.Flags().IntVar(&p.P2P, "p2p-port", p.P2P, "peer port of the first node, the i-th uses this plus i")
	c.Flags().IntVar(&p.Admin, "admin-port", p.Admin, "health and metrics port of the first node, the i-th uses this plus i")
}
