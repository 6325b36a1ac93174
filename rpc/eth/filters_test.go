package eth_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quorate/quorate/rpc"
)

// result calls a method that must succeed.
func (n *node) result(t testing.TB, method, params string) json.RawMessage {
	t.Helper()
	a := n.call(t, method, params)
	if a.Error != nil {
		t.Fatalf("%s%s: %+v", method, params, a.Error)
	}
	return a.Result
}

// install makes a filter and returns the parameters to ask for it.
func (n *node) install(t testing.TB, method, params string) string {
	t.Helper()
	return "[" + string(n.result(t, method, params)) + "]"
}

func wantError(t testing.TB, a answer, want string) {
	t.Helper()
	if got := fmt.Sprintf("%+v", a.Error); a.Error == nil || fmt.Sprint(a.Error.Code, " ", a.Error.Message) != want {
		t.Errorf("got %s %s, want %s", got, a.Result, want)
	}
}

// TestLogFilters: whatever filters there are and whenever they are asked, what
// they tell together is what a scan gives of the blocks since they were made,
// also when an answer holds little.
func TestLogFilters(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.LogResults = 9
	c := logChain(t, 3, limits)
	rng := rand.New(rand.NewPCG(8, 9))
	rapid.Check(t, func(r *rapid.T) {
		head := c.Chain.Head().Number.Uint64()
		crit := drawCriteria(r)
		first := head + rapid.Uint64Range(0, 3).Draw(r, "first")
		last := first + rapid.Uint64Range(0, 8).Draw(r, "last")
		bounded := c.install(t, "eth_newFilter", "["+crit.json(first, last)+"]")
		open := c.install(t, "eth_newFilter", "["+strings.Replace(crit.json(first, last), fmt.Sprintf(`"toBlock":"0x%x"`, last), `"toBlock":"latest"`, 1)+"]")
		var got, gotOpen []string
		for range rapid.IntRange(0, 10).Draw(r, "blocks") {
			c.appendLogs(t, rng)
			if rapid.Bool().Draw(r, "poll") {
				got = append(got, places(t, c.result(t, "eth_getFilterChanges", bounded))...)
				gotOpen = append(gotOpen, places(t, c.result(t, "eth_getFilterChanges", open))...)
			}
		}
		for range 20 { // 10 blocks of at most 4 logs, 9 in an answer but at least a block
			got = append(got, places(t, c.result(t, "eth_getFilterChanges", bounded))...)
			gotOpen = append(gotOpen, places(t, c.result(t, "eth_getFilterChanges", open))...)
		}
		now := c.Chain.Head().Number.Uint64()
		if diff := cmp.Diff(crit.scan(t, c, max(first, head+1), min(last, now)), got); diff != "" {
			r.Fatalf("%s (scan, filter)\n%s", crit.json(first, last), diff)
		}
		if diff := cmp.Diff(crit.scan(t, c, max(first, head+1), now), gotOpen); diff != "" {
			r.Fatalf("%s without an end (scan, filter)\n%s", crit.json(first, last), diff)
		}
		for _, id := range []string{bounded, open} {
			if string(c.result(t, "eth_uninstallFilter", id)) != "true" || string(c.result(t, "eth_uninstallFilter", id)) != "false" {
				r.Fatal("a filter is not uninstalled once")
			}
			wantError(t, c.call(t, "eth_getFilterChanges", id), "-32000 filter not found")
			wantError(t, c.call(t, "eth_getFilterLogs", id), "-32000 filter not found")
		}
	})
}

