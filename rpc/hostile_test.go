package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/gorilla/websocket"

	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/devnet"
	"github.com/quorate/quorate/rpc/rpctest"
)

// What one call may take, whatever it asks for. The limits on time of the node here
// are shorter than the defaults, so that a test of all methods ends.
const (
	hostileTimeLimit = time.Second      // of a call, a trace, a search for logs, and a wait for a receipt
	hostileTime      = 10 * time.Second // until the answer, on a machine that does other things, too
	hostileBytes     = 512 << 20        // allocated for one call, all in all, this test's own part included: struct logs of a looping contract take 120 MB
	hostileCalls     = 40               // of each method, in the unit test
)

// Contracts that are hostile, too.
var (
	looper = common.HexToAddress("0x0000000000000000000000000000000000000a01") // never ends
	bomber = common.HexToAddress("0x0000000000000000000000000000000000000a02") // asks for more and more memory
	logger = common.HexToAddress("0x0000000000000000000000000000000000000a03") // logs a kilobyte for ever
)

func hostileCode() map[common.Address][]byte {
	bombs := program.New().Push(1)
	_, again := bombs.Jumpdest()
	bombs.Op(vm.DUP1, vm.DUP1, vm.MSTORE).Push(1024).Op(vm.ADD).Jump(again)
	logs := program.New()
	_, more := logs.Jumpdest()
	logs.Push(7).Push(1024).Push(0).Op(vm.LOG1).Jump(more)
	return map[common.Address][]byte{looper: common.FromHex("0x5b5f56"), bomber: bombs.Bytes(), logger: logs.Bytes()}
}

// target is a whole node of one validator in this process, and who attacks it.
type target struct {
	t       testing.TB
	url     string
	grammar *grammar
	from    devnet.Account
	nonce   uint64

	ws     *websocket.Conn // for subscriptions
	said   *rpctest.Conversation
	wsUsed int

	results          int    // calls that had one, no error
	slowest, dearest string // calls
	longest          time.Duration
	most             uint64
}

