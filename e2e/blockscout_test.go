package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

// This file: an indexer that asks as Blockscout does of a node of its geth variant.
// New blocks are heard of (newHeads); ranges of them are got with whole
// transactions, the newest first; then their receipts, the calls inside their
// transactions (debug_traceBlockByNumber, debug_traceTransaction, both with
// callTracer), balances and code at these blocks; all in batches, which are halved
// when they are answered with 413. What it has gathered must be what happened.

const (
	scoutBatch = 500 // calls
	scoutRange = 10  // blocks
)

// scout is the indexer, with its tables.
type scout struct {
	t        *testing.T
	n        *node
	blocks   []*scoutBlock // by number
	receipts map[common.Hash]*types.Receipt
	raw      map[common.Hash]json.RawMessage // the receipts as sent
	traces   map[common.Hash]*scoutCall
	halved   int
}

type scoutBlock struct {
	Number       hexutil.Uint64 `json:"number"`
	Hash         common.Hash    `json:"hash"`
	ParentHash   common.Hash    `json:"parentHash"`
	GasUsed      hexutil.Uint64 `json:"gasUsed"`
	Timestamp    hexutil.Uint64 `json:"timestamp"`
	Difficulty   *hexutil.Big   `json:"difficulty"`
	Nonce        *string        `json:"nonce"`
	Size         hexutil.Uint64 `json:"size"`
	Uncles       []common.Hash  `json:"uncles"`
	Transactions []scoutTx      `json:"transactions"`
}

type scoutTx struct {
	Hash     common.Hash     `json:"hash"`
	Block    common.Hash     `json:"blockHash"`
	Number   hexutil.Uint64  `json:"blockNumber"`
	Index    hexutil.Uint64  `json:"transactionIndex"`
	From     common.Address  `json:"from"`
	To       *common.Address `json:"to"`
	Value    *hexutil.Big    `json:"value"`
	Input    hexutil.Bytes   `json:"input"`
	Nonce    hexutil.Uint64  `json:"nonce"`
	Gas      hexutil.Uint64  `json:"gas"`
	GasPrice *hexutil.Big    `json:"gasPrice"`
	Type     hexutil.Uint64  `json:"type"`
	V        *hexutil.Big    `json:"v"`
	R        *hexutil.Big    `json:"r"`
	S        *hexutil.Big    `json:"s"`
}

// scoutCall is a frame of the callTracer.
type scoutCall struct {
	Type    string          `json:"type"`
	From    common.Address  `json:"from"`
	To      *common.Address `json:"to"`
	Value   *hexutil.Big    `json:"value"`
	Gas     *hexutil.Uint64 `json:"gas"`
	GasUsed *hexutil.Uint64 `json:"gasUsed"`
	Input   *hexutil.Bytes  `json:"input"`
	Output  hexutil.Bytes   `json:"output"`
	Error   string          `json:"error"`
	Calls   []scoutCall     `json:"calls"`
}

// TestBlockscout follows a chain of all kinds of transactions.
func TestBlockscout(t *testing.T) {
	full(t)
	w := newTown(t)
	live := w.Validators[1].talk(t)
	defer live.conn.Close()
	live.ask("eth_subscribe", []json.RawMessage{json.RawMessage(`"newHeads"`)})
	before, err := w.Validators[1].head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range townRounds {
		w.round(t, i)
	}
	head := settled(t, w.Validators, recoverLimit)
	began := time.Now()
	s := &scout{t: t, n: w.Validators[2], receipts: map[common.Hash]*types.Receipt{}, raw: map[common.Hash]json.RawMessage{}, traces: map[common.Hash]*scoutCall{}}
	s.catchUp(head)
	s.heard(live, before, head)
	s.readReceipts()
	if s.halved == 0 {
		t.Errorf("no batch was too large: %d receipts", len(s.receipts))
	}
	s.readTraces()
	s.matches(w)
	asked := s.matchesBalances(w)
	s.matchesCode(w)
	s.matchesLogs(head)
	t.Logf("%d blocks, %d transactions, %d balances at old blocks in batches of %d, indexed and compared in %s; %d batches were halved",
		head, len(s.receipts), asked, scoutBatch, ms(time.Since(began)), s.halved)
	w.stop()
}

