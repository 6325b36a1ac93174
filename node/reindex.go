package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/node/config"
)

// IndexNames are the indexes that a stopped node can be asked about, as in settings.
var IndexNames = []string{"logs", "addresses", "tokens"}

// IndexState says how far one index of a stopped node is.
type IndexState struct {
	Name       string `json:"name"`
	Enabled    bool   `json:"enabled"`    // by the configuration
	First      uint64 `json:"first"`      // the oldest block that it can have
	Last       uint64 `json:"last"`       // the newest block that is indexed
	Head       uint64 `json:"head"`       // of the chain
	Rebuilding bool   `json:"rebuilding"` // a rebuild was begun and has not ended
}

// ErrIndexName says that there is no index of a name.
var ErrIndexName = errors.New("no such index")

// named returns the indexes of these names, whether they are switched on or not.
func (n *Node) namedIndexes(names []string) (out []built, err error) {
	for _, name := range names {
		switch name {
		case "logs":
			out = append(out, n.logs)
		case "addresses":
			out = append(out, index.NewAddresses(n.db, types.LatestSigner(n.genesis.ChainConfig())))
		case "tokens":
			out = append(out, index.NewTokens(n.db))
		default:
			return nil, fmt.Errorf("%w: %q is not one of %s", ErrIndexName, name, strings.Join(IndexNames, ", "))
		}
	}
	return out, nil
}

func (n *Node) indexEnabled(name string) bool {
	return name == "logs" || name == "addresses" && n.addresses != nil || name == "tokens" && n.tokens != nil
}

// IndexStates returns how far the indexes of a stopped node are.
func IndexStates(cfg *config.Config, log *slog.Logger, o Options) (out []IndexState, err error) {
	err = stopped(cfg, log, o, nil, func(n *Node) error {
		all, err := n.namedIndexes(IndexNames)
		if err != nil {
			return err
		}
		for i, x := range all {
			s, err := n.indexState(IndexNames[i], x)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

func (n *Node) indexState(name string, x built) (s IndexState, err error) {
	s = IndexState{Name: name, Enabled: n.indexEnabled(name), First: n.chain.Origin(), Head: n.chain.Head().Number.Uint64()}
	if s.Last, err = x.Indexed(); err != nil {
		return s, err
	}
	s.Rebuilding, err = x.Rebuilding()
	return s, err
}

// RebuildIndexes builds indexes of a stopped node anew: those named, or without names
// those that are switched on. One whose rebuild was interrupted goes on. begin hears
// of each index with where it begins, and returns who hears of its progress.
func RebuildIndexes(ctx context.Context, cfg *config.Config, log *slog.Logger, o Options, only []string, begin func(s IndexState) (report func(last uint64))) (out []IndexState, err error) {
	for _, name := range only {
		if !slices.Contains(IndexNames, name) {
			return nil, fmt.Errorf("%w: %q is not one of %s", ErrIndexName, name, strings.Join(IndexNames, ", "))
		}
	}
	err = stopped(cfg, log, o, nil, func(n *Node) error {
		names := only
		if len(names) == 0 {
			names = slices.DeleteFunc(slices.Clone(IndexNames), func(name string) bool { return !n.indexEnabled(name) })
		}
		all, err := n.namedIndexes(names)
		if err != nil {
			return err
		}
		for i, x := range all {
			s, err := n.rebuild(ctx, names[i], x, begin)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

func (n *Node) rebuild(ctx context.Context, name string, x built, begin func(IndexState) func(uint64)) (IndexState, error) {
	again, err := x.Rebuilding()
	if err == nil && !again {
		err = x.Forget()
	}
	if err != nil {
		return IndexState{}, err
	}
	s, err := n.indexState(name, x)
	if err != nil {
		return s, err
	}
	if err := x.Build(ctx, n.chain, s.Head, begin(s)); err != nil {
		return s, err
	}
	return n.indexState(name, x)
}
