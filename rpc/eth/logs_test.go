package eth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/state"
)

// What logs, and what is logged: few of each, so that queries hit.
var (
	emitters = []common.Address{{1}, {2}, {3}}
	marks    = []common.Hash{{}, {1}, {2}, {31: 1}}
)

// logChain is a chain of ours with drawn logs in its blocks.
func logChain(t testing.TB, blocks int, limits rpc.Limits) *ourChain {
	t.Helper()
	c := newOurChainOn(t, chaintest.New(1, 3, chaintest.Loggers(emitters...)), limited(limits))
	rng := rand.New(rand.NewPCG(1, 2))
	for range blocks {
		c.appendLogs(t, rng)
	}
	return c
}

// limited opens a chain with limits.
func limited(l rpc.Limits) func(*state.Config, *rpc.Limits) {
	return func(_ *state.Config, limits *rpc.Limits) { *limits = l }
}

// appendLogs makes a block with up to four transactions, most of which log.
func (c *ourChain) appendLogs(t testing.TB, rng *rand.Rand) {
	t.Helper()
	var txs []*types.Transaction
	for range rng.IntN(5) {
		u := c.net.Users[rng.IntN(3)]
		var topics []common.Hash
		for range rng.IntN(5) {
			topics = append(topics, marks[rng.IntN(len(marks))])
		}
		txs = append(txs, u.Log(emitters[rng.IntN(len(emitters))], topics...))
		if rng.IntN(3) == 0 {
			txs = append(txs, u.Transfer(poor, 1))
		}
	}
	if _, err := c.net.Append(c.Chain, txs...); err != nil {
		t.Fatal(err)
	}
}

// criteria are what a test asks for, as JSON and as a linear scan needs them.
type criteria struct {
	addresses []common.Address
	topics    [][]common.Hash
}

func drawCriteria(t *rapid.T) (c criteria) {
	address := rapid.SampledFrom(append([]common.Address{{9}}, emitters...))
	topic := rapid.SampledFrom(append([]common.Hash{{9}}, marks...))
	c.addresses = rapid.SliceOfN(address, 0, 3).Draw(t, "addresses")
	c.topics = rapid.SliceOfN(rapid.SliceOfN(topic, 0, 3), 0, 4).Draw(t, "topics")
	return c
}