// batch sends calls in batches of at most size, and halves those that are too large.
func (s *scout) batch(calls []rpc.BatchElem, size int) {
	s.t.Helper()
	for part := range slices.Chunk(calls, size) {
		err := s.n.raw.BatchCallContext(s.t.Context(), part)
		var status rpc.HTTPError
		switch {
		case errors.As(err, &status) && status.StatusCode == http.StatusRequestEntityTooLarge && size > 1:
			s.halved++
			s.batch(part, size/2)
			continue
		case err != nil:
			s.t.Fatalf("a batch of %d: %v", len(part), err)
		}
		for _, c := range part {
			if c.Error != nil {
				s.t.Fatalf("%s%.300v: %v", c.Method, c.Args, c.Error)
			}
		}
	}
}

// catchUp gets the blocks in ranges, from the head down.
func (s *scout) catchUp(head uint64) {
	s.t.Helper()
	s.blocks = make([]*scoutBlock, head+1)
	for high := int(head); high >= 0; high -= scoutRange {
		var calls []rpc.BatchElem
		for n := high; n > max(high-scoutRange, -1); n-- {
			calls = append(calls, rpc.BatchElem{Method: "eth_getBlockByNumber", Args: []any{hexutil.Uint64(n), true}, Result: &s.blocks[n]})
		}
		s.batch(calls, scoutBatch)
	}
	for n, b := range s.blocks {
		if b == nil || uint64(b.Number) != uint64(n) || b.Difficulty == nil || b.Nonce == nil || b.Uncles == nil || b.Size == 0 {
			s.t.Fatalf("block %d: %+v", n, b)
		}
		if n > 0 && (b.ParentHash != s.blocks[n-1].Hash || b.Timestamp < s.blocks[n-1].Timestamp) {
			s.t.Errorf("block %d does not follow block %d", n, n-1)
		}
	}
}

// heard compares the blocks with what the subscription told: each once, in order.
func (s *scout) heard(live *talk, before, head uint64) {
	s.t.Helper()
	if err := live.conn.SetReadDeadline(time.Now().Add(commitLimit)); err != nil {
		s.t.Fatal(err)
	}
	next := before + 1
	for next <= head {
		var b scoutBlock
		if err := json.Unmarshal(live.read().Params.Result, &b); err != nil {
			s.t.Fatal(err)
		}
		if uint64(b.Number) <= before { // under way at the subscription
			continue
		}
		if uint64(b.Number) != next || b.Hash != s.blocks[next].Hash || b.ParentHash != s.blocks[next].ParentHash {
			s.t.Fatalf("newHeads tells of block %d %s, the next one is %d %s", b.Number, b.Hash, next, s.blocks[next].Hash)
		}
		next++
	}
}

// readReceipts gets them block by block and one by one: they must be the same.
func (s *scout) readReceipts() {
	s.t.Helper()
	ofBlocks := make([][]json.RawMessage, len(s.blocks))
	var whole, single []rpc.BatchElem
	for n, b := range s.blocks {
		whole = append(whole, rpc.BatchElem{Method: "eth_getBlockReceipts", Args: []any{hexutil.Uint64(n)}, Result: &ofBlocks[n]})
		for _, tx := range b.Transactions {
			single = append(single, rpc.BatchElem{Method: "eth_getTransactionReceipt", Args: []any{tx.Hash}, Result: new(json.RawMessage)})
		}
	}
	s.batch(whole, scoutBatch)
	s.batch(single, 3*scoutBatch) // more than the node takes
	i := 0
	for n, b := range s.blocks {
		if len(ofBlocks[n]) != len(b.Transactions) {
			s.t.Fatalf("block %d has %d transactions and %d receipts", n, len(b.Transactions), len(ofBlocks[n]))
		}
		for k, tx := range b.Transactions {
			if one := *single[i].Result.(*json.RawMessage); !bytes.Equal(one, ofBlocks[n][k]) {
				s.t.Errorf("receipt of %s: alone %s, in its block %s", tx.Hash, one, ofBlocks[n][k])
			}
			r := new(types.Receipt)
			if err := json.Unmarshal(ofBlocks[n][k], r); err != nil {
				s.t.Fatal(err)
			}
			s.receipts[tx.Hash], s.raw[tx.Hash] = r, ofBlocks[n][k]
			i++
		}
	}
}

