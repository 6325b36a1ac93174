package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/archive"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
)

// imported is what the command prints.
type imported struct {
	Blocks uint64 `json:"blocks"`
	Known  uint64 `json:"known"`
	Head   uint64 `json:"head"`
	Hash   string `json:"hash"`
}

func (a *app) importCmd() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "import FILE|- --dir DIR",
		Short: "Bring a stopped node forward by a file of 'quorate export'",
		Long: `Bring a node that is stopped forward by a file of 'quorate export', in ndjson or
rlp. Nothing is believed: every certificate is verified against the validators
that genesis and the chain name, every block executed and compared, down to the
last byte of the file. What is here already is compared. An import that was
stopped is run again.`,
		Example: `  quorate import blocks.rlp --dir network/observer-0
  zstdcat blocks.zst | quorate import - --dir network/observer-0`,
		Args: cobra.ExactArgs(1),
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "folder of the node, which must be stopped")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if err := required(c, "dir"); err != nil {
			return err
		}
		in := c.InOrStdin()
		if args[0] != "-" {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			in = f
		}
		cfg, _, err := config.Load(dir, os.Environ(), given())
		if err != nil {
			return err
		}
		o, err := node.OpenOffline(c.Context(), cfg, quiet(c, cfg), true)
		if err != nil {
			return err
		}
		defer func() {
			if closeErr := o.Close(); err == nil {
				err = closeErr
			}
		}()
		return a.runImport(c, o, in, args[0])
	}
	return c
}

// runImport imports a file of unknown length: the bar counts.
func (a *app) runImport(c *cobra.Command, o *node.Offline, in io.Reader, file string) error {
	bar := a.bar(c, "importing")
	bar.begin(1<<63 - 1)
	done, err := archive.Import(c.Context(), in, o.Objects, o.Chain, bar.tell)
	bar.close()
	head := o.Chain.Head()
	if err != nil {
		return withCode(exitInvalid, fmt.Errorf("%s: %w (the chain is at block %s)", file, err, head.Number))
	}
	out := imported{done.Blocks, done.Known, head.Number.Uint64(), head.Hash().Hex()}
	return a.print(c, out, fmt.Sprintf("%d blocks imported, %d were here: the head is block %d %s", out.Blocks, out.Known, out.Head, out.Hash))
}

// quiet is a logger of what goes wrong: progress is the bar's.
func quiet(c *cobra.Command, cfg *config.Config) *slog.Logger {
	calm := *cfg
	calm.Log.Level = max(calm.Log.Level, slog.LevelWarn)
	return logger(c.ErrOrStderr(), &calm)
}
