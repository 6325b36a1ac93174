package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// post sends any bytes to a node's RPC port.
func post(t *testing.T, n *node, body string) (code int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.RPC, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// TestBadRequests: what is wrong is said in the words that clients know, and
// costs nothing: afterwards the node works, with its chain where it was.
func TestBadRequests(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	n := d.Validators[1]
	a := d.account(0)
	first := a.transfer(fresh(t), 1)
	send(t, n, first)
	final(t, n, first.Hash())
	settled(t, d.Validators, commitLimit)

	t.Run("transactions", func(t *testing.T) { badTransactions(t, d, n, a) })
	t.Run("requests", func(t *testing.T) { badBodies(t, n) })

	blocks(t, a, n, 1)
	if head := settled(t, d.Validators, commitLimit); head != 2 {
		t.Errorf("the head is %d, want 2: bad input has made blocks", head)
	}
	d.stop()
}

// badTransactions: each row is refused with this text.
func badTransactions(t *testing.T, d *devnet, n *node, a *account) {
	to := fresh(t)
	plain := func(nonce, gas uint64, value *big.Int, data []byte) *types.DynamicFeeTx {
		return &types.DynamicFeeTx{ChainID: a.chainID, Nonce: nonce, Gas: gas, To: &to, Value: value, Data: data, GasFeeCap: new(big.Int), GasTipCap: new(big.Int)}
	}
	one := big.NewInt(1)
	otherChain := plain(a.nonce, transferGas, one, nil)
	otherChain.ChainID = big.NewInt(1)
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	poor := types.MustSignNewTx(key, a.signer, plain(0, transferGas, one, nil))
	zero := types.NewTx(&types.DynamicFeeTx{ChainID: a.chainID, Nonce: a.nonce, Gas: transferGas, To: &to, GasFeeCap: new(big.Int), GasTipCap: new(big.Int), R: new(big.Int), S: new(big.Int), V: new(big.Int)})
	good := a.sign(plain(a.nonce, transferGas, one, nil))
	v, r, s := good.RawSignatureValues()
	highS := types.NewTx(&types.DynamicFeeTx{ChainID: a.chainID, Nonce: a.nonce, Gas: transferGas, To: &to, Value: one, GasFeeCap: new(big.Int), GasTipCap: new(big.Int), R: r, S: new(big.Int).Sub(crypto.S256().Params().N, s), V: new(big.Int).Sub(one, v)})
	creation := plain(a.nonce, 10_000_000, new(big.Int), make([]byte, 49_153))
	creation.To = nil
	blob := &types.BlobTx{ChainID: uint256.MustFromBig(a.chainID), Nonce: a.nonce, Gas: transferGas, To: to, BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}}, GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int), Value: new(uint256.Int)}
	waiting := a.sign(plain(a.nonce+3, transferGas, one, nil))
	send(t, n, waiting)

	for name, row := range map[string]struct {
		tx   *types.Transaction
		want string
	}{
		"wrong chain id":        {types.MustSignNewTx(a.key, types.LatestSignerForChainID(big.NewInt(1)), otherChain), "invalid chain id for signer: have 1 want 1337"},
		"no signature":          {zero, "invalid transaction v, r, s values"},
		"high s":                {highS, "invalid transaction v, r, s values"},
		"nonce too low":         {a.sign(plain(0, transferGas, one, nil)), "nonce too low: next nonce 1, tx nonce 0"},
		"already known":         {waiting, "already known"},
		"insufficient funds":    {poor, "insufficient funds for gas * price + value"},
		"intrinsic gas":         {a.sign(plain(a.nonce, 20_999, one, nil)), "intrinsic gas too low"},
		"gas above the cap":     {a.sign(plain(a.nonce, 1<<24+1, one, nil)), "transaction gas limit too high"},
		"oversized":             {a.sign(plain(a.nonce, 1<<24, one, make([]byte, 200_000))), "oversized data"},
		"init code":             {a.sign(creation), "max initcode size exceeded"},
		"blob":                  {a.sign(blob), "transaction type not supported"},
		"replacement too cheap": {a.sign(plain(a.nonce+3, transferGas, big.NewInt(2), nil)), "replacement transaction underpriced"},
	} {
		err := n.eth.SendTransaction(t.Context(), row.tx)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// badBodies: each row is a body with the HTTP status and the text it gets.
func badBodies(t *testing.T, n *node) {
	call := func(method, params string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	}
	many := make([]json.RawMessage, 1001)
	for i := range many {
		many[i] = json.RawMessage(call("eth_chainId", "[]"))
	}
	batch, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		body string
		code int
		want string
	}{
		"malformed JSON":      {`{"jsonrpc":"2.0","id":1,"method":`, 200, `"code":-32700`},
		"not JSON":            {"hello", 200, `"code":-32700`},
		"unknown method":      {call("eth_foo", "[]"), 200, "the method eth_foo does not exist/is not available"},
		"unknown namespace":   {call("miner_start", "[]"), 200, "the method miner_start does not exist/is not available"},
		"empty batch":         {"[]", 200, "empty batch"},
		"oversized batch":     {string(batch), 413, "batch too large: 1001 calls, the limit is 1000"},
		"oversized body":      {call("eth_call", `["`+strings.Repeat("0", 6<<20)+`"]`), 413, "request too large: the limit is 5242880 bytes"},
		"deep nesting":        {strings.Repeat("[", 100_000), 200, `"error"`},
		"short address":       {call("eth_getBalance", `["0x12"]`), 200, `"code":-32602`},
		"no 0x":               {call("eth_sendRawTransaction", `["hello"]`), 200, `"code":-32602`},
		"truncated":           {call("eth_sendRawTransaction", `["0x02f86c82053980808082520894c939b507f7"]`), 200, `"code":-32000`},
		"trailing bytes":      {call("eth_sendRawTransaction", `["0xc0c0"]`), 200, `"error"`},
		"block of the future": {call("eth_getBalance", `["0x0000000000000000000000000000000000000001","0xffffff"]`), 200, `"error"`},
		"endless loop":        {call("eth_call", `[{"data":"0x5b600056"}]`), 200, `"error"`},
	} {
		code, answer := post(t, n, row.body)
		if code != row.code || !strings.Contains(answer, row.want) {
			t.Errorf("%s: HTTP %d %.300s; want %d with %q", name, code, answer, row.code, row.want)
		}
	}
	if _, err := n.call(t.Context(), "eth_chainId"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestBadStarts: what is wrong with a folder, a port, a file is said with its
// place and what would be right; the exit code tells the kind.
func TestBadStarts(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	d.leave(d.Validators[2])
	own, running := d.Validators[2].Dir, d.Validators[1]
	other := filepath.Join(t.TempDir(), "other")
	mustRun(t, "genesis", "new", "--validators", "4", "--output", other)
	p := freePorts(t, 3)
	elsewhere := []string{"--rpc-port", fmt.Sprint(p.rpc), "--admin-port", fmt.Sprint(p.admin), "--p2p-listen", fmt.Sprintf("127.0.0.1:%d", p.p2p)}
	replace := func(file, from string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { copyFile(t, filepath.Join(from, file), filepath.Join(dir, file)) }
	}
	edit := func(file, old, new string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { substitute(t, filepath.Join(dir, file), old, new) }
	}
	for _, row := range []struct {
		name    string
		prepare func(*testing.T, string)
		args    []string
		code    int
		want    []string
	}{
		{"unknown key", edit("config.toml", "name =", "nme ="), nil, 3, []string{`config.toml line 3: nme: unknown key, did you mean "name"?`}},
		{"unknown table", edit("config.toml", "[admin]", "[admim]"), nil, 3, []string{`admim.port: unknown key, did you mean "admin.port"?`, `admim.addr: unknown key, did you mean "admin.addr"?`}},
		{"not TOML", edit("config.toml", "[rpc]", "[rpc"), nil, 3, []string{"config.toml", "line "}},
		{"one port twice", nil, []string{"--rpc-port", "9000", "--admin-port", "9000"}, 3, []string{"rpc.port and admin.port are both 9000"}},
		{"no port", nil, []string{"--rpc-port", "99999"}, 3, []string{"--rpc-port", "99999"}},
		{"two faults at once", nil, []string{"--rpc-port", "x", "--memory", "1"}, 3, []string{"rpc.port", "memory"}},
		{"too little memory", nil, []string{"--memory", "1MiB"}, 3, []string{"memory", "too little"}},
		{"unknown flag", nil, []string{"--rcp-port", "1"}, 2, []string{"--rcp-port"}},
		{"RPC port in use", nil, []string{"--rpc-port", portOf(t, running.RPC)}, 1, []string{"port " + portOf(t, running.RPC), "in use", "--rpc-port"}},
		{"admin port in use", nil, []string{"--admin-port", portOf(t, running.Admin)}, 1, []string{"port " + portOf(t, running.Admin), "in use", "--admin-port"}},
		{"peer port in use", nil, []string{"--p2p-listen", fmt.Sprintf("127.0.0.1:%d", d.ports.p2p+1)}, 1, []string{fmt.Sprint(d.ports.p2p + 1), "in use", "--p2p-listen"}},
		{"another genesis with the same members", edit("genesis.json", `"epochLength": 64`, `"epochLength": 32`), nil, 1, []string{"genesis " + d.Genesis.Hex(), "the configured genesis is 0x"}},
		{"another network's genesis", replace("genesis.json", other), nil, 1, []string{"is no member of the network in", "genesis.json"}},
		{"damaged genesis", edit("genesis.json", `"chainId"`, `"chainID"`), nil, 3, []string{"chainID", `"chainId"`}},
		{"another network's node key", replace("nodekey", filepath.Join(other, "validator-0")), nil, 1, []string{"is no member of the network in"}},
		{"another validator's keystore", func(t *testing.T, dir string) {
			removeAll(t, filepath.Join(dir, "keystore"))
			copyDir(t, filepath.Join(running.Dir, "keystore"), filepath.Join(dir, "keystore"))
			replace("password", running.Dir)(t, dir)
		}, nil, 1, []string{"validator key " + running.Address.Hex(), "the network binds that node to validator " + d.Validators[2].Address.Hex()}},
		{"wrong password", replace("password", running.Dir), nil, 1, []string{"password"}},
		{"no keystore", func(t *testing.T, dir string) { removeAll(t, filepath.Join(dir, "keystore")) }, nil, 1, []string{"keystore"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			copyDir(t, own, dir)
			if row.prepare != nil {
				row.prepare(t, dir)
			}
			args := append([]string{"start", "--dir", dir}, elsewhere...)
			code, out, errs := run(t, append(args, row.args...)...)
			said := lastError(errs)
			if code != row.code {
				t.Errorf("exit code %d, want %d", code, row.code)
			}
			for _, want := range row.want {
				if !strings.Contains(said, want) {
					t.Errorf("says %q, want %q (standard output %q)", said, want, out)
				}
			}
			t.Log(said)
		})
	}

	code, _, errs := run(t, append([]string{"start", "--dir", running.Dir}, elsewhere...)...)
	if said := lastError(errs); code != 1 || !strings.Contains(said, "is in use by another process") || !strings.Contains(said, running.Dir) {
		t.Errorf("a second process on one data directory: code %d, %q", code, said)
	}
	d.Validators[2].restart()
	a := d.account(0)
	blocks(t, a, running, 2)
	settled(t, d.Validators, recoverLimit)
}

// lastError is what quorate said at its end, without the log before it.
func lastError(errs string) string {
	at := strings.LastIndex(errs, "quorate: ")
	if at < 0 {
		return errs
	}
	return strings.TrimSpace(errs[at:])
}

func portOf(t *testing.T, url string) string {
	t.Helper()
	return url[strings.LastIndexByte(url, ':')+1:]
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func substitute(t *testing.T, path, old, new string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
