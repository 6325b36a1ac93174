package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// TestPermissions is the life of permissions by the command line: the members make an
// officer, who freezes and lets go and enables accounts by itself; they close the
// lists, and take an observer's node out and let it in. What a right decided is decided
// again by a node that executes the chain anew, and after all nodes were down they find
// each other, without the one that is out.
func TestPermissions(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 1)
	members, o := d.Validators[:3], d.Observers[0]
	officer, clerk, stranger := d.account(1), d.account(2), d.account(3)
	by := d.keyOf(t, 1)
	set := func(list string, who *account, role string) {
		t.Helper()
		mustRun(t, append([]string{"permissions", "set", list, who.address.Hex(), role, "--rpc", d.Validators[3].RPC}, by...)...)
		settled(t, d.nodes(), commitLimit)
	}

	code, _, errs := run(t, append([]string{"permissions", "set", "senders", clerk.address.Hex(), "frozen", "--rpc", o.RPC}, by...)...)
	if code == 0 || !strings.Contains(errs, officer.address.Hex()) {
		t.Errorf("who has no role sets one: exit code %d, %s", code, errs)
	}
	d.decide(t, members, "permissions", "set", "senders", officer.address.Hex(), "admin", "--propose")
	d.decide(t, members, "permissions", "set", "deployers", officer.address.Hex(), "manager", "--propose")

	// An account is frozen, and let go.
	final(t, o, send(t, o, clerk.transfer(officer.address, 1)))
	set("senders", clerk, "frozen")
	d.refuse(t, clerk.peek(officer.address), clerk.address, "may not send transactions: it is frozen")
	set("senders", clerk, "unfrozen")
	final(t, o, send(t, o, clerk.transfer(officer.address, 2)))

	// The members close both lists; the officer lets the clerk send, and deploy.
	d.decide(t, members, "permissions", "set", "senders", "closed", "--propose")
	d.decide(t, members, "permissions", "set", "deployers", "closed", "--propose")
	d.refuse(t, stranger.peek(officer.address), stranger.address, "may not send transactions")
	set("senders", clerk, "enabled")
	final(t, o, send(t, o, clerk.transfer(officer.address, 3)))
	d.refuse(t, clerk.deployment(), clerk.address, "may not deploy contracts")
	set("deployers", clerk, "enabled")
	deployed := clerk.deployment()
	clerk.nonce++
	if r := final(t, o, send(t, o, deployed)); r.Status != types.ReceiptStatusSuccessful || r.ContractAddress == (common.Address{}) {
		t.Errorf("the deployment: %+v", r)
	}
	set("senders", clerk, "none")
	d.refuse(t, clerk.peek(officer.address), clerk.address, "may not send transactions")

	// A node that executes everything anew arrives at the same blocks.
	d.leave(o)
	if err := os.RemoveAll(filepath.Join(o.Dir, "data")); err != nil {
		t.Fatal(err)
	}
	o.restart("--sync", "blocks")
	head := settled(t, d.nodes(), recoverLimit)
	if first, err := o.block(t.Context(), 1); err != nil || first == nil {
		t.Fatalf("the observer has not executed block 1: %v", err)
	}
	d.refuse(t, clerk.peek(officer.address), clerk.address, "may not send transactions")

	// The observer's node is taken out: its connections end, also after all were down.
	// Whether it has heard the block that says so is chance: it starts in both cases.
	d.decide(t, members, "permissions", "remove-node", o.NodeID, "--propose")
	alone(t, o)
	d.leave(o)
	d.stop()
	d.start(append([]string{"--validators", "4", "--observers", "1"}, d.ports.flags()...)...)
	allConnected(t, d, discoverLimit)
	o = d.Observers[0]
	alone(t, o)
	member := d.Validators[0]
	d.refuseAt(t, d.Validators, stranger.peek(officer.address), stranger.address, "may not send transactions")
	d.decide(t, d.Validators[:3], "permissions", "add-node", o.NodeID, "--name", "auditor", "--propose")
	final(t, o, send(t, member, d.account(1).transfer(clerk.address, 1)))
	if last := settled(t, d.nodes(), recoverLimit); last <= head {
		t.Errorf("the observer is at %d", last)
	}
}

// keyOf writes the key of a funded account as an operator would have it, and returns
// the flags that name it.
func (d *devnet) keyOf(t *testing.T, i int) []string {
	t.Helper()
	dir := t.TempDir()
	key, password, keystore := filepath.Join(dir, "key.hex"), filepath.Join(dir, "password"), filepath.Join(dir, "keystore")
	for file, text := range map[string]string{key: strings.TrimPrefix(hexutil.Encode(d.Accounts[i].PrivateKey), "0x"), password: "of a test"} {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	by := []string{"--keystore", keystore, "--password-file", password}
	mustRun(t, append([]string{"keys", "import", key, "--light-kdf"}, by...)...)
	return by
}

// peek is the next transfer without counting its nonce: for one that is refused.
func (a *account) peek(to common.Address) *types.Transaction {
	tx := a.transfer(to, 1)
	a.nonce--
	return tx
}

// deployment signs a contract of one byte, without counting the nonce.
func (a *account) deployment() *types.Transaction {
	return a.sign(&types.LegacyTx{Nonce: a.nonce, Gas: 100_000, GasPrice: common.Big0, Data: hexutil.MustDecode("0x60015ff3")})
}

// refuse has all nodes refuse a transaction, for a reason that names the account.
func (d *devnet) refuse(t *testing.T, tx *types.Transaction, from common.Address, reason string) {
	t.Helper()
	d.refuseAt(t, d.nodes(), tx, from, reason)
}

func (d *devnet) refuseAt(t *testing.T, nodes []*node, tx *types.Transaction, from common.Address, reason string) {
	t.Helper()
	settled(t, nodes, commitLimit) // who is a block behind would still take it
	for _, n := range nodes {
		err := n.eth.SendTransaction(t.Context(), tx)
		if err == nil || !strings.Contains(err.Error(), reason) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(from.Hex())) {
			t.Errorf("%s says %v, want %q", n.Name, err, reason)
		}
	}
}

// alone waits until a node has no peer.
func alone(t *testing.T, n *node) {
	t.Helper()
	eventually(t, commitLimit, n.Name+" has no peer", func(ctx context.Context) error {
		var count hexutil.Uint64
		if err := n.raw.CallContext(ctx, &count, "net_peerCount"); err != nil || count != 0 {
			return fmt.Errorf("%d peers, %w", count, err)
		}
		return nil
	})
}

// TestPermissionsPage runs docs/operate/permissions.md.
func TestPermissionsPage(t *testing.T) {
	full(t)
	own := freePorts(t, 1)
	onePortPage(t, "operate/permissions.md", "30399", strconv.Itoa(own.p2p), "8599", strconv.Itoa(own.rpc), "9599", strconv.Itoa(own.admin))
}

// TestRemovePage runs docs/operate/remove.md.
func TestRemovePage(t *testing.T) {
	full(t)
	onePortPage(t, "operate/remove.md")
}

// onePortPage runs a page of four validators whose commands ask the first of them.
func onePortPage(t *testing.T, name string, replace ...string) {
	t.Helper()
	dir, p := t.TempDir(), freePorts(t, 4)
	t.Cleanup(func() { noneLeft(t, dir, stopLimit) })
	runPage(t, name, dir, nil, append(replace, "quorate devnet --dir net --validators 4", "quorate devnet --dir net --validators 4 "+strings.Join(p.flags(), " "),
		"http://127.0.0.1:8545", "http://127.0.0.1:"+strconv.Itoa(p.rpc))...)
}
