package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/govern"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/node/devnet"
)

// defaultRPC is where a node's JSON-RPC listens unless it is told otherwise.
const defaultRPC = "http://127.0.0.1:8545"

// nodeFlags say which node is asked.
type nodeFlags struct {
	url    string
	access dialFlags
}

func (f *nodeFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.url, "rpc", defaultRPC, "JSON-RPC of the node")
	f.access.add(c)
}

// ask connects, calls f, and says which node did not answer.
func (f *nodeFlags) ask(ctx context.Context, fn func(*govern.Client) error) error {
	client, err := f.access.dial(ctx, f.url)
	if err != nil {
		return err
	}
	defer client.Close()
	err = fn(govern.New(client))
	var silent net.Error
	var open *govern.StillOpen
	switch {
	case errors.As(err, &open):
		return withCode(exitRefused, err)
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &silent):
		return withCode(exitUnavailable, fmt.Errorf("%s does not answer, or not in time: %w", f.url, err))
	case err != nil:
		return fmt.Errorf("%s: %w", f.url, err)
	}
	return nil
}

// view asks a node once.
func (f *nodeFlags) view(ctx context.Context, fn func(context.Context, *govern.View) error) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	return f.ask(ctx, func(c *govern.Client) error {
		v, err := c.Latest(ctx)
		if err != nil {
			return err
		}
		return fn(ctx, v)
	})
}

// actFlags are those of commands that send a transaction.
type actFlags struct {
	node     nodeFlags
	dir      string // of the node whose key it is
	keystore string
	password string
	timeout  time.Duration
	order    govern.Order
}

func (f *actFlags) add(c *cobra.Command) {
	f.node.add(c)
	c.Flags().StringVar(&f.dir, "dir", "", "folder of the node whose validator key signs, and which is asked if --rpc is not given")
	c.Flags().StringVar(&f.keystore, "keystore", "", "directory of the key that signs, instead of --dir")
	c.Flags().StringVar(&f.password, "password-file", "", "file whose first line opens that key")
	c.Flags().BoolVar(&f.order.DryRun, "dry-run", false, "tell what would happen, and send nothing")
	c.Flags().BoolVar(&f.order.Wait, "wait", false, "wait until it holds")
	c.Flags().DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long to wait, for the transaction and with --wait")
}

// addForce adds the flag of commands that may take a validator away.
func (f *actFlags) addForce(c *cobra.Command) {
	c.Flags().BoolVar(&f.order.Force, "force", false, "also if the validators that are left and reachable are no quorum")
}

// signer opens the key.
func (f *actFlags) signer(c *cobra.Command) (keys.Signer, error) {
	switch {
	case (f.dir == "") == (f.keystore == ""):
		return nil, withCode(exitUsage, errors.New("say whose key signs: --dir NODEDIR, or --keystore DIR with --password-file FILE"))
	case f.keystore != "":
		if err := required(c, "password-file"); err != nil {
			return nil, err
		}
		return keys.LoadKeystore(f.keystore, f.password)
	}
	if _, err := os.Stat(f.dir); err != nil {
		return nil, err
	}
	cfg, _, err := config.Load(f.dir, os.Environ(), nil)
	if err != nil {
		return nil, err
	}
	if !c.Flags().Changed("rpc") {
		f.node.url = (&devnet.Node{Config: cfg}).RPC()
	}
	if cfg.Observer() {
		return nil, withCode(exitUsage, fmt.Errorf("the node in %s is an observer, it has no validator key", f.dir))
	}
	return node.LoadSigner(c.Context(), cfg, logger(c.ErrOrStderr(), cfg))
}

// act opens the key, carries an order out, and prints the outcome.
func (a *app) act(c *cobra.Command, f *actFlags, do func(context.Context, *govern.Client, keys.Signer) (*govern.Outcome, error)) error {
	s, err := f.signer(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), f.timeout)
	defer cancel()
	var out *govern.Outcome
	err = f.node.ask(ctx, func(client *govern.Client) error {
		var err error
		out, err = do(ctx, client, s)
		return err
	})
	if out != nil && out.Transaction != nil { // it is done, also when waiting for more was in vain
		return errors.Join(a.print(c, out, outcomeLines(out)...), err)
	}
	if err != nil {
		return err
	}
	return a.print(c, out, outcomeLines(out)...)
}

// carryOut is act for a call, by the signer's own right or as a proposal.
func (a *app) carryOut(c *cobra.Command, f *actFlags, propose bool, call govern.Call) error {
	return a.act(c, f, func(ctx context.Context, client *govern.Client, s keys.Signer) (*govern.Outcome, error) {
		if propose {
			return client.Propose(ctx, s, call, f.order)
		}
		return client.Do(ctx, s, call, f.order)
	})
}

// outcomeLines are an outcome for people.
func outcomeLines(o *govern.Outcome) []string {
	out := []string{"call         " + o.Call}
	if o.DryRun {
		out = append(out, fmt.Sprintf("dry run      nothing was sent; it would take about %d gas", o.Gas))
	} else {
		out = append(out, fmt.Sprintf("transaction  %s, final in block %d", o.Transaction, o.Block))
	}
	if p := o.Proposal; p != nil {
		out = append(out, proposalVotes(p)...)
		if p.Open() && !o.Passed && !o.DryRun {
			out = append(out, fmt.Sprintf("others vote  quorate validators vote %s", p.ID))
		}
	}
	switch {
	case o.Active:
		out = append(out, "effect       it holds")
	case o.Effect != nil && o.Passed:
		out = append(out, "effect       "+o.Effect.Text)
	case o.Effect != nil:
		out = append(out, "effect       if it passed in the next block: "+o.Effect.Text)
	case o.Proposal != nil && o.Proposal.Open():
		out = append(out, "effect       none before it has passed")
	}
	return out
}

// proposalVotes says how a proposal stands.
func proposalVotes(p *govern.Proposal) []string {
	var out []string
	if p.ID.Number != 0 {
		state := p.Status
		if p.Overdue {
			state = "overdue"
		}
		out = append(out, fmt.Sprintf("proposal     %s, %s", p.ID, state))
	}
	votes := fmt.Sprintf("votes        %d approve, %d are needed", len(p.Approvals), p.Needed)
	if n := len(p.Objections); n > 0 {
		votes += fmt.Sprintf("; %d object", n)
	}
	if have := uint64(len(p.Approvals) + len(p.Objections)); have < p.Turnout && p.Turnout > p.Needed {
		votes += fmt.Sprintf("; %d have voted, %d must", have, p.Turnout)
	}
	return append(out, votes)
}

// seconds prints a time of the chain.
func seconds(t uint64) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }
