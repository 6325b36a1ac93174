package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/bench"
)

func (a *app) benchCmd() *cobra.Command {
	cfg := bench.Default()
	kind, key := string(cfg.Kind), ""
	var access dialFlags
	c := &cobra.Command{
		Use:   "bench --rpc URL[,URL...]",
		Short: "Load a running network over its public RPC and measure it",
		Long: `Load a running network over its public RPC and measure it.

Accounts are funded and a token is deployed beforehand, by the first account of
the well-known test mnemonic unless --key names another. When the clock has
stopped, every transaction is looked up at every URL; a missing one fails the run.`,
		Example: `  quorate bench --rpc http://127.0.0.1:8545,http://127.0.0.1:8546 --kind transfer --txs 20000
  quorate bench --rpc http://127.0.0.1:8545 --kind erc20 --rate 200 --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "rpc"); err != nil {
				return err
			}
			cfg.Kind = bench.Kind(kind)
			if key != "" {
				k, err := readKey(key)
				if err != nil {
					return err
				}
				cfg.Key = k
			}
			var err error
			if cfg.Header, cfg.TLS, err = access.read(); err != nil {
				return err
			}
			if !a.json {
				cfg.Progress = c.ErrOrStderr()
			}
			if err := cfg.Validate(); err != nil {
				return withCode(exitUsage, err)
			}
			return a.runBench(c, cfg)
		},
	}
	c.Flags().StringSliceVar(&cfg.URLs, "rpc", nil, "JSON-RPC of the nodes, HTTP and WebSocket on one address")
	access.add(c)
	c.Flags().StringVar(&kind, "kind", kind, "transfer or erc20")
	c.Flags().IntVar(&cfg.Txs, "txs", cfg.Txs, "number of transactions")
	c.Flags().IntVar(&cfg.Accounts, "accounts", cfg.Accounts, "number of senders")
	c.Flags().Float64Var(&cfg.Rate, "rate", 0, "transactions per second, 0 for as many as go")
	c.Flags().StringVar(&key, "key", "", "file with the private key that pays for the set-up")
	c.Flags().StringVar(&cfg.Seed, "seed", cfg.Seed, "names the sender accounts: two runs at a time need two")
	return c
}

// runBench prints the result also of a run in which transactions are missing.
func (a *app) runBench(c *cobra.Command, cfg bench.Config) error {
	result, err := bench.Run(c.Context(), cfg)
	if result == nil {
		if err == nil {
			err = errors.New("bench: no result")
		}
		return err
	}
	var text strings.Builder
	if tableErr := result.WriteTable(&text); tableErr != nil {
		return tableErr
	}
	return errors.Join(err, a.print(c, result, strings.TrimSpace(text.String())))
}