// TestBlockFilter tells each hash once, as many at once as an answer may hold.
func TestBlockFilter(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.LogResults = 4
	c := logChain(t, 2, limits)
	id := c.install(t, "eth_newBlockFilter", `[]`)
	if got := string(c.result(t, "eth_getFilterChanges", id)); got != "[]" {
		t.Errorf("before the first block: %s", got)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var want []common.Hash
	for range 6 {
		c.appendLogs(t, rng)
		want = append(want, c.Chain.Head().Hash())
	}
	var got []common.Hash
	for _, count := range []int{4, 2, 0} {
		var some []common.Hash
		if err := json.Unmarshal(c.result(t, "eth_getFilterChanges", id), &some); err != nil || len(some) != count {
			t.Errorf("%d hashes, want %d: %v", len(some), count, err)
		}
		got = append(got, some...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantError(t, c.call(t, "eth_getFilterLogs", id), "-32000 filter not found") // it has none
}

// TestFilterLogs are those of eth_getLogs.
func TestFilterLogs(t *testing.T) {
	c := logChain(t, 20, rpc.DefaultLimits())
	q := criteria{emitters[:2], [][]common.Hash{marks[:2]}}.json(3, 15)
	id := c.install(t, "eth_newFilter", "["+q+"]")
	if got, want := c.result(t, "eth_getFilterLogs", id), c.result(t, "eth_getLogs", "["+q+"]"); string(got) != string(want) || len(want) < 10 {
		t.Errorf("filter %s\nlogs   %s", got, want)
	}
}

// TestFilterCriteria: what geth refuses is refused in its words.
func TestFilterCriteria(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.LogAlternatives, limits.Filters, limits.FilterValues = 3, 4, 5
	c := logChain(t, 5, limits)
	for _, q := range []struct{ params, want string }{
		{`[{"fromBlock":"0x5","toBlock":"0x3"}]`, "-32602 invalid block range params"},
		{`[{"fromBlock":"latest","toBlock":"0x3"}]`, "-32602 invalid block range params"},
		{`[{"toBlock":"0x3"}]`, "-32602 invalid block range params"},
		{`[{"toBlock":"earliest"}]`, "-32602 invalid block range params"},
		{`[{"toBlock":"pending"}]`, "-32602 pending logs are not supported"},
		{`[{"address":["` + strings.Repeat(poor.Hex()+`","`, 3) + poor.Hex() + `"]}]`, "-32000 exceed max addresses or topics per search position"},
	} {
		wantError(t, c.call(t, "eth_newFilter", q.params), q.want)
	}
	for _, ok := range []string{`[{"fromBlock":"earliest"}]`, `[{"fromBlock":"earliest","toBlock":"earliest"}]`, `[{"fromBlock":"0x1","toBlock":"finalized"}]`} {
		c.result(t, "eth_uninstallFilter", c.install(t, "eth_newFilter", ok))
	}
	three := `[{"address":["` + strings.Repeat(poor.Hex()+`","`, 2) + poor.Hex() + `"]}]`
	id := c.install(t, "eth_newFilter", three)
	wantError(t, c.call(t, "eth_newFilter", three), "-32005 too many filters: this node keeps 5 addresses and topics of filters, each until it was not polled for 5m0s")
	c.result(t, "eth_uninstallFilter", id)
	for range 4 {
		c.install(t, "eth_newBlockFilter", `[]`)
	}
	wantError(t, c.call(t, "eth_newBlockFilter", `[]`), "-32005 too many filters: this node keeps 4, each until it was not polled for 5m0s")
	wantError(t, c.call(t, "eth_getFilterChanges", `["0x1"]`), "-32000 filter not found")
}

// TestPendingFilter tells what the pool admits, waiting or final by the time of
// the question, as hashes or whole.
func TestPendingFilter(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.FilterHashes, limits.LogResults = 8, 3
	c := newOurChain(t, 2, limited(limits))
	stop := c.listen(t)
	defer stop()
	hashes, full := c.install(t, "eth_newPendingTransactionFilter", `[]`), c.install(t, "eth_newPendingTransactionFilter", `[true]`)
	slow := c.install(t, "eth_newPendingTransactionFilter", `[false]`)
	u := c.net.Users[0]
	var want []common.Hash
	for i := range 5 {
		want = append(want, c.submit(t, u.Transfer(poor, int64(i))).Hash())
	}
	c.heard(t, 5)
	c.seal(t)
	var got []common.Hash
	for _, count := range []int{3, 2, 0} {
		var some []common.Hash
		if err := json.Unmarshal(c.result(t, "eth_getFilterChanges", hashes), &some); err != nil || len(some) != count {
			t.Errorf("%d hashes, want %d: %v", len(some), count, err)
		}
		got = append(got, some...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var txs []*types.Transaction
	if err := json.Unmarshal(c.result(t, "eth_getFilterChanges", full), &txs); err != nil || len(txs) != 3 || txs[2].Hash() != want[2] {
		t.Errorf("%v: %v", err, txs)
	}
	for i := range 4 {
		c.submit(t, u.Transfer(poor, int64(i)))
	}
	c.heard(t, 9)
	wantError(t, c.call(t, "eth_getFilterChanges", slow), "-32005 filter dropped: more than 8 pending transactions behind")
	wantError(t, c.call(t, "eth_getFilterChanges", slow), "-32000 filter not found")
}
