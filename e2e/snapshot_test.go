package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
)

// syncedWithin is how long a newcomer may take from its start until it validates, on
// a chain of 100,000 blocks and 1,000,000 accounts, on two cores shared with the
// network.
const syncedWithin = 60 * time.Second

// TestNewcomerBySnapshot: a network with a long chain, grown from one validator to
// four, takes in a fifth, which fetches the state instead of executing the chain.
// By default the chain has a twentieth of the size.
func TestNewcomerBySnapshot(t *testing.T) {
	full(t)
	size := uint64(5_000)
	if *long {
		size *= 20
	}
	f := newFleet(t, 1)
	founder := f.Validators[0]
	began := time.Now()
	head := build(t, founder, size, 10)
	t.Logf("%d blocks with %d accounts written in %s", head, 10*head, ms(time.Since(began)))
	f.start(founder)
	f.answer(founder)
	members := []*node{founder}
	for i := range 3 {
		n, took := f.grow(t, members, fmt.Sprintf("member-%d", i+2))
		members = append(members, n)
		t.Logf("%s validates %s after its start", n.Name, ms(took))
	}
	n, took := f.grow(t, members, "newcomer")
	if took > syncedWithin {
		t.Errorf("the newcomer validates %s after its start, %s is promised", took, syncedWithin)
	}
	t.Logf("with %d blocks and %d accounts the newcomer of a network of four validates %s after its start", head, 10*head, ms(took))
	members = append(members, n)
	final(t, n, send(t, n, f.account(5).transfer(founder.Address, 1)))
	at := settled(t, members, commitLimit)
	agree(t, members, at)
	signsSoon(t, members[1], n, f.account(6))
	for _, k := range []uint64{0, 10*head - 1} {
		a := common.BytesToAddress(crypto.Keccak256(fmt.Appendf(nil, "account %d", k)))
		if b, err := n.balance(t.Context(), a, nil); err != nil || b.Cmp(big.NewInt(1)) != 0 {
			t.Errorf("account %d has %v, %v", k, b, err)
		}
	}
	for method, params := range map[string][]any{
		"eth_getBlockByNumber": {"0x5", false}, "debug_getRawBlock": {"0x5"}, "debug_traceBlockByNumber": {"0x5"}, "ots_getBlockDetails": {5},
	} {
		var refused rpc.Error
		if _, err := n.call(t.Context(), method, params...); !errors.As(err, &refused) || refused.ErrorCode() != 4444 || !strings.Contains(err.Error(), "pruned history unavailable") {
			t.Errorf("%s of a block before the snapshot: %v", method, err)
		}
	}
}

// signsSoon sends one transaction after the other until the certificate of a block
// has a validator's signature: it has those that came first, and one may be missing.
func signsSoon(t *testing.T, at, who *node, a *account) {
	t.Helper()
	for range 50 {
		r := final(t, at, send(t, at, a.transfer(who.Address, 1)))
		c, err := at.certificate(t.Context(), r.BlockNumber.Uint64())
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(c.signed(), who.Address) {
			return
		}
	}
	t.Errorf("%s is in the certificate of none of 50 blocks", who.Name)
}

// grow has the members vote for a newcomer, starts it, and returns how long it took
// until all have it as a validator.
func (f *fleet) grow(t *testing.T, members []*node, name string) (*node, time.Duration) {
	t.Helper()
	p := freePorts(t, 1)
	file, dir := filepath.Join(t.TempDir(), "invitation.json"), filepath.Join(t.TempDir(), name)
	mustRun(t, "network", "invite", "--dir", members[0].Dir, "--output", file)
	var doc struct {
		Address common.Address `json:"address"`
		NodeID  string         `json:"nodeId"`
	}
	out := mustRun(t, "network", "join", file, "--dir", dir, "--address", fmt.Sprintf("127.0.0.1:%d", p.p2p), "--light-kdf", "--json")
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	f.admit(t, members, "validators", "propose-add", doc.Address.Hex(), "--node-id", doc.NodeID, "--name", name)
	n := &node{Name: name, Address: doc.Address, NodeID: doc.NodeID, Dir: dir, RPC: fmt.Sprintf("http://127.0.0.1:%d", p.rpc)}
	n.connect(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s:\n%s", n.Name, n.own.errs)
		}
	})
	began := time.Now()
	n.restart("--rpc-port", fmt.Sprint(p.rpc), "--admin-port", fmt.Sprint(p.admin), "--memory", "256MiB")
	for _, m := range append(slices.Clone(members), n) {
		eventually(t, 5*syncedWithin, n.Name+" is a validator on "+m.Name, func(ctx context.Context) error {
			s, err := m.status(ctx)
			if err != nil {
				return err
			}
			for _, v := range s.Validators {
				if v.Address == n.Address {
					return nil
				}
			}
			return fmt.Errorf("%s", s.Line)
		})
	}
	return n, time.Since(began)
}

// admit has members vote until a proposal has passed.
func (f *fleet) admit(t *testing.T, members []*node, args ...string) {
	t.Helper()
	for i, n := range members {
		var o outcome
		if i > 0 {
			args = []string{"validators", "vote", args[0]}
		}
		out := mustRun(t, append(slices.Clone(args), "--dir", n.Dir, "--rpc", n.RPC, "--json")...)
		if err := json.Unmarshal([]byte(out), &o); err != nil {
			t.Fatal(err)
		}
		if o.Passed {
			return
		}
		args = []string{o.Proposal.ID}
	}
	t.Fatalf("all %d members have voted and it has not passed", len(members))
}
