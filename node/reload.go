package node

import (
	"context"
	"log/slog"
	"os"
	"slices"

	"github.com/quorate/quorate/node/config"
)

// Operator is how whoever runs the process talks to the node. The zero value says
// nothing.
type Operator struct {
	Opened func() error                                    // called once the data directory is this process's own; nil: nobody asks
	Hangup <-chan os.Signal                                // asks to read the configuration and its files again; nil: never
	Load   func() (*config.Config, []config.Origin, error) // reads the configuration; needed with Hangup
	Origin []config.Origin                                 // what it said at the start
	Level  *slog.LevelVar                                  // of the log; needed with Hangup
}

// levelKey is the one setting that a running node takes over. What the files hold that
// the settings of JSON-RPC name (keys of tokens, certificates, CAs) is taken over too,
// without a signal within rpc.limits.reload_every.
const levelKey = "log.level"

// runReload answers every hang-up until ctx ends.
func (n *Node) runReload(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.operator.Hangup:
			n.reload()
		}
	}
}

// reload takes over what a running node can, and says what it has taken, what needs a
// restart, and what could not be read and so stays as it was.
func (n *Node) reload() {
	taken, restart := []string{}, []string{}
	was := n.operator.Level.Level()
	level := was
	cfg, origins, err := n.operator.Load()
	if err != nil {
		n.log.Error("SIGHUP: the configuration is not valid, all settings stay as they were", "err", err)
	} else {
		for _, key := range changed(n.operator.Origin, origins) {
			if key != levelKey {
				restart = append(restart, key)
				continue
			}
			level = cfg.Log.Level
			taken = append(taken, key)
			n.noteLevel(origins)
		}
	}
	if n.rpc != nil {
		renewed, err := n.rpc.Reload()
		switch {
		case err != nil:
			n.log.Error("SIGHUP: keys and certificates of JSON-RPC cannot be read, those from before stay", "err", err)
		case renewed:
			taken = append(taken, "keys and certificates of JSON-RPC")
		}
	}
	n.operator.Level.Set(min(was, level, slog.LevelInfo)) // whoever asks sees the answer
	n.log.Info("SIGHUP: configuration and files were read again", "taken", taken, "needs_restart", restart, "log_level", level)
	n.operator.Level.Set(level)
}

// noteLevel remembers the level that was taken; all other settings are compared with
// those of the start, which still hold.
func (n *Node) noteLevel(origins []config.Origin) {
	of := func(list []config.Origin) int {
		return slices.IndexFunc(list, func(o config.Origin) bool { return o.Key == levelKey })
	}
	n.operator.Origin = slices.Clone(n.operator.Origin)
	n.operator.Origin[of(n.operator.Origin)] = origins[of(origins)]
}

// changed returns the settings whose values differ. Both lists are in the order of the
// table.
func changed(before, now []config.Origin) (keys []string) {
	for i, o := range now {
		if !slices.Equal(o.Values, before[i].Values) {
			keys = append(keys, o.Key)
		}
	}
	return keys
}