// readTraces gets the calls block by block and one by one: they must be the same.
func (s *scout) readTraces() {
	s.t.Helper()
	type traced struct {
		Hash   common.Hash     `json:"txHash"`
		Result json.RawMessage `json:"result"`
	}
	tracer := map[string]any{"tracer": "callTracer", "timeout": "120s"}
	ofBlocks := make([][]traced, len(s.blocks))
	var whole, single []rpc.BatchElem
	for n, b := range s.blocks[1:] {
		whole = append(whole, rpc.BatchElem{Method: "debug_traceBlockByNumber", Args: []any{hexutil.Uint64(n + 1), tracer}, Result: &ofBlocks[n+1]})
		for _, tx := range b.Transactions {
			single = append(single, rpc.BatchElem{Method: "debug_traceTransaction", Args: []any{tx.Hash, tracer}, Result: new(json.RawMessage)})
		}
	}
	s.batch(whole, scoutRange)
	s.batch(single, scoutBatch)
	i := 0
	for n, b := range s.blocks {
		if len(ofBlocks[n]) != len(b.Transactions) {
			s.t.Fatalf("block %d has %d transactions and %d traces", n, len(b.Transactions), len(ofBlocks[n]))
		}
		for k, tx := range b.Transactions {
			got := ofBlocks[n][k]
			if one := *single[i].Result.(*json.RawMessage); got.Hash != tx.Hash || !bytes.Equal(one, got.Result) {
				s.t.Errorf("trace of %s: alone %s, in its block that of %s: %s", tx.Hash, one, got.Hash, got.Result)
			}
			top := new(scoutCall)
			if err := json.Unmarshal(got.Result, top); err != nil {
				s.t.Fatal(err)
			}
			s.traces[tx.Hash] = top
			i++
		}
	}
}

// matches compares transactions, receipts and calls with the deeds.
func (s *scout) matches(w *town) {
	s.t.Helper()
	logs, together := 0, 0
	for n, b := range s.blocks {
		var gas uint64
		logIndex := uint(0)
		together = max(together, len(b.Transactions))
		for i, tx := range b.Transactions {
			d, r := w.byHash[tx.Hash], s.receipts[tx.Hash]
			if d == nil {
				s.t.Fatalf("block %d has transaction %s, which nobody sent", n, tx.Hash)
			}
			s.sameTx(d, &tx, b, i)
			gas += r.GasUsed
			if r.TxHash != tx.Hash || r.CumulativeGasUsed != gas || r.BlockHash != b.Hash || int(r.TransactionIndex) != i || r.Status != status01(!d.fails) || len(r.Logs) != d.logs {
				s.t.Errorf("%s: receipt %s", d.kind, s.raw[tx.Hash])
			}
			for _, l := range r.Logs {
				if l.Index != logIndex || l.TxHash != tx.Hash || l.BlockHash != b.Hash || l.Address != w.payer {
					s.t.Errorf("%s: log %+v", d.kind, l)
				}
				logIndex++
				logs++
			}
			if top := s.traces[tx.Hash]; uint64(*top.GasUsed) != r.GasUsed || top.From != d.from {
				s.t.Errorf("%s: the trace is of %s and %d gas, the receipt has %d", d.kind, top.From, *top.GasUsed, r.GasUsed)
			}
			if got := s.calls(w, s.traces[tx.Hash], 0); !slices.Equal(got, d.calls) {
				s.t.Errorf("%s %s:\ncalls %q\nwant  %q", d.kind, tx.Hash, got, d.calls)
			}
		}
		if uint64(b.GasUsed) != gas {
			s.t.Errorf("block %d has used %d gas, its receipts %d", n, b.GasUsed, gas)
		}
	}
	if len(s.receipts) != len(w.deeds) || logs == 0 || together < 2 {
		s.t.Errorf("%d transactions of %d, %d logs, at most %d transactions in a block", len(s.receipts), len(w.deeds), logs, together)
	}
}

