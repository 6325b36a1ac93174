package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/govern"
	"github.com/quorate/quorate/keys"
)

// TestUnknownFork: the command line proposes no fork that the version does not know. Where
// the members have scheduled one all the same, the node says so everywhere, and at the
// first block under the new rules it ends, names the fork and the block, and does not start
// again.
func TestUnknownFork(t *testing.T) {
	full(t)
	const tooOld, refused = 8, 7
	_, nodes := founded(t, 1, 4)
	n := nodes[0]
	n.restart()
	propose := func(name string, at any) []string {
		return []string{"params", "propose-fork", name, fmt.Sprint(at), "--dir", n.Dir, "--rpc", n.RPC}
	}
	for _, row := range []struct {
		name string
		want string
		args []string
	}{
		{"amsterdam", `"amsterdam" is not known to this version, which knows shanghai, cancun, prague, osaka`, nil},
		{"amsterdam", `"amsterdam" is not known to this version`, []string{"--dry-run"}},
		{"osaka", "hold from block 0 on: there is nothing to schedule", []string{"--dry-run"}},
	} {
		if code, out, errs := run(t, append(propose(row.name, uint64(4e9)), row.args...)...); code != refused || !strings.Contains(errs, row.want) {
			t.Errorf("%s %v: exit code %d, want %q\n%s%s", row.name, row.args, code, row.want, out, errs)
		}
	}

	who, err := keys.LoadKeystore(filepath.Join(n.Dir, "keystore"), filepath.Join(n.Dir, "password"))
	if err != nil {
		t.Fatal(err)
	}
	n.schedules(t, who, "amsterdam", uint64(4e9))
	n.tellsFork(t, "amsterdam", true)
	mustRun(t, propose("amsterdam", 0)...) // it can be taken off
	n.tellsFork(t, "amsterdam", false)

	at := uint64(time.Now().Unix()) + 3
	n.schedules(t, who, "amsterdam", at)
	a := someone(t, 1337)
	eventually(t, recoverLimit, "the node ends at the fork", func(ctx context.Context) error {
		if !n.own.lives() {
			return nil
		}
		if err := n.eth.SendTransaction(ctx, a.transfer(a.address, 0)); err != nil {
			a.nonce--
		}
		return errors.New("it runs")
	})
	ended := []string{`fork "amsterdam"`, "hold from block ", "cannot be executed", "install a version of quorate that knows"}
	for life := range 2 {
		code := n.own.wait(stopLimit)
		for _, want := range ended {
			if said := n.own.errs.String(); code != tooOld || !strings.Contains(said, want) {
				t.Errorf("life %d: exit code %d, want %d and %q\n%s", life, code, tooOld, want, said)
			}
		}
		if life == 0 {
			n.own = spawn(t, "start", "--dir", n.Dir)
		}
	}
}

// schedules has the only member schedule a fork, past the command line.
func (n *node) schedules(t *testing.T, who keys.Signer, name string, at uint64) {
	t.Helper()
	call, err := govern.SetFork(name, at)
	if err != nil {
		t.Fatal(err)
	}
	if call, err = call.Proposed(); err != nil {
		t.Fatal(err)
	}
	data, err := call.Data()
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := n.eth.PendingNonceAt(t.Context(), who.Address())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := keys.SignTransaction(t.Context(), who, &types.DynamicFeeTx{
		ChainID: big.NewInt(1337), Nonce: nonce, Gas: 1 << 23, To: &call.To.Address, Data: data, Value: new(big.Int), GasTipCap: new(big.Int), GasFeeCap: new(big.Int),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := final(t, n, send(t, n, tx)); r.Status != types.ReceiptStatusSuccessful {
		t.Fatalf("fork %s at %d is refused by the contract", name, at)
	}
}

// tellsFork looks at status, readiness, metrics and log.
func (n *node) tellsFork(t *testing.T, name string, want bool) {
	t.Helper()
	body := func(path string) string {
		t.Helper()
		r, err := http.Get(n.Admin + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	status := mustRun(t, "status", "--rpc", n.RPC)
	params := mustRun(t, "params", "get", "--rpc", n.RPC)
	for where, row := range map[string][2]string{
		"status":  {status, fmt.Sprintf("fork       %q is scheduled for 2096-", name)},
		"params":  {params, "not known to this version"},
		"readyz":  {body("/readyz?verbose"), fmt.Sprintf("fork %q is scheduled for", name)},
		"metrics": {body("/metrics"), fmt.Sprintf("quorate_chain_unknown_fork_timestamp_seconds{fork=%q} 4e+09", name)},
	} {
		if strings.Contains(row[0], row[1]) != want {
			t.Errorf("%s: %q is there: %v\n%s", where, row[1], !want, row[0])
		}
	}
	if want {
		eventually(t, commitLimit, "the log tells", func(context.Context) error {
			if !strings.Contains(n.own.errs.String(), "the members have scheduled a fork that this version does not know") {
				return errors.New("not yet")
			}
			return nil
		})
	}
}
