package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(txs, accounts int, nodes ...*testNode) Config {
	c := Default()
	c.Txs, c.Accounts, c.Batch, c.Stall = txs, accounts, 50, 20*time.Second
	for _, n := range nodes {
		c.URLs = append(c.URLs, n.url)
	}
	return c
}

func mustRun(t *testing.T, c Config) *Result {
	t.Helper()
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v (%+v)", err, r)
	}
	if r.Committed != c.Txs || len(r.Failures) != 0 {
		t.Fatalf("%+v", r)
	}
	return r
}

func TestTransfers(t *testing.T) {
	c := newTestChain(t)
	cfg := config(2000, 30, c.node(t), c.node(t))
	r := mustRun(t, cfg)
	if r.TPS <= 0 || r.Seconds <= 0 || r.LatencyMs.P50 <= 0 || r.LatencyMs.P50 > r.LatencyMs.P90 || r.LatencyMs.P90 > r.LatencyMs.P99 {
		t.Errorf("%+v", r)
	}
	if r.Blocks.Count == 0 || r.Blocks.TxsP50 == 0 || r.CPUSecondsPer1000Tx == nil {
		t.Errorf("%+v", r)
	}
	before := len(c.blocks)
	mustRun(t, cfg) // the accounts have nonces now, and too little left
	if len(c.blocks) == before {
		t.Error("nothing was mined")
	}
}

func TestJSONKeys(t *testing.T) {
	c := newTestChain(t)
	r := mustRun(t, config(10, 2, c.node(t)))
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for k, v := range got {
		keys = append(keys, k)
		if m, ok := v.(map[string]any); ok {
			for k2 := range m {
				keys = append(keys, k+"."+k2)
			}
		}
	}
	slices.Sort(keys)
	want := "blocks blocks.count blocks.intervalMsP50 blocks.txsP50 committed cpuSecondsPer1000Tx failures latencyMs latencyMs.p50 latencyMs.p90 latencyMs.p99 seconds tps"
	if strings.Join(keys, " ") != want {
		t.Errorf("keys %s", keys)
	}
}

func TestERC20(t *testing.T) {
	c := newTestChain(t)
	c.price = big.NewInt(7)
	cfg := config(600, 250, c.node(t)) // two distributions
	cfg.Kind = ERC20
	mustRun(t, cfg)
	var most uint64
	for _, b := range c.blocks {
		for _, r := range b.receipts {
			if gas := uint64(r["gasUsed"].(hexutil.Uint64)); gas < 50_000 {
				most = max(most, gas)
			}
		}
	}
	if most < 30_000 || most > gasTokenTransfer {
		t.Errorf("a token transfer takes %d gas, the limit is %d", most, gasTokenTransfer)
	}
}

func TestRate(t *testing.T) {
	c := newTestChain(t)
	cfg := config(200, 10, c.node(t), c.node(t))
	cfg.Rate = 400
	r := mustRun(t, cfg)
	if r.Seconds < 0.49 {
		t.Errorf("200 at 400 per second took %v s", r.Seconds)
	}
}

func TestFullPool(t *testing.T) {
	c := newTestChain(t)
	c.capacity = 20
	mustRun(t, config(1000, 10, c.node(t), c.node(t)))
}

// TestServerLimits: batches shrink until the server takes them.
func TestServerLimits(t *testing.T) {
	c := newTestChain(t)
	plain, few, small := c.node(t), c.node(t), c.node(t)
	few.rpc.SetBatchLimits(9, 1<<20)
	small.rpc.SetHTTPBodyLimit(3000)
	cfg := config(500, 10, plain, few, small)
	r := mustRun(t, cfg)
	if r.Blocks.Count < 2 {
		t.Errorf("%+v", r)
	}
}

