package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/node/admin"
	"github.com/quorate/quorate/registry"
)

// This file is what a node does about forks of the EVM that the members have scheduled
// and that its build does not know: it says so from the block on that schedules one, and
// ends at the first block under its rules, before it would come to another state than
// everybody else.

// ErrTooOld is a network whose rules this build does not know any more.
var ErrTooOld = errors.New("this version is too old for the network")

// tooOld marks the chain's refusal of unknown rules, and says which version this is.
func tooOld(err error) error {
	if u := new(chain.UnknownFork); errors.As(err, &u) && !errors.Is(err, ErrTooOld) {
		return fmt.Errorf("%w: it is %s: %w", ErrTooOld, Version, err)
	}
	return err
}

// checkForks refuses to run where the next block is under unknown rules already.
func (n *Node) checkForks(Options) error { return tooOld(n.chain.CheckForks()) }

// watchForks ends the node when its chain has come to a block under unknown rules: block
// sync alone would try again for ever.
func (n *Node) watchForks(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.ledger.barred:
		n.log.Error("the node stops: the chain has come to a fork that this version does not know", "version", Version, "head", n.chain.Head().Number, "err", err)
		return err
	}
}

// warnForks tells the log of every unknown fork: once at the start, once per epoch, and
// whenever the members change a parameter.
func (n *Node) warnForks() {
	for _, f := range n.chain.UnknownForks() {
		n.log.Error("the members have scheduled a fork that this version does not know: the node will stop at it; install a version that knows it before",
			"fork", f.Name, "time", forkTime(f), "version", Version, "knows", strings.Join(genesis.KnownForks(), ","))
	}
}

func forkTime(f registry.Fork) string { return time.Unix(int64(f.Time), 0).UTC().Format(time.RFC3339) }

// checkUpdate tells of unknown forks. The node is ready until the first one holds, and
// then it does not run.
func (n *Node) checkUpdate() admin.Check {
	detail := "every scheduled fork is known"
	if list := n.chain.UnknownForks(); len(list) > 0 {
		detail = fmt.Sprintf("fork %q is scheduled for %s and version %s does not know it: install one that does before", list[0].Name, forkTime(list[0]), Version)
	}
	return admin.Check{Name: "forks", OK: true, Detail: detail}
}
