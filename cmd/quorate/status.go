package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/spf13/cobra"
)

// statusTimeout bounds the question to a node.
const statusTimeout = 10 * time.Second

// nodeStatus is what the text form needs of pbft_status.
type nodeStatus struct {
	Self       common.Address `json:"self"`
	View       uint64         `json:"view"`
	Epoch      uint64         `json:"epoch"`
	Primary    common.Address `json:"primary"`
	IsPrimary  bool           `json:"isPrimary"`
	Mode       string         `json:"mode"`
	Committed  uint64         `json:"committed"`
	Stable     uint64         `json:"stable"`
	Quorum     int            `json:"quorum"`
	Validators []struct {
		Address   common.Address `json:"address"`
		Connected bool           `json:"connected"`
		Mode      string         `json:"mode"`
		Committed uint64         `json:"committed"`
	} `json:"validators"`
}

func (a *app) statusCmd() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:     "status",
		Short:   "Ask a running node how its consensus stands",
		Example: "  quorate status --rpc http://127.0.0.1:8545 --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			raw, err := askStatus(c.Context(), url)
			if err != nil {
				return err
			}
			if a.json {
				return a.print(c, raw)
			}
			var s nodeStatus
			if err := json.Unmarshal(raw, &s); err != nil {
				return fmt.Errorf("%s answers pbft_status with something else: %w", url, err)
			}
			return a.print(c, nil, s.lines()...)
		},
	}
	c.Flags().StringVar(&url, "rpc", "http://127.0.0.1:8545", "JSON-RPC of the node")
	return c
}

func askStatus(ctx context.Context, url string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	client, err := rpc.DialContext(ctx, url)
	if err != nil {
		return nil, withCode(exitUnavailable, fmt.Errorf("%s: %w", url, err))
	}
	defer client.Close()
	var raw json.RawMessage
	err = client.CallContext(ctx, &raw, "pbft_status")
	var answered rpc.Error
	if errors.As(err, &answered) {
		return nil, fmt.Errorf("%s answers, but not pbft_status: %w", url, err)
	}
	if err != nil {
		return nil, withCode(exitUnavailable, fmt.Errorf("%s does not answer: %w", url, err))
	}
	return raw, nil
}

func (s *nodeStatus) lines() []string {
	role := "backup"
	switch {
	case s.IsPrimary:
		role = "primary"
	case s.Self == (common.Address{}):
		role = "observer"
	}
	out := []string{
		fmt.Sprintf("block      %d final, checkpoint %d", s.Committed, s.Stable),
		fmt.Sprintf("consensus  %s, epoch %d, view %d, quorum %d of %d", s.Mode, s.Epoch, s.View, s.Quorum, len(s.Validators)),
		fmt.Sprintf("this node  %s (%s)", role, s.Self.Hex()),
		"",
	}
	for _, v := range s.Validators {
		mark, state := " ", "not connected"
		if v.Address == s.Primary {
			mark = "*"
		}
		if v.Connected {
			state = fmt.Sprintf("%s at %d", v.Mode, v.Committed)
		}
		out = append(out, fmt.Sprintf("%s %s  %s", mark, v.Address.Hex(), state))
	}
	return append(out, "", "* primary of the next block")
}