func TestURLDies(t *testing.T) {
	for _, at := range []int{0, 1} { // 0 is also the one whose newHeads are followed
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			c := newTestChain(t)
			nodes := []*testNode{c.node(t), c.node(t), c.node(t)}
			cfg := config(3000, 30, nodes...)
			cfg.Outstanding = 200
			cfg.RequestTimeout = 5 * time.Second
			var n atomic.Int32
			nodes[at].dieOn = func(tx *types.Transaction) bool { return tx.To() != nil && n.Add(1) == 300 }
			r, err := Run(t.Context(), cfg)
			if err != nil || r.Committed != cfg.Txs {
				t.Fatalf("%v: %+v", err, r)
			}
			named := 0
			for reason := range r.Failures {
				if strings.HasPrefix(reason, "dropped "+nodes[at].url+": ") {
					named++
				}
			}
			if named != 1 || len(r.Failures) != 1 {
				t.Errorf("failures %v", r.Failures)
			}
		})
	}
}

func TestLostTransaction(t *testing.T) {
	c := newTestChain(t)
	node := c.node(t)
	var n atomic.Int32
	c.swallow = func(tx *types.Transaction) bool { return tx.Gas() == gasTransfer && n.Add(1) == 100 }
	cfg := config(100, 100, node)
	cfg.Stall = 2 * time.Second
	r, err := Run(t.Context(), cfg)
	if !errors.Is(err, ErrIncomplete) || r.Committed != 99 || r.Failures["not in any block"] != 1 {
		t.Errorf("%v: %+v", err, r)
	}
}

func TestMissingAtOneURL(t *testing.T) {
	c := newTestChain(t)
	good, bad := c.node(t), c.node(t)
	var hidden common.Hash
	bad.hide = func(h common.Hash) bool {
		if hidden == (common.Hash{}) {
			hidden = h
		}
		return h == hidden
	}
	r, err := Run(t.Context(), config(100, 10, good, bad))
	if !errors.Is(err, ErrIncomplete) || r.Committed != 99 || r.Failures["missing at "+bad.url] != 1 {
		t.Errorf("%v: %+v", err, r)
	}
}

func TestRefused(t *testing.T) {
	c := newTestChain(t)
	c.refuse = func(tx *types.Transaction) error {
		if tx.Gas() == gasTransfer && tx.Nonce() == 3 {
			return errors.New("not permitted: account 17 is blocked")
		}
		return nil
	}
	r, err := Run(t.Context(), config(100, 10, c.node(t)))
	if !errors.Is(err, ErrIncomplete) || r.Committed != 30 || r.Failures["not permitted"] != 10 || r.Failures["blocked by a refused nonce of the account"] != 60 {
		t.Errorf("%v: %+v", err, r)
	}
}

func TestSetupErrors(t *testing.T) {
	c := newTestChain(t)
	node := c.node(t)
	poor := config(10, 1, node)
	poor.Key = mustKey(t)
	if _, err := Run(t.Context(), poor); err == nil || !strings.Contains(err.Error(), "has 0 wei, the set-up needs 10") {
		t.Errorf("poor payer: %v", err)
	}
	other := newTestChain(t)
	changed := *other.config
	changed.ChainID = big.NewInt(4711)
	other.config, other.signer = &changed, types.LatestSigner(&changed)
	if _, err := Run(t.Context(), config(10, 1, node, other.node(t))); err == nil || !strings.Contains(err.Error(), "of chain 4711") {
		t.Errorf("two chains: %v", err)
	}
	gone := c.node(t)
	gone.kill()
	if _, err := Run(t.Context(), config(10, 1, gone)); err == nil {
		t.Error("a URL that is not there")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, config(10, 1, node)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestWriteTable(t *testing.T) {
	r := &Result{Committed: 9, TPS: 4.5, Seconds: 2, LatencyMs: LatencyMs{1, 2, 3}, Blocks: Blocks{2, 5, 100}, Failures: map[string]int{"b": 1, "a": 1, "c": 2}}
	var out bytes.Buffer
	if err := r.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"9 transactions in 2.00 s", "p50 1 ms, p90 2 ms, p99 3 ms", "processor time  unknown", "2 × c\nfailure         1 × a\nfailure         1 × b"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}
