package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/internal/cores"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/node/devnet"
)

func (a *app) startCmd() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "start --dir DIR",
		Short: "Run the node in a folder",
		Long: `Run the node in a folder until it is told to stop.

Every setting of config.toml is also a flag and an environment variable:
--rpc-port, QUORATE_RPC_PORT. See 'quorate config show --origin', which also
lists the limits of JSON-RPC: rpc.limits.call_timeout is --rpc-limits-call-timeout.

SIGHUP has it read config.toml again, and the files that it names: the log level, keys
of tokens, certificates and CAs of JSON-RPC hold at once. A log line says what was taken
and what needs a restart; what is not valid changes nothing.`,
		Example: `  quorate start --dir network/validator-0
  quorate start --dir network/validator-0 --rpc-port 8600 --log-level debug`,
		Args: cobra.NoArgs,
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "folder of the node")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := required(c, "dir"); err != nil {
			return err
		}
		if _, err := os.Stat(dir); err != nil {
			return err
		}
		mine := false // the pid file is this process's
		load := func() (*config.Config, []config.Origin, error) { return config.Load(dir, os.Environ(), given()) }
		cfg, origins, err := load()
		if err != nil {
			return err
		}
		hangup := make(chan os.Signal, 1) // one that comes while another is answered says nothing new
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
		level := new(slog.LevelVar)
		level.Set(cfg.Log.Level)
		node.Version = version
		cores.Beside(cfg.Limits.Places())
		defer func() {
			if mine {
				devnet.RemovePID(cfg.Dir)
			}
		}()
		opened := func() error {
			mine = true
			if err := devnet.WritePID(cfg.Dir, os.Getpid()); err != nil {
				return fmt.Errorf("pid file: %w", err)
			}
			return nil
		}
		return node.Run(c.Context(), cfg, leveled(c.ErrOrStderr(), cfg, level), node.Operator{
			Opened: opened, Hangup: hangup, Load: load, Origin: origins, Level: level,
		})
	}
	return c
}

// logger writes to out as the configuration says: for people on a terminal,
// JSON otherwise.
func logger(out io.Writer, cfg *config.Config) *slog.Logger { return leveled(out, cfg, cfg.Log.Level) }

// leveled is logger with a level that may change.
func leveled(out io.Writer, cfg *config.Config, level slog.Leveler) *slog.Logger {
	file, isFile := out.(*os.File)
	terminal := isFile && term.IsTerminal(int(file.Fd()))
	if cfg.Log.Format == "json" || cfg.Log.Format == "auto" && !terminal {
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})).With("node", cfg.Name)
	}
	h := tint.NewTextHandler(out, &tint.Options{Level: level, NoColor: !terminal, TimeFormat: "15:04:05.000"})
	return slog.New(h).With("node", cfg.Name)
}