// status01 is the status of a receipt.
func status01(ok bool) uint64 {
	if ok {
		return types.ReceiptStatusSuccessful
	}
	return types.ReceiptStatusFailed
}

// sameTx compares a transaction of a block with the one that was sent.
func (s *scout) sameTx(d *deed, tx *scoutTx, b *scoutBlock, index int) {
	s.t.Helper()
	v, r, sig := d.tx.RawSignatureValues()
	same := tx.Block == b.Hash && tx.Number == b.Number && int(tx.Index) == index && tx.From == d.from &&
		(tx.To == nil) == (d.tx.To() == nil) && (tx.To == nil || *tx.To == *d.tx.To()) &&
		tx.Value.ToInt().Cmp(d.tx.Value()) == 0 && bytes.Equal(tx.Input, d.tx.Data()) && uint64(tx.Nonce) == d.tx.Nonce() &&
		uint64(tx.Gas) == d.tx.Gas() && tx.GasPrice.ToInt().Sign() == 0 && uint8(tx.Type) == d.tx.Type() &&
		tx.V.ToInt().Cmp(v) == 0 && tx.R.ToInt().Cmp(r) == 0 && tx.S.ToInt().Cmp(sig) == 0
	if !same {
		s.t.Errorf("%s: block %d has %+v", d.kind, b.Number, tx)
	}
}

// calls writes a tree of calls in the words of the deeds. What Blockscout cannot do
// without must be there.
func (s *scout) calls(w *town, c *scoutCall, depth int) []string {
	s.t.Helper()
	if c.Gas == nil || c.GasUsed == nil || c.Input == nil {
		s.t.Errorf("a call without gas, gasUsed or input: %+v", c)
	}
	line := fmt.Sprintf("%d %s %s", depth, c.Type, w.say(c.To))
	switch {
	case c.Type == "STATICCALL" && c.Value != nil && c.Value.ToInt().Sign() != 0:
		s.t.Errorf("a static call with a value: %+v", c)
	case c.Type != "STATICCALL" && c.Type != "DELEGATECALL":
		line += " " + c.Value.ToInt().String()
	}
	if c.Error != "" {
		line += " " + c.Error
	}
	out := []string{line}
	for i := range c.Calls {
		out = append(out, s.calls(w, &c.Calls[i], depth+1)...)
	}
	return out
}

// moved sums up what the calls that lasted moved.
func (c *scoutCall) moved(sums map[common.Address]*big.Int) {
	if c.Error != "" {
		return
	}
	if c.Type != "DELEGATECALL" && c.Type != "STATICCALL" && c.Value != nil {
		for addr, sign := range map[common.Address]int64{c.From: -1, *c.To: 1} {
			if sums[addr] == nil {
				sums[addr] = new(big.Int)
			}
			sums[addr].Add(sums[addr], new(big.Int).Mul(c.Value.ToInt(), big.NewInt(sign)))
		}
	}
	for i := range c.Calls {
		c.Calls[i].moved(sums)
	}
}