// json writes the filter object, one value without a list, nothing as null.
func (c criteria) json(from, to uint64) string {
	one := func(list []string) string {
		switch len(list) {
		case 0:
			return "null"
		case 1:
			return list[0]
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	var addresses, topics []string
	for _, a := range c.addresses {
		addresses = append(addresses, `"`+a.Hex()+`"`)
	}
	for _, list := range c.topics {
		var alternatives []string
		for _, x := range list {
			alternatives = append(alternatives, `"`+x.Hex()+`"`)
		}
		topics = append(topics, one(alternatives))
	}
	return fmt.Sprintf(`{"fromBlock":"0x%x","toBlock":"0x%x","address":%s,"topics":[%s]}`, from, to, one(addresses), strings.Join(topics, ","))
}

// scan reads every receipt: the definition of eth_getLogs.
func (c criteria) scan(t testing.TB, chain *ourChain, from, to uint64) (places []string) {
	t.Helper()
	for number := from; number <= to; number++ {
		receipts, err := chain.Chain.Receipts(number)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range receipts {
			for _, l := range r.Logs {
				if c.wants(l) {
					places = append(places, place(l))
				}
			}
		}
	}
	return places
}

func (c criteria) wants(l *types.Log) bool {
	ok := len(c.addresses) == 0 || slices.Contains(c.addresses, l.Address)
	for i, list := range c.topics {
		ok = ok && i < len(l.Topics) && (len(list) == 0 || slices.Contains(list, l.Topics[i]))
	}
	return ok
}

func place(l *types.Log) string {
	return fmt.Sprintf("block %d log %d tx %s %x", l.BlockNumber, l.Index, l.TxHash, l.Topics)
}

// places reads an answer.
func places(t testing.TB, raw json.RawMessage) (out []string) {
	t.Helper()
	var logs []*types.Log
	if err := json.Unmarshal(raw, &logs); err != nil {
		t.Fatalf("%v in %.200s", err, raw)
	}
	for _, l := range logs {
		if l.Removed {
			t.Errorf("%s is removed", place(l))
		}
		out = append(out, place(l))
	}
	return out
}

// TestGetLogsIsAScan: whatever is asked of a real chain over RPC, the answer is
// that of who reads every receipt. With a small limit the ranges that the errors
// name lead to the same answer, in pieces.
func TestGetLogsIsAScan(t *testing.T) {
	const blocks = 150
	limits := rpc.DefaultLimits()
	limits.LogResults = 7
	whole, pieces := logChain(t, blocks, rpc.DefaultLimits()), logChain(t, blocks, limits)
	rapid.Check(t, func(r *rapid.T) {
		c := drawCriteria(r)
		from := rapid.Uint64Range(0, blocks).Draw(r, "from")
		to := rapid.Uint64Range(from, blocks).Draw(r, "to")
		want := c.scan(t, whole, from, to)
		a := whole.call(t, "eth_getLogs", "["+c.json(from, to)+"]")
		if a.Error != nil {
			r.Fatalf("%s: %s", c.json(from, to), a.Error.Message)
		}
		if diff := cmp.Diff(want, places(t, a.Result)); diff != "" {
			r.Fatalf("%s (scan, answer)\n%s", c.json(from, to), diff)
		}
		if diff := cmp.Diff(want, inPieces(t, pieces, c, from, to)); diff != "" {
			r.Fatalf("%s (scan, pieces)\n%s", c.json(from, to), diff)
		}
	})
}

// inPieces asks for a range, and for less when the node says so.
func inPieces(t testing.TB, n *ourChain, c criteria, from, to uint64) (out []string) {
	t.Helper()
	for end := to; from <= to; {
		a := n.call(t, "eth_getLogs", "["+c.json(from, end)+"]")
		if a.Error == nil {
			out = append(out, places(t, a.Result)...)
			from, end = end+1, to
			continue
		}
		data, ok := a.Error.Data.(map[string]any)
		if a.Error.Code != rpc.CodeLimit || !ok {
			t.Fatalf("%+v", a.Error)
		}
		next := hexutil.MustDecodeUint64(data["to"].(string))
		if hexutil.MustDecodeUint64(data["from"].(string)) != from || next < from || next >= end {
			t.Fatalf("%d to %d: try %v", from, end, data)
		}
		end = next
	}
	return out
}

// TestLogRanges: geth's codes and texts for ranges.
func TestLogRanges(t *testing.T) {
	c := logChain(t, 5, rpc.DefaultLimits())
	hash := c.Chain.GetHash(3)
	for _, q := range []struct{ params, want string }{
		{`[{"fromBlock":"0x3","toBlock":"0x2"}]`, "-32602 invalid block range params"},
		{`[{"fromBlock":"latest","toBlock":"0x2"}]`, "-32602 invalid block range params"},
		{`[{"fromBlock":"0x1","toBlock":"0x9"}]`, "-32602 block range extends beyond current head block"},
		{`[{"fromBlock":"pending"}]`, "-32602 pending logs are not supported"},
		{`[{"blockHash":"` + hash.Hex() + `","fromBlock":"0x1"}]`, "-32602 invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"},
		{`[{"blockHash":"` + common.Hash{1}.Hex() + `"}]`, "-32000 unknown block"},
		{`[{"topics":[null,null,null,null,null]}]`, "-32602 invalid argument 0: exceed max topics"},
		{`[{"address":"0x12"}]`, "-32602 invalid argument 0: invalid address at index 0: hex has invalid length 1 after decoding; expected 20 for address"},
	} {
		a := c.call(t, "eth_getLogs", q.params)
		if a.Error == nil || fmt.Sprint(a.Error.Code, " ", a.Error.Message) != q.want {
			t.Errorf("%s\n got %+v %s\nwant %s", q.params, a.Error, a.Result, q.want)
		}
	}
	byHash := c.call(t, "eth_getLogs", `[{"blockHash":"`+hash.Hex()+`"}]`)
	if diff := cmp.Diff(criteria{}.scan(t, c, 3, 3), places(t, byHash.Result)); diff != "" {
		t.Error(diff)
	}
	earliest := c.call(t, "eth_getLogs", `[{"fromBlock":"earliest","toBlock":"finalized"}]`)
	if diff := cmp.Diff(criteria{}.scan(t, c, 0, 5), places(t, earliest.Result)); diff != "" {
		t.Error(diff)
	}
}

// TestLogTimeout: a query that takes too long says where to go on.
func TestLogTimeout(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.LogTimeout = time.Nanosecond
	c := logChain(t, 5, limits)
	a := c.call(t, "eth_getLogs", `[{"fromBlock":"0x1","toBlock":"latest"}]`)
	if a.Error == nil || a.Error.Code != rpc.CodeLimit || a.Error.Message != "query took longer than 1ns; try with this block range [0x1, 0x1]" {
		t.Errorf("%+v", a.Error)
	}
}

// waiting is an index that searches until nobody wants to know any more.
type waiting struct {
	begun chan struct{}
	ended chan error
}

func (w waiting) Blocks(ctx context.Context, _ index.Query, from, _ uint64, _ func(uint64) error) (uint64, error) {
	close(w.begun)
	<-ctx.Done()
	w.ended <- ctx.Err()
	return from, ctx.Err()
}

// TestGoneClient: the search ends with the client.
func TestGoneClient(t *testing.T) {
	c := newOurChain(t, 1)
	w := waiting{make(chan struct{}), make(chan error, 1)}
	api, err := eth.New(eth.Deps{
		Config: c.net.Genesis.ChainConfig(), Chain: c.Chain, Index: c.Chain, Logs: w, States: c, Pool: c.pool,
		Limits: rpc.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	n := new(node)
	cfg := rpc.DefaultConfig()
	cfg.Port = 0
	if n.server, err = rpc.New(cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if err := n.server.Register("eth", api); err != nil {
		t.Fatal(err)
	}
	ws, stop := serve(t, n)
	defer stop()
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.Replace(ws, "ws://", "http://", 1),
		stringBody(`{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answered := make(chan error, 1)
	go func() {
		response, err := http.DefaultTransport.RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
		answered <- err
	}()
	<-w.begun
	leave()
	if err := <-w.ended; err == nil || err.Error() != "context canceled" {
		t.Errorf("the search ended with %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("a client that left got an answer")
	}
}

// FuzzGetLogs: whatever a client sends, it gets an error of its own making, or
// what a scan gives.
func FuzzGetLogs(f *testing.F) {
	c := logChain(f, 12, rpc.DefaultLimits())
	for _, s := range []string{
		`{}`, `{"fromBlock":"0x0"}`, `{"fromBlock":"earliest","address":[],"topics":[]}`, `{"fromBlock":"0x0","topics":[null,[]]}`,
		criteria{emitters, [][]common.Hash{marks, nil, marks}}.json(0, 12), criteria{emitters[:1], nil}.json(3, 9),
		`{"fromBlock":"0x0","topics":[[null,"` + marks[1].Hex() + `"],["` + marks[2].Hex() + `"]]}`,
		`{"fromBlock":"0xffffffffffffffff"}`, `{"fromBlock":"-1"}`, `{"blockHash":"` + c.Chain.GetHash(4).Hex() + `","topics":[null]}`,
		`{"topics":{}}`, `{"address":{"a":1}}`, `[]`, `null`, `{"fromBlock":"0x0","topics":[[[]]]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) {
			return
		}
		_, body := c.send(t, `{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[`+s+`]}`)
		var a answer
		if err := json.Unmarshal(body, &a); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if a.Error != nil {
			if a.Error.Code != -32602 && a.Error.Message != "unknown block" && !strings.HasPrefix(a.Error.Message, "exceed max") {
				t.Fatalf("%s: %+v", s, a.Error)
			}
			return
		}
		var q eth.Criteria
		if err := json.Unmarshal([]byte(s), &q); err != nil {
			t.Fatalf("%s was answered, but is %v", s, err)
		}
		from, to := bounds(t, c, &q)
		if diff := cmp.Diff(criteria{q.Addresses, q.Topics}.scan(t, c, from, to), places(t, a.Result)); diff != "" {
			t.Fatalf("%s (scan, answer)\n%s", s, diff)
		}
	})
}

// bounds are the blocks of a filter that was answered.
func bounds(t *testing.T, c *ourChain, q *eth.Criteria) (from, to uint64) {
	t.Helper()
	head := c.Chain.Head().Number.Uint64()
	if q.BlockHash != nil {
		n, ok, err := c.Chain.NumberOf(*q.BlockHash)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		return n, n
	}
	resolve := func(n *int64) uint64 {
		switch {
		case n == nil || *n < 0 && *n != -5:
			return head
		case *n < 0:
			return 0
		}
		return uint64(*n)
	}
	number := func(n interface{ Int64() int64 }) *int64 { v := n.Int64(); return &v }
	var begin, end *int64
	if q.FromBlock != nil {
		begin = number(q.FromBlock)
	}
	if q.ToBlock != nil {
		end = number(q.ToBlock)
	}
	return resolve(begin), resolve(end)
}
