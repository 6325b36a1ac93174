package govern

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
)

// BadFork says why a fork of the EVM is not to be voted for.
type BadFork struct {
	Name  string
	Known []string // forks whose rules the version has, oldest first
	Whose string   // the version's
}

func (e *BadFork) Error() string {
	if slices.Contains(e.Known, e.Name) {
		return fmt.Sprintf("the rules of fork %q hold from block 0 on: there is nothing to schedule", e.Name)
	}
	return fmt.Sprintf("fork %q is not known to %s, which knows %s, and those hold from block 0 on; a member whose version does not know a fork that was voted for stops at it, so install a version that knows it on every node first",
		e.Name, e.Whose, strings.Join(e.Known, ", "))
}

// SetFork returns the call that schedules a fork, or takes one off with time 0. Only a
// vote can.
func SetFork(name string, time uint64) (Call, error) {
	key := [32]byte(contracts.NameKey(name))
	if name == "" || len(name) > len(key) || strings.ContainsFunc(name, func(r rune) bool { return r < '!' || r > '~' }) {
		return Call{}, fmt.Errorf("%q is no name of a fork: 1 to %d ASCII characters without blanks, as %s", name, len(key), strings.Join(genesis.KnownForks(), ", "))
	}
	return Call{To: contracts.Parameters, Method: "setFork", Args: []any{key, time}}, nil
}

// fork returns the fork that a call schedules, if it schedules one. To take one off is
// nothing that anybody must know the rules for.
func (c Call) fork() (string, bool) {
	if c.To.Address != contracts.Parameters.Address || c.Method != "setFork" || c.Args[1].(uint64) == 0 {
		return "", false
	}
	name := c.Args[0].([32]byte)
	return strings.TrimRight(string(name[:]), "\x00"), true
}

// checkFork returns *BadFork if a call schedules a fork that this version has no rules
// for, or that the asked node's version has none for, or that there is nothing to
// schedule about.
func (c *Client) checkFork(ctx context.Context, call Call) error {
	name, ok := call.fork()
	if !ok {
		return nil
	}
	own := genesis.KnownForks()
	if !slices.Contains(own, name) {
		return &BadFork{name, own, "this version"}
	}
	var s struct {
		KnownForks []string `json:"knownForks"`
	}
	if err := c.rpc.CallContext(ctx, &s, "pbft_status"); err != nil {
		return fmt.Errorf("pbft_status: %w", err)
	}
	if !slices.Contains(s.KnownForks, name) {
		return &BadFork{name, s.KnownForks, "the version of the asked node"}
	}
	return &BadFork{name, own, "this version"} // all that are known hold already
}