func newTarget(t testing.TB) *target {
	t.Helper()
	s, err := devnet.Spec{Validators: 1, Timestamp: 1, Host: "127.0.0.1", Ports: devnet.Ports{RPC: freePort(t), P2P: freePort(t), Admin: freePort(t)}}.Devnet()
	if err != nil {
		t.Fatal(err)
	}
	for at, code := range hostileCode() {
		s.Alloc[at] = types.Account{Code: code, Balance: big.NewInt(1)}
	}
	network, err := devnet.Generate(t.Context(), filepath.Join(t.TempDir(), "net"), s)
	if err != nil {
		t.Fatal(err)
	}
	cfg := network.Nodes[0].Config
	l := &cfg.Limits
	l.CallTimeout, l.TraceTimeout, l.LogTimeout, l.SyncTimeout, l.SyncMaxTimeout = hostileTimeLimit, hostileTimeLimit, hostileTimeLimit, hostileTimeLimit/2, hostileTimeLimit
	l.SyncGrace = l.SyncTimeout / 2
	n, err := node.Build(cfg, slog.New(slog.DiscardHandler), node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	accounts, err := devnet.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	v := &target{t: t, url: "http://" + cfg.RPC.String(), grammar: newGrammar(t), from: accounts[0]}
	v.await(done)
	v.learn()
	return v
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// await asks until the node answers or has ended.
func (v *target) await(done chan error) {
	v.t.Helper()
	for {
		resp, err := http.Get(v.url)
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case err := <-done:
			done <- err
			v.t.Fatal(err)
		case <-v.t.Context().Done():
			v.t.Fatal("the node does not answer")
		default:
		}
	}
}

// learn makes some blocks, and gives the grammar what is in them.
func (v *target) learn() {
	v.t.Helper()
	g := v.grammar
	g.places = []string{v.from.Address.Hex(), looper.Hex(), bomber.Hex(), logger.Hex(), common.BytesToAddress([]byte{4}).Hex(), common.HexToAddress("0xdead").Hex()}
	g.hashes = []string{common.Hash{}.Hex(), common.HexToHash("0x1234").Hex(), crypto.Keccak256Hash(nil).Hex()}
	for _, to := range []*common.Address{&v.from.Address, &looper, &bomber, &logger, nil} {
		raw, hash := v.sign(to)
		g.raws = append(g.raws, raw, raw[:len(raw)/2])
		g.hashes = append(g.hashes, hash, v.final(raw))
	}
}

// sign signs the next transaction.
func (v *target) sign(to *common.Address) (raw, hash string) {
	v.t.Helper()
	signer := types.LatestSignerForChainID(big.NewInt(1337))
	tx, err := types.SignNewTx(v.from.Key, signer, &types.LegacyTx{Nonce: v.nonce, To: to, Gas: 500_000, GasPrice: new(big.Int), Data: []byte{0}})
	if err != nil {
		v.t.Fatal(err)
	}
	v.nonce++
	data, err := tx.MarshalBinary()
	if err != nil {
		v.t.Fatal(err)
	}
	return hexutil.Encode(data), tx.Hash().Hex()
}

// final sends a transaction and returns the hash of its block.
func (v *target) final(raw string) string {
	v.t.Helper()
	var a struct {
		Result *struct{ BlockHash string }
		Error  any
	}
	body, _ := v.post(request("eth_sendRawTransactionSync", `["`+raw+`"]`))
	if err := json.Unmarshal(body, &a); err != nil || a.Result == nil {
		v.t.Fatalf("a transaction is not final: %s %v", body, err)
	}
	return a.Result.BlockHash
}

func request(method, params string) []byte {
	return []byte(`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`)
}

// post sends a request and returns the answer.
func (v *target) post(body []byte) ([]byte, int) {
	v.t.Helper()
	resp, err := http.Post(v.url, "application/json", bytes.NewReader(body))
	if err != nil {
		v.t.Fatalf("%.2000s: %v", body, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatalf("%.2000s: %v", body, err)
	}
	return answer, resp.StatusCode
}

// speak sends a request over the WebSocket and returns the answer; notifications
// come between. The connection has a hundred subscriptions at most.
func (v *target) speak(body []byte) []byte {
	v.t.Helper()
	if v.wsUsed++; v.ws == nil || v.wsUsed%100 == 0 {
		if v.ws != nil {
			v.ws.Close()
		}
		conn, resp, err := websocket.DefaultDialer.Dial(strings.Replace(v.url, "http", "ws", 1), nil)
		if err != nil {
			v.t.Fatal(err)
		}
		resp.Body.Close()
		v.ws, v.said = conn, rpctest.Documented(v.t).Conversation()
	}
	v.said.Asked(body)
	if err := v.ws.WriteMessage(websocket.TextMessage, body); err != nil {
		v.t.Fatal(err)
	}
	for {
		_, answer, err := v.ws.ReadMessage()
		if err != nil {
			v.t.Fatalf("%.2000s: %v", body, err)
		}
		if _, err := v.said.Answered(answer); err != nil {
			v.t.Errorf("%v", err)
		}
		var a struct{ ID json.RawMessage }
		if json.Unmarshal(answer, &a) != nil || a.ID != nil {
			return answer
		}
	}
}

// allocated is how many bytes the process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// attack makes one call, whose answer must be one that the document promises, in
// time, for a bounded price.
func (v *target) attack(m *method, params string) {
	v.t.Helper()
	body := request(m.Name, params)
	before, began := allocated(), time.Now()
	var answer []byte
	if strings.HasSuffix(m.Name, "subscribe") {
		answer = v.speak(body)
	} else {
		answer, _ = v.post(body)
	}
	took, spent := time.Since(began), allocated()-before
	if took > v.longest {
		v.longest, v.slowest = took, string(body)
	}
	if spent > v.most {
		v.most, v.dearest = spent, string(body)
	}
	if took > hostileTime || spent > hostileBytes {
		v.t.Errorf("%.2000s took %s and %d MB", body, took, spent>>20)
	}
	if !strings.HasSuffix(m.Name, "subscribe") {
		said := rpctest.Documented(v.t).Conversation()
		said.Asked(body)
		if _, err := said.Answered(answer); err != nil {
			v.t.Errorf("%v", err)
		}
	}
	if bytes.Contains(answer, []byte(`"result":`)) {
		v.results++
	}
	if strings.Contains(string(answer), "crashed") {
		v.t.Errorf("%.2000s crashed its handler: %.500s", body, answer)
	}
}

// TestHostileCalls: no method panics, hangs or takes the machine's memory, whatever
// it is called with, and the chain goes on afterwards. The calls are the same each
// time.
func TestHostileCalls(t *testing.T) {
	v := newTarget(t)
	calls := hostileCalls
	if testing.Short() {
		calls /= 5
	}
	sent := 0
	for i := range v.grammar.methods {
		m := &v.grammar.methods[i]
		for seed := range calls {
			v.attack(m, v.grammar.params(rand.New(rand.NewPCG(uint64(i), uint64(seed))), m))
			sent++
		}
	}
	raw, hash := v.sign(&v.from.Address)
	began := time.Now()
	v.final(raw)
	if v.results < sent/10 {
		t.Errorf("only %d of %d calls had a result: the grammar does not get inside", v.results, sent)
	}
	t.Logf("%d calls of %d methods, %d with a result; the slowest took %s: %.300s; the dearest %d MB: %.300s; transaction %s was final after %s",
		sent, len(v.grammar.methods), v.results, v.longest.Round(time.Millisecond), v.slowest, v.most>>20, v.dearest, hash, time.Since(began).Round(time.Millisecond))
	if names := v.grammar.names(); len(names) != len(rpctest.Documented(t).Names())-subscriptions(v.grammar) {
		t.Errorf("%d methods were called: %q", len(names), names)
	}
}

func (g *grammar) names() []string {
	var out []string
	for _, m := range g.methods {
		out = append(out, m.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// subscriptions are counted apart in the document.
func subscriptions(g *grammar) (n int) {
	for _, m := range g.methods {
		n += len(m.Subscriptions)
	}
	return n
}

// FuzzHostileCalls goes on where the test ends.
//
//	go test ./rpc -run '^$' -fuzz HostileCalls -fuzztime 10m
func FuzzHostileCalls(f *testing.F) {
	v := newTarget(f)
	for i := range v.grammar.methods {
		f.Add(uint16(i), uint64(1<<32+i))
	}
	f.Fuzz(func(t *testing.T, method uint16, seed uint64) {
		v.t = t
		m := &v.grammar.methods[int(method)%len(v.grammar.methods)]
		v.attack(m, v.grammar.params(rand.New(rand.NewPCG(uint64(method), seed)), m))
	})
}

// TestGrammar: what it writes is JSON, differs, and reaches the inside of methods.
func TestGrammar(t *testing.T) {
	g := newGrammar(t)
	g.places, g.hashes, g.raws = []string{looper.Hex()}, []string{common.Hash{1}.Hex()}, []string{"0x" + strings.Repeat("ab", 90)}
	seen := map[string]bool{}
	for i := range g.methods {
		for seed := range uint64(50) {
			params := g.params(rand.New(rand.NewPCG(uint64(i), seed)), &g.methods[i])
			if !json.Valid([]byte(params)) {
				t.Fatalf("%s%.300s is no JSON", g.methods[i].Name, params)
			}
			seen[fmt.Sprint(i, params)] = true
		}
	}
	if len(seen) < len(g.methods)*20 {
		t.Errorf("only %d different calls of %d methods", len(seen), len(g.methods))
	}
}
