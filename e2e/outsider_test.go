package e2e

import (
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/keys"
)

// TestOutsider: an account without any right calls every function of the system contracts
// that changes something, and so does the key of a member that was voted out. The dry run
// says why not, the transaction fails, and nothing has changed. A page of another site is
// refused by its name and its origin.
func TestOutsider(t *testing.T) {
	full(t)
	d := startDevnet(t, 3, 0)
	n, gone := d.Validators[0], d.Validators[2]
	stolen, err := keys.LoadKeystore(filepath.Join(gone.Dir, "keystore"), filepath.Join(gone.Dir, "password"))
	if err != nil {
		t.Fatal(err)
	}
	d.decide(t, d.Validators[:2], "validators", "propose-remove", gone.Address.Hex())
	validates(t, d.Validators[:2], gone.Address, false)

	stranger, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	before := rightsOf(t, d, n)
	for who, s := range map[string]keys.Signer{"a stranger": keys.NewFileSigner(stranger), "a member that was voted out": stolen} {
		for name, call := range intrusions(t, s.Address()) {
			msg := ethereum.CallMsg{From: s.Address(), To: &call.to, Data: call.data}
			if gas, err := n.eth.EstimateGas(t.Context(), msg); err == nil || !strings.Contains(err.Error(), "execution reverted") {
				t.Errorf("%s, %s: the dry run says %d gas, %v", who, name, gas, err)
			}
			nonce, err := n.eth.PendingNonceAt(t.Context(), s.Address())
			if err != nil {
				t.Fatal(err)
			}
			tx, err := keys.SignTransaction(t.Context(), s, &types.DynamicFeeTx{
				ChainID: new(big.Int).SetUint64(d.ChainID), Nonce: nonce, Gas: 1 << 22, To: &call.to, Data: call.data, Value: new(big.Int), GasTipCap: new(big.Int), GasFeeCap: new(big.Int),
			})
			if err != nil {
				t.Fatal(err)
			}
			if r := final(t, n, send(t, n, tx)); r.Status != types.ReceiptStatusFailed || len(r.Logs) != 0 {
				t.Errorf("%s, %s: status %d, %d events", who, name, r.Status, len(r.Logs))
			}
		}
	}
	if after := rightsOf(t, d, n); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
	t.Run("browser", func(t *testing.T) { otherSites(t, n) })
	d.stop()
}

// intrusion is a call that nobody may make but the members together, or an officer.
type intrusion struct {
	to   common.Address
	data []byte
}

// intrusions are calls of every function of the system contracts that changes something.
func intrusions(t *testing.T, self common.Address) map[string]intrusion {
	t.Helper()
	out := map[string]intrusion{}
	for _, c := range contracts.All() {
		for name, method := range c.ABI().Methods {
			if method.IsConstant() {
				continue
			}
			args := make([]any, len(method.Inputs))
			for i, in := range method.Inputs {
				switch in.Type.String() {
				case "address":
					args[i] = self
				case "uint256":
					args[i] = big.NewInt(1)
				case "uint64":
					args[i] = uint64(1) << 40
				case "bool":
					args[i] = true
				case "bytes32":
					args[i] = [32]byte(contracts.NameKey(contracts.BlockGasLimit))
				case "string":
					args[i] = "intruder"
				case "bytes":
					args[i] = []byte{1, 2, 3, 4}
				default:
					t.Fatalf("%s.%s takes a %s: say what to give it", c.Name, name, in.Type)
				}
			}
			data, err := c.ABI().Pack(name, args...)
			if err != nil {
				t.Fatal(err)
			}
			out[c.Name+"."+name] = intrusion{c.Address, data}
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d functions change something", len(out))
	}
	return out
}

// rightsOf is what the members decide about, as text.
func rightsOf(t *testing.T, d *devnet, n *node) string {
	t.Helper()
	var out strings.Builder
	for _, what := range [][]string{{"permissions", "list"}, {"params", "get"}, {"validators", "list"}} {
		text := mustRun(t, append(what, "--rpc", n.RPC)...)
		_, lines, _ := strings.Cut(text, "\n") // the first has the block
		if what[0] == "permissions" {
			lines = text
		}
		out.WriteString(lines)
	}
	return out.String()
}

// otherSites: what a browser sends for a page of somebody else.
func otherSites(t *testing.T, n *node) {
	for name, row := range map[string]struct {
		header, value string
		socket        bool
	}{
		"DNS rebinding":        {"Host", "evil.example:8545", false},
		"WebSocket of a page":  {"Origin", "https://evil.example", true},
		"WebSocket, rebinding": {"Host", "evil.example", true},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.RPC, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if row.socket {
			req.Method, req.Body, req.ContentLength = http.MethodGet, http.NoBody, 0
			for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
				req.Header.Set(k, v)
			}
		}
		if row.header == "Host" {
			req.Host = row.value
		} else {
			req.Header.Set(row.header, row.value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: HTTP %d", name, resp.StatusCode)
		}
		if allowed := resp.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
			t.Errorf("%s: pages of %s may read answers", name, allowed)
		}
	}
}
