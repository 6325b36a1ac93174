package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
)

func (a *app) indexCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "index",
		Short: "See and rebuild what a node has indexed for explorers",
		Long: `See and rebuild what a node has indexed for explorers.

The settings index.addresses and index.tokens switch the indexes on. They are
written in the batch of each block, and so are never behind. Switched on later,
they are built before the node runs.`,
		Example: `  quorate index status --rpc http://127.0.0.1:8545
  quorate index rebuild --dir network/validator-0 --only addresses`,
	}
	c.AddCommand(a.indexStatusCmd(), a.indexRebuildCmd())
	return c
}

func (a *app) indexStatusCmd() *cobra.Command {
	var dir, url string
	var access dialFlags
	c := &cobra.Command{
		Use:   "status",
		Short: "Say which blocks are indexed",
		Long: `Say which blocks are indexed, by a running node (--rpc) or in the folder of a
stopped one (--dir).`,
		Example: `  quorate index status --rpc http://127.0.0.1:8545
  quorate index status --dir network/validator-0 --json`,
		Args: cobra.NoArgs,
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "folder of the node, which must be stopped")
	c.Flags().StringVar(&url, "rpc", "http://127.0.0.1:8545", "JSON-RPC of the node, without --dir")
	access.add(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if dir == "" {
			return a.askIndexes(c, url, &access)
		}
		if c.Flags().Changed("rpc") {
			return withCode(exitUsage, errors.New("--dir asks a stopped node, --rpc a running one: give one of them"))
		}
		cfg, err := folder(dir, given())
		if err != nil {
			return err
		}
		states, err := node.IndexStates(cfg, logger(c.ErrOrStderr(), cfg), node.Options{})
		if err != nil {
			return err
		}
		return a.print(c, states, indexLines(states)...)
	}
	return c
}

// folder reads the configuration of a node.
func folder(dir string, given map[string]string) (*config.Config, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	cfg, _, err := config.Load(dir, os.Environ(), given)
	return cfg, err
}

// indexExtent is an index as index_status tells of it.
type indexExtent struct {
	Enabled bool            `json:"enabled"`
	First   *hexutil.Uint64 `json:"first"`
	Last    *hexutil.Uint64 `json:"last"`
}

// askIndexes asks a running node.
func (a *app) askIndexes(c *cobra.Command, url string, access *dialFlags) error {
	ctx, cancel := context.WithTimeout(c.Context(), statusTimeout)
	defer cancel()
	client, err := access.dial(ctx, url)
	if err != nil {
		return err
	}
	defer client.Close()
	var raw json.RawMessage
	if err := client.CallContext(ctx, &raw, "index_status"); err != nil {
		return withCode(exitUnavailable, fmt.Errorf("%s: %w", url, err))
	}
	if a.json {
		return a.print(c, raw)
	}
	var all map[string]indexExtent
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("%s answers index_status with something else: %w", url, err)
	}
	var lines []string
	for _, name := range node.IndexNames {
		line := "off"
		if x := all[name]; x.Enabled && x.First != nil && x.Last != nil {
			line = fmt.Sprintf("blocks %d … %d", *x.First, *x.Last)
		}
		lines = append(lines, fmt.Sprintf("%-10s %s", name, line))
	}
	return a.print(c, nil, lines...)
}

func indexLines(states []node.IndexState) []string {
	var out []string
	for _, s := range states {
		line := fmt.Sprintf("blocks %d … %d of %d", s.First, s.Last, s.Head)
		if !s.Enabled {
			line = "off, " + line
		}
		if s.Rebuilding {
			line += ", a rebuild was interrupted"
		} else if s.Enabled && s.Last < s.Head {
			line += ", the rest is built when the node starts"
		}
		out = append(out, fmt.Sprintf("%-10s %s", s.Name, line))
	}
	return out
}

func (a *app) indexRebuildCmd() *cobra.Command {
	var dir string
	var only []string
	c := &cobra.Command{
		Use:   "rebuild --dir DIR",
		Short: "Build the indexes of a stopped node anew",
		Long: `Build the indexes of a stopped node anew, from its blocks and receipts.

Interrupted, it goes on from there when it is run again, and so does the node when
it is started. Without --only it builds those that are switched on.`,
		Example: `  quorate index rebuild --dir network/validator-0
  quorate index rebuild --dir network/validator-0 --only addresses,tokens --json`,
		Args: cobra.NoArgs,
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "folder of the node, which must be stopped")
	c.Flags().StringSliceVar(&only, "only", nil, "logs, addresses or tokens")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := required(c, "dir"); err != nil {
			return err
		}
		cfg, err := folder(dir, given())
		if err != nil {
			return err
		}
		states, err := node.RebuildIndexes(c.Context(), cfg, logger(c.ErrOrStderr(), cfg), node.Options{}, only, func(s node.IndexState) func(uint64) {
			return showIndexing(c.ErrOrStderr(), s)
		})
		switch {
		case errors.Is(err, node.ErrIndexName):
			return withCode(exitUsage, err)
		case errors.Is(err, context.Canceled):
			return errors.New("interrupted: run it again, and it goes on from there")
		case err != nil:
			return err
		}
		return a.print(c, states, indexLines(states)...)
	}
	return c
}

// showIndexing shows progress: a bar on a terminal, a line now and then otherwise.
func showIndexing(w io.Writer, s node.IndexState) func(last uint64) {
	const every = 5 * time.Second
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		told := time.Now()
		return func(last uint64) {
			if time.Since(told) >= every {
				told = time.Now()
				fmt.Fprintf(w, "%s: block %d of %d\n", s.Name, last, s.Head)
			}
		}
	}
	bar := progressbar.NewOptions64(int64(s.Head),
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(s.Name), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("blocks"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(last uint64) { _ = bar.Set64(int64(last)) } // a terminal that is gone is no reason to stop
}
