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

	"github.com/quorate/quorate/govern"
)

// statusTimeout bounds the question to a node.
const statusTimeout = 10 * time.Second

// nodeStatus is what the text form needs of pbft_status.
type nodeStatus struct {
	Self       common.Address `json:"self"`
	View       uint64         `json:"view"`
	ActiveView *uint64        `json:"activeView"` // nil: an older node
	Epoch      uint64         `json:"epoch"`
	Primary    common.Address `json:"primary"`
	IsPrimary  bool           `json:"isPrimary"`
	Mode       string         `json:"mode"`
	Committed  uint64         `json:"committed"`
	Stable     uint64         `json:"stable"`
	Quorum     int            `json:"quorum"`
	PatienceMs uint64         `json:"patienceMs"`
	LostMargin bool           `json:"lostMargin"`
	Halt       string         `json:"halt"`
	Held       string         `json:"held"`
	Stands     string         `json:"stands"`
	Forks      []govern.Fork  `json:"unknownForks"`
	Validators []struct {
		Address   common.Address `json:"address"`
		Connected bool           `json:"connected"`
		Mode      string         `json:"mode"`
		Committed uint64         `json:"committed"`
		Asks      *uint64        `json:"asks"`
		Suspended bool           `json:"suspended"`
	} `json:"validators"`
}

func (a *app) statusCmd() *cobra.Command {
	var url string
	var access dialFlags
	c := &cobra.Command{
		Use:   "status",
		Short: "Ask a running node how its consensus stands",
		Example: `  quorate status --rpc http://127.0.0.1:8545 --json
  quorate status --rpc https://node.example.org:8545 --rpc-ca ca.pem --rpc-token token`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			raw, err := askStatus(c.Context(), url, &access)
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
	access.add(c)
	return c
}

func askStatus(ctx context.Context, url string, access *dialFlags) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	client, err := access.dial(ctx, url)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var raw json.RawMessage
	err = client.CallContext(ctx, &raw, "pbft_status")
	var answered rpc.Error
	var refused rpc.HTTPError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%s answers %s: %s", url, refused.Status, refused.Body)
	case errors.As(err, &answered):
		return nil, fmt.Errorf("%s answers, but not pbft_status: %w", url, err)
	case err != nil:
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
	}
	out = append(append(out, s.trouble()...), "")
	for _, v := range s.Validators {
		mark, state := " ", "not connected"
		if v.Address == s.Primary {
			mark = "*"
		}
		switch {
		case v.Connected && v.Mode == "unknown":
			state = "connected, silent in this epoch"
		case v.Connected:
			state = fmt.Sprintf("%s at %d", v.Mode, v.Committed)
		}
		if v.Asks != nil {
			state += fmt.Sprintf(", asks for view %d", *v.Asks)
		}
		if v.Suspended {
			state += ", suspended as primary"
		}
		out = append(out, fmt.Sprintf("%s %s  %s", mark, v.Address.Hex(), state))
	}
	return append(out, "", "* primary of the next block")
}

// trouble says what keeps this node from voting, if anything does.
func (s *nodeStatus) trouble() []string {
	var out []string
	for _, x := range []struct{ label, text string }{{"halted     ", s.Halt}, {"held back  ", s.Held}, {"stands     ", s.Stands}} {
		if x.text != "" {
			out = append(out, x.label+x.text)
		}
	}
	for _, f := range s.Forks {
		out = append(out, fmt.Sprintf("fork       %q is scheduled for %s, and the node's version does not know it: it will stop there; install one that does before", f.Name, seconds(f.Time)))
	}
	if s.ActiveView == nil || s.View == *s.ActiveView {
		return out
	}
	asking := 0
	for _, v := range s.Validators {
		if v.Asks != nil {
			asking++
		}
	}
	line := fmt.Sprintf("view       left %d, asks for %d as %d of %d do; waits %s", *s.ActiveView, s.View, asking, len(s.Validators), time.Duration(s.PatienceMs)*time.Millisecond)
	if s.LostMargin {
		line = fmt.Sprintf("view       left %d alone, asks for %d: it votes no more until the next view or epoch", *s.ActiveView, s.View)
	}
	return append(out, line)
}
