package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quorate/quorate/node/config"
)

// settingFlags adds one flag per setting, and returns those that were given by
// setting key.
func settingFlags(c *cobra.Command) func() map[string]string {
	for _, s := range config.Settings() {
		usage := s.Usage
		if s.Default != "" {
			usage += fmt.Sprintf(" (default %s)", s.Default)
		}
		c.Flags().String(s.Flag(), "", usage)
		c.Flags().Lookup(s.Flag()).Hidden = strings.HasPrefix(s.Key, "rpc.limits.") // dozens, and rarely set
	}
	return func() map[string]string {
		given := make(map[string]string)
		for _, s := range config.Settings() {
			c.Flags().Visit(func(f *pflag.Flag) {
				if f.Name == s.Flag() {
					given[s.Key] = f.Value.String()
				}
			})
		}
		return given
	}
}

func (a *app) configCmd() *cobra.Command {
	c := &cobra.Command{
		Use:     "config",
		Short:   "Show a node's configuration",
		Example: "  quorate config show --origin --dir network/validator-0",
	}
	c.AddCommand(a.configShowCmd())
	return c
}

func (a *app) configShowCmd() *cobra.Command {
	var dir string
	var origin bool
	c := &cobra.Command{
		Use:   "show",
		Short: "Print every setting, as a node started here and now would see it",
		Example: `  quorate config show --dir network/validator-0
  QUORATE_RPC_PORT=8600 quorate config show --origin --dir network/validator-0`,
		Args: cobra.NoArgs,
	}
	given := settingFlags(c)
	c.Flags().StringVar(&dir, "dir", ".", "folder of the node")
	c.Flags().BoolVar(&origin, "origin", false, "say where each value comes from")
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, origins, err := config.Load(dir, os.Environ(), given())
		if err != nil {
			return err
		}
		lines := make([]string, len(origins))
		for i, o := range origins {
			lines[i] = fmt.Sprintf("%-14s %s", o.Key, o.Text())
			if origin {
				lines[i] = fmt.Sprintf("%-14s %-24s %s", o.Key, o.Text(), o.From)
			}
		}
		return a.print(c, origins, lines...)
	}
	return c
}
