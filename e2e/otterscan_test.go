package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// This file: what the pages of Otterscan ask a node for, in the forms in which its
// documents say that it asks: block numbers are JSON numbers. What the pages would
// show must be what happened.

const (
	otterLevel = 8
	otterPage  = 25 // transactions on a page
)

// otter is the explorer.
type otter struct {
	t     *testing.T
	w     *town
	n     *node
	pages int // that were shown
}

// get asks for something that must be there.
func (o *otter) get(into any, method string, params ...any) {
	o.t.Helper()
	raw, err := o.n.call(o.t.Context(), method, params...)
	if err != nil {
		o.t.Fatalf("%s%v: %v", method, params, err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		o.t.Fatalf("%s%v: %v in %s", method, params, err, raw)
	}
}

// TestOtterscan opens the page of every block, of every transaction, and of every
// address.
func TestOtterscan(t *testing.T) {
	full(t)
	w := newTown(t)
	w.round(t, 0)
	head := settled(t, w.Validators, recoverLimit)
	began := time.Now()
	o := &otter{t: t, w: w, n: w.Validators[3]}
	o.start()
	var seen []common.Hash
	for n := range head + 1 {
		seen = append(seen, o.blockPage(n)...)
	}
	if len(seen) != len(w.deeds) {
		t.Errorf("the pages of the blocks show %d transactions of %d", len(seen), len(w.deeds))
	}
	for _, hash := range seen {
		o.transactionPage(hash)
	}
	o.accountPages(head)
	o.contractPages()
	o.search()
	t.Logf("%d blocks, %d transactions: %d pages in %s", head, len(seen), o.pages, ms(time.Since(began)))
	w.stop()
}

// start is what it asks before anything else: what kind of node this is.
func (o *otter) start() {
	o.t.Helper()
	var level int
	if o.get(&level, "ots_getApiLevel"); level != otterLevel {
		o.t.Errorf("level %d, want %d", level, otterLevel)
	}
	var genesis types.Header
	if o.get(&genesis, "erigon_getHeaderByNumber", 0); genesis.Hash() != o.w.Genesis {
		o.t.Errorf("header 0 has the hash %s, the genesis block %s", genesis.Hash(), o.w.Genesis)
	}
	var chain hexutil.Uint64
	if o.get(&chain, "eth_chainId"); uint64(chain) != o.w.ChainID {
		o.t.Errorf("chain %d", chain)
	}
}

// otterBlock is a block as Otterscan gets it.
type otterBlock struct {
	Hash         common.Hash `json:"hash"`
	ParentHash   common.Hash `json:"parentHash"`
	LogsBloom    *string     `json:"logsBloom"`
	Count        int         `json:"transactionCount"`
	Transactions []struct {
		Hash  common.Hash    `json:"hash"`
		From  common.Address `json:"from"`
		Input hexutil.Bytes  `json:"input"`
		Value *hexutil.Big   `json:"value"`
	} `json:"transactions"`
}

// blockPage shows a block, and goes through the list of its transactions: the first
// page has the last ones. It returns them in their order.
func (o *otter) blockPage(number uint64) []common.Hash {
	o.t.Helper()
	o.pages++
	var plain block
	o.get(&plain, "eth_getBlockByNumber", hexutil.Uint64(number), false)
	var details, same struct {
		Block     otterBlock   `json:"block"`
		TotalFees *hexutil.Big `json:"totalFees"`
		Issuance  struct {
			BlockReward, UncleReward, Issuance hexutil.Uint64
		} `json:"issuance"`
	}
	o.get(&details, "ots_getBlockDetails", number)
	o.get(&same, "ots_getBlockDetailsByHash", plain.Hash)
	b := details.Block
	if asJSON(o.t, details) != asJSON(o.t, same) || b.Hash != plain.Hash || b.Count != len(plain.Transactions) || b.LogsBloom != nil || b.Transactions != nil {
		o.t.Errorf("block %d: %s, by its hash %s", number, asJSON(o.t, details), asJSON(o.t, same))
	}
	if details.TotalFees.ToInt().Sign() != 0 || details.Issuance.Issuance+details.Issuance.BlockReward+details.Issuance.UncleReward != 0 {
		o.t.Errorf("block %d: fees or rewards on a chain without: %s", number, asJSON(o.t, details))
	}
	var out []common.Hash
	for page := 0; page*otterPage < max(b.Count, 1); page++ {
		out = append(o.listPage(number, page), out...)
	}
	if !slices.Equal(out, plain.Transactions) {
		o.t.Errorf("block %d: its pages have %s, it has %s", number, out, plain.Transactions)
	}
	return out
}

// listPage is one page of a block's transactions.
func (o *otter) listPage(number uint64, page int) (out []common.Hash) {
	o.t.Helper()
	o.pages++
	var list struct {
		Block    otterBlock `json:"fullblock"`
		Receipts []struct {
			TxHash    common.Hash    `json:"transactionHash"`
			Status    hexutil.Uint64 `json:"status"`
			Logs      []any          `json:"logs"`
			LogsBloom *string        `json:"logsBloom"`
		} `json:"receipts"`
	}
	o.get(&list, "ots_getBlockTransactions", number, page, otterPage)
	if len(list.Block.Transactions) > otterPage || len(list.Receipts) != len(list.Block.Transactions) {
		o.t.Fatalf("page %d of block %d has %d transactions and %d receipts", page, number, len(list.Block.Transactions), len(list.Receipts))
	}
	for i, tx := range list.Block.Transactions {
		d, r := o.w.byHash[tx.Hash], list.Receipts[i]
		if d == nil || d.from != tx.From || d.tx.Value().Cmp(tx.Value.ToInt()) != 0 || !bytes.Equal(tx.Input, d.tx.Data()[:min(4, len(d.tx.Data()))]) {
			o.t.Errorf("block %d, page %d: transaction %+v", number, page, tx)
			continue
		}
		if r.TxHash != tx.Hash || uint64(r.Status) != status01(!d.fails) || r.Logs != nil || r.LogsBloom != nil {
			o.t.Errorf("block %d, page %d: receipt %+v", number, page, r)
		}
		out = append(out, tx.Hash)
	}
	return out
}

// otterCall is one of ots_traceTransaction.
type otterCall struct {
	Type   string         `json:"type"`
	Depth  int            `json:"depth"`
	From   common.Address `json:"from"`
	To     common.Address `json:"to"`
	Value  *hexutil.Big   `json:"value"`
	Input  hexutil.Bytes  `json:"input"`
	Output hexutil.Bytes  `json:"output"`
}

// transactionPage shows a transaction: itself, why it failed, what moved inside, and
// all its calls.
func (o *otter) transactionPage(hash common.Hash) {
	o.t.Helper()
	o.pages++
	d := o.w.byHash[hash]
	var tx types.Transaction
	if o.get(&tx, "eth_getTransactionByHash", hash); tx.Hash() != hash {
		o.t.Errorf("%s: transaction %s has the hash %s", d.kind, hash, tx.Hash())
	}
	var failure hexutil.Bytes
	if o.get(&failure, "ots_getTransactionError", hash); !bytes.Equal(failure, d.output) {
		o.t.Errorf("%s: error %s, want %x", d.kind, failure, d.output)
	}
	var inner []operation
	o.get(&inner, "ots_getInternalOperations", hash)
	if want := append([]operation{}, d.inner...); asJSON(o.t, inner) != asJSON(o.t, want) {
		o.t.Errorf("%s: internal operations %s, want %s", d.kind, asJSON(o.t, inner), asJSON(o.t, want))
	}
	var calls []otterCall
	o.get(&calls, "ots_traceTransaction", hash)
	if got, want := o.lines(calls), otterLines(d.calls); !slices.Equal(got, want) {
		o.t.Errorf("%s: calls %q, want %q", d.kind, got, want)
	}
	if first := calls[0]; first.From != d.from || !bytes.Equal(first.Input, d.tx.Data()) || d.fails && !bytes.Equal(first.Output, d.output) {
		o.t.Errorf("%s: first call %+v", d.kind, first)
	}
}

// lines writes calls in the words of the deeds.
func (o *otter) lines(calls []otterCall) (out []string) {
	for _, c := range calls {
		to := &c.To
		if c.To == (common.Address{}) { // of a creation that failed
			to = nil
		}
		line := string(rune('0'+c.Depth)) + " " + c.Type + " " + o.w.say(to)
		if c.Value != nil {
			line += " " + c.Value.ToInt().String()
		}
		out = append(out, line)
	}
	return out
}

// otterLines are a deed's calls as Otterscan has them: without precompiled
// contracts, and without errors.
func otterLines(calls []string) (out []string) {
	for _, c := range calls {
		if strings.HasSuffix(c, " sha256") {
			continue
		}
		words := strings.Fields(c)
		if words[1] == "DELEGATECALL" || words[1] == "STATICCALL" {
			words = words[:3]
		}
		out = append(out, strings.Join(words[:min(4, len(words))], " "))
	}
	return out
}

// accountPages shows everybody who sent: no code, and each transaction by its nonce.
func (o *otter) accountPages(head uint64) {
	o.t.Helper()
	for _, a := range o.w.people {
		o.pages++
		o.code(a.address, "latest", false)
		var next hexutil.Uint64
		if o.get(&next, "eth_getTransactionCount", a.address, "latest"); uint64(next) != a.nonce {
			o.t.Errorf("%s has the nonce %d, want %d", a.address, next, a.nonce)
		}
		var none *common.Hash
		if o.get(&none, "ots_getTransactionBySenderAndNonce", a.address, a.nonce); none != nil {
			o.t.Errorf("%s has sent %s", a.address, none)
		}
		var balance hexutil.Big
		if o.get(&balance, "eth_getBalance", a.address, hexutil.Uint64(head)); balance.ToInt().Sign() <= 0 {
			o.t.Errorf("%s has %s", a.address, balance.ToInt())
		}
	}
	for _, d := range o.w.deeds {
		var hash common.Hash
		if o.get(&hash, "ots_getTransactionBySenderAndNonce", d.from, d.tx.Nonce()); hash != d.tx.Hash() {
			o.t.Errorf("%s %d is %s, want %s", d.from, d.tx.Nonce(), hash, d.tx.Hash())
		}
	}
}

// contractPages shows everything that was made: who made it, and that it was not
// there before.
func (o *otter) contractPages() {
	o.t.Helper()
	made := 0
	for _, d := range o.w.deeds {
		contract, by := d.created, d.from
		for _, op := range d.inner {
			if op.Type >= 2 {
				contract, by = op.To, op.From
			}
		}
		if contract == (common.Address{}) {
			continue
		}
		made++
		o.pages++
		var creator struct {
			Hash    common.Hash    `json:"hash"`
			Creator common.Address `json:"creator"`
		}
		if o.get(&creator, "ots_getContractCreator", contract); creator.Hash != d.tx.Hash() || creator.Creator != by {
			o.t.Errorf("%s: %s was made by %+v, want %s in %s", d.kind, contract, creator, by, d.tx.Hash())
		}
		at := final(o.t, o.n, d.tx.Hash()).BlockNumber.Uint64()
		o.code(contract, at, true)
		o.code(contract, at-1, false)
	}
	if made < 2*townPeople {
		o.t.Errorf("only %d were made", made)
	}
	var none json.RawMessage
	if o.get(&none, "ots_getContractCreator", o.w.friend); string(none) != "null" {
		o.t.Errorf("friend was created: %s", none)
	}
}

// code asks whether an address has code.
func (o *otter) code(a common.Address, at any, want bool) {
	o.t.Helper()
	var has bool
	if o.get(&has, "ots_hasCode", a, at); has != want {
		o.t.Errorf("%s has code at %v: %v", o.w.say(&a), at, has)
	}
}

// search turns the pages of everybody's history, from the newest to the oldest and back:
// each transaction that an account has sent or got, once.
func (o *otter) search() {
	o.t.Helper()
	for _, a := range o.w.people {
		want := map[common.Hash]bool{}
		for _, d := range o.w.deeds {
			if to := d.tx.To(); d.from == a.address || to != nil && *to == a.address {
				want[d.tx.Hash()] = true
			}
		}
		for _, method := range []string{"ots_searchTransactionsBefore", "ots_searchTransactionsAfter"} {
			if seen := o.history(method, a.address); !maps.Equal(seen, want) {
				o.t.Errorf("%s of %s shows %d transactions, want %d", method, a.address, len(seen), len(want))
			}
		}
	}
}

// history turns pages until the last one in a direction.
func (o *otter) history(method string, a common.Address) map[common.Hash]bool {
	o.t.Helper()
	before := method == "ots_searchTransactionsBefore"
	seen := map[common.Hash]bool{}
	for from := uint64(0); ; {
		o.pages++
		var page struct {
			Txs []struct {
				Hash        common.Hash    `json:"hash"`
				BlockNumber hexutil.Uint64 `json:"blockNumber"`
			} `json:"txs"`
			FirstPage bool `json:"firstPage"`
			LastPage  bool `json:"lastPage"`
		}
		o.get(&page, method, a, from, otterPage)
		for i, tx := range page.Txs { // the newest first, in both directions
			if seen[tx.Hash] || i > 0 && tx.BlockNumber > page.Txs[i-1].BlockNumber {
				o.t.Fatalf("%s of %s from %d: transaction %d, %s, comes twice or out of order", method, a, from, i, tx.Hash)
			}
			seen[tx.Hash] = true
		}
		if begins := from == 0; before && page.FirstPage != begins || !before && page.LastPage != begins {
			o.t.Errorf("%s of %s from %d says firstPage %v, lastPage %v", method, a, from, page.FirstPage, page.LastPage)
		}
		if before && page.LastPage || !before && page.FirstPage {
			return seen
		}
		if from = uint64(page.Txs[0].BlockNumber); before {
			from = uint64(page.Txs[len(page.Txs)-1].BlockNumber)
		}
	}
}
