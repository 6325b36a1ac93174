package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/node/devnet"
)

// devnetFlags are the flags of the command; zero ports mean "not given".
type devnetFlags struct {
	dir        string
	validators int
	observers  int
	host       string
	ports      devnet.Ports
	access     dialFlags
}

func (a *app) devnetCmd() *cobra.Command {
	f := devnetFlags{ports: devnet.DefaultPorts}
	c := &cobra.Command{
		Use:   "devnet",
		Short: "Run a network on this machine, one process per validator",
		Long: `Run a network on this machine, one process per validator.

The directory is made if it is absent and continued if it is there. Its accounts
are those of the mnemonic that every development tool knows: UNSAFE anywhere
else. Ctrl-C stops every process.`,
		Example: `  quorate devnet
  quorate devnet --validators 7 --dir /tmp/seven --rpc-port 9000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := f.open(c)
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			header, tls, err := f.access.read()
			if err != nil {
				return err
			}
			return devnet.Run(c.Context(), n, devnet.RunOptions{Executable: self, Out: c.OutOrStdout(), JSON: a.json, Header: header, TLS: tls})
		},
	}
	c.Flags().StringVar(&f.dir, "dir", "devnet", "directory of the network")
	c.Flags().IntVar(&f.validators, "validators", 4, "number of validators")
	c.Flags().IntVar(&f.observers, "observers", 0, "number of nodes without a validator key")
	c.Flags().StringVar(&f.host, "host", "127.0.0.1", "address on which the nodes listen")
	portFlags(c, &f.ports)
	f.access.add(c)
	return c
}

// open generates the network, or opens the one that is there and moves it to
// the ports that were asked for.
func (f *devnetFlags) open(c *cobra.Command) (*devnet.Network, error) {
	there, err := devnet.Exists(f.dir)
	if err != nil {
		return nil, withCode(exitExists, err)
	}
	if !there {
		return f.generate(c)
	}
	n, err := devnet.Open(f.dir)
	if err != nil {
		return nil, err
	}
	if err := n.CheckSize(given(c, "validators", f.validators), given(c, "observers", f.observers)); err != nil {
		return nil, withCode(exitExists, err)
	}
	host := ""
	if c.Flags().Changed("host") {
		host = f.host
	}
	ports := devnet.Ports{
		RPC: max(given(c, "rpc-port", f.ports.RPC), 0), P2P: max(given(c, "p2p-port", f.ports.P2P), 0), Admin: max(given(c, "admin-port", f.ports.Admin), 0),
	}
	return n, n.Retarget(host, ports)
}

// given returns the value of a flag, or -1 if it was not given.
func given(c *cobra.Command, flag string, value int) int {
	if c.Flags().Changed(flag) {
		return value
	}
	return -1
}

func (f *devnetFlags) generate(c *cobra.Command) (*devnet.Network, error) {
	s, err := devnet.Spec{
		Validators: f.validators, Observers: f.observers, Timestamp: uint64(time.Now().Unix()), Host: f.host, Ports: f.ports,
	}.Devnet()
	if err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, withCode(exitUsage, err)
	}
	return devnet.Generate(c.Context(), f.dir, s)
}