// matchesBalances asks for the balance of everybody after every block: it is what
// the deeds make it, and what the traced calls moved. It returns how many were asked.
func (s *scout) matchesBalances(w *town) int {
	s.t.Helper()
	var order [][]common.Hash
	for _, b := range s.blocks {
		var hashes []common.Hash
		for _, tx := range b.Transactions {
			hashes = append(hashes, tx.Hash)
		}
		order = append(order, hashes)
	}
	want := w.balances(s.t, order)
	everybody := slices.Collect(maps.Keys(want[len(want)-1]))
	var calls []rpc.BatchElem
	for n := range s.blocks {
		for _, a := range everybody {
			calls = append(calls, rpc.BatchElem{Method: "eth_getBalance", Args: []any{a, hexutil.Uint64(n)}, Result: new(hexutil.Big)})
		}
	}
	s.batch(calls, scoutBatch)
	got := func(block, who int) *big.Int { return calls[block*len(everybody)+who].Result.(*hexutil.Big).ToInt() }
	for n, b := range s.blocks {
		moved := map[common.Address]*big.Int{}
		for _, tx := range b.Transactions {
			s.traces[tx.Hash].moved(moved)
		}
		for i, a := range everybody {
			is, should := got(n, i), want[n][a]
			if should == nil {
				should = new(big.Int)
			}
			if is.Cmp(should) != 0 {
				s.t.Errorf("after block %d %s has %s, the deeds make it %s", n, w.say(&a), is, should)
			}
			if n == 0 {
				continue
			}
			change, traced := new(big.Int).Sub(is, got(n-1, i)), moved[a]
			if traced == nil {
				traced = new(big.Int)
			}
			if change.Cmp(traced) != 0 {
				s.t.Errorf("block %d gives %s %s, its traces say %s", n, w.say(&a), change, traced)
			}
		}
	}
	return len(calls)
}

// matchesCode asks for the code of what was made, before and after.
func (s *scout) matchesCode(w *town) {
	s.t.Helper()
	var calls []rpc.BatchElem
	ask := func(a common.Address, at *big.Int) {
		calls = append(calls, rpc.BatchElem{Method: "eth_getCode", Args: []any{a, (*hexutil.Big)(at)}, Result: new(hexutil.Bytes)})
	}
	for _, d := range w.deeds {
		made := d.created
		for _, op := range d.inner {
			if op.Type >= 2 {
				made = op.To
			}
		}
		if at := s.receipts[d.tx.Hash()].BlockNumber; made != (common.Address{}) {
			ask(made, at)
			ask(made, new(big.Int).Sub(at, common.Big1))
		}
	}
	s.batch(calls, scoutBatch)
	for i := 0; i < len(calls); i += 2 {
		after, before := *calls[i].Result.(*hexutil.Bytes), *calls[i+1].Result.(*hexutil.Bytes)
		if len(after) == 0 || len(before) != 0 {
			s.t.Errorf("code of %v: %x, in the block before %x", calls[i].Args, after, before)
		}
	}
	if len(calls) < 4*townPeople*townRounds {
		s.t.Errorf("only %d were made", len(calls)/2)
	}
}

// matchesLogs gets the logs of ranges of blocks: they are those of the receipts.
func (s *scout) matchesLogs(head uint64) {
	s.t.Helper()
	for from := uint64(0); from <= head; from += scoutRange {
		to := min(from+scoutRange-1, head)
		var got, want []*types.Log
		raw, err := s.n.call(s.t.Context(), "eth_getLogs", map[string]any{"fromBlock": hexutil.Uint64(from), "toBlock": hexutil.Uint64(to)})
		if err != nil {
			s.t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			s.t.Fatal(err)
		}
		for _, b := range s.blocks[from : to+1] {
			for _, tx := range b.Transactions {
				want = append(want, s.receipts[tx.Hash].Logs...)
			}
		}
		if a, b := asJSON(s.t, got), asJSON(s.t, want); a != b {
			s.t.Errorf("logs of blocks %d to %d:\n%s\nin the receipts\n%s", from, to, a, b)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
