package txpool

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

func sign(data types.TxData) *types.Transaction {
	return types.MustSignNewTx(key(0), testSigner, data)
}

// TestRefusals holds every reason for which Add refuses, with go-ethereum's text.
func TestRefusals(t *testing.T) {
	legacy := func(change func(*types.LegacyTx)) *types.Transaction {
		tx := &types.LegacyTx{Nonce: 5, To: &sink, Value: new(big.Int), Gas: 21_000, GasPrice: new(big.Int)}
		change(tx)
		return sign(tx)
	}
	dynamic := func(tip, feeCap *big.Int) *types.Transaction {
		return sign(&types.DynamicFeeTx{ChainID: testChain.ChainID, Nonce: 5, To: &sink, Gas: 21_000, GasTipCap: tip, GasFeeCap: feeCap})
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 256)
	foreignSigner := types.LatestSignerForChainID(big.NewInt(1))
	for _, c := range []struct {
		name   string
		change func(*Config)
		price  int64
		before []*types.Transaction
		tx     *types.Transaction
		want   string
	}{
		{name: "nonce too low", tx: legacy(func(x *types.LegacyTx) { x.Nonce = 4 }), want: "nonce too low: next nonce 5, tx nonce 4"},
		{name: "nonce max", tx: legacy(func(x *types.LegacyTx) { x.Nonce = ^uint64(0) }), want: "nonce has max value"},
		{name: "known", before: []*types.Transaction{transfer(0, 5, 1)}, tx: transfer(0, 5, 1), want: "already known"},
		{name: "funds", tx: transfer(0, 5, 1001), want: "insufficient funds for gas * price + value: balance 1000, tx cost 1001, overshot 1"},
		{name: "funds with gas", tx: priced(0, 5, 1, 1), want: "insufficient funds for gas * price + value: balance 1000, tx cost 21000, overshot 20000"},
		{name: "cumulated funds", before: []*types.Transaction{transfer(0, 5, 600)}, tx: transfer(0, 6, 600), want: "insufficient funds for gas * price + value: balance 1000, queued cost 600, tx cost 600, overshot 200"},
		{name: "cost beyond 256 bits", tx: legacy(func(x *types.LegacyTx) { x.GasPrice = new(big.Int).Sub(huge, common.Big1) }), want: "insufficient funds for gas * price + value"},
		{name: "intrinsic gas", tx: legacy(func(x *types.LegacyTx) { x.Gas = 20_000 }), want: "intrinsic gas too low: gas 20000, minimum needed 21000"},
		{name: "floor data gas", tx: legacy(func(x *types.LegacyTx) { x.Gas = 22_000; x.Data = []byte(strings.Repeat("a", 60)) }), want: "insufficient gas for floor data gas cost: gas 22000, minimum needed 23400"},
		{name: "gas cap of Osaka", tx: legacy(func(x *types.LegacyTx) { x.Gas = 1<<24 + 1 }), want: "transaction gas limit too high (cap: 16777216, tx: 16777217)"},
		{name: "init code", tx: legacy(func(x *types.LegacyTx) { x.To = nil; x.Gas = 1 << 24; x.Data = make([]byte, params.MaxInitCodeSize+1) }), want: "max initcode size exceeded: code size 49153 limit 49152"},
		{name: "oversized", tx: legacy(func(x *types.LegacyTx) { x.Gas = 1 << 24; x.Data = make([]byte, 128<<10) }), want: "oversized data: transaction size 131178, limit 131072"},
		{name: "blob", tx: sign(&types.BlobTx{ChainID: uint256.MustFromBig(testChain.ChainID), Nonce: 5, Gas: 21_000, BlobHashes: []common.Hash{{1}}}), want: "transaction type not supported: tx type 3 not supported by this pool"},
		{name: "other chain", tx: types.MustSignNewTx(key(0), foreignSigner, &types.LegacyTx{Nonce: 5, To: &sink, Gas: 21_000, GasPrice: new(big.Int)}), want: "invalid sender: invalid chain id for signer: have 1 want 1337"},
		{name: "unprotected", tx: types.MustSignNewTx(key(0), types.HomesteadSigner{}, &types.LegacyTx{Nonce: 5, To: &sink, Gas: 21_000, GasPrice: new(big.Int)}), want: "only replay-protected (EIP-155) transactions allowed over RPC"},
		{name: "unsigned", tx: types.NewTx(&types.DynamicFeeTx{ChainID: testChain.ChainID, Nonce: 5, To: &sink, Gas: 21_000}), want: "invalid sender: invalid transaction v, r, s values"},
		{name: "tip above cap", tx: dynamic(big.NewInt(2), big.NewInt(1)), want: "max priority fee per gas higher than max fee per gas"},
		{name: "fee cap beyond 256 bits", tx: dynamic(common.Big1, huge), want: "max fee per gas higher than 2^256-1"},
		{name: "tip beyond 256 bits", tx: dynamic(huge, common.Big1), want: "max priority fee per gas higher than 2^256-1"},
		{name: "minimum price", price: 7, tx: transfer(0, 5, 1), want: "max fee per gas less than block base fee: address " + addr(0).Hex() + ", maxFeePerGas: 0, baseFee: 7"},
		{name: "no authorization", tx: sign(&types.SetCodeTx{ChainID: uint256.MustFromBig(testChain.ChainID), Nonce: 5, Gas: 21_000, GasTipCap: new(uint256.Int), GasFeeCap: new(uint256.Int), Value: new(uint256.Int)}), want: "set code tx must have at least one authorization tuple"},
		{name: "replacement at price zero", before: []*types.Transaction{transfer(0, 5, 1)}, tx: transfer(0, 5, 2), want: "replacement transaction underpriced"},
		{name: "full", change: func(c *Config) { c.MaxTransactions, c.MaxQueued = 2, 1 }, before: []*types.Transaction{transfer(0, 5, 1), transfer(0, 6, 1)}, tx: transfer(0, 7, 1), want: "txpool is full"},
		{name: "sender's share", change: func(c *Config) { c.PerSender, c.QueuedPerSender = 1, 1 }, before: []*types.Transaction{transfer(0, 5, 1)}, tx: transfer(0, 6, 1), want: "account limit exceeded: pooled 1 txs"},
		{name: "not permitted", change: func(c *Config) {
			c.Permit = func(common.Address, *types.Transaction) error { return errors.New("account is blocked") }
		}, tx: transfer(0, 5, 1), want: "not permitted: account is blocked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHead()
			h.set(addr(0), 5, 1000)
			if c.price > 0 {
				h.price = big.NewInt(c.price)
			}
			p := newPool(t, h, c.change)
			add(t, p, c.before...)
			err := p.Add(t.Context(), c.tx)
			if err == nil || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if x, ok := p.Explain(c.tx.Hash()); !ok || (c.name != "known" && (x.Status != StatusRefused || x.Reason != c.want)) {
				t.Errorf("explained as %+v, %v", x, ok)
			}
			if n := len(p.all); n != len(c.before) {
				t.Errorf("%d transactions in the pool", n)
			}
			mustHold(t, p)
		})
	}
}

func TestAccepted(t *testing.T) {
	h := newHead()
	h.set(addr(0), 0, 1000)
	p := newPool(t, h, nil)
	auth, err := types.SignSetCode(key(1), types.SetCodeAuthorization{ChainID: *uint256.MustFromBig(testChain.ChainID), Address: sink})
	if err != nil {
		t.Fatal(err)
	}
	txs := []*types.Transaction{
		transfer(0, 0, 1),
		sign(&types.AccessListTx{ChainID: testChain.ChainID, Nonce: 1, To: &sink, Gas: 21_000, GasPrice: new(big.Int)}),
		priced(0, 2, 0, 0),
		sign(&types.SetCodeTx{ChainID: uint256.MustFromBig(testChain.ChainID), Nonce: 3, Gas: 100_000, AuthList: []types.SetCodeAuthorization{auth}, GasTipCap: new(uint256.Int), GasFeeCap: new(uint256.Int), Value: new(uint256.Int)}),
		sign(&types.LegacyTx{Nonce: 4, Gas: 60_000, Data: []byte{0}, GasPrice: new(big.Int)}),
	}
	add(t, p, txs...)
	got := build(p, 10)
	for i, tx := range txs {
		if got[i] != tx {
			t.Errorf("position %d: another pointer than the one added", i)
		}
		if err := CheckStateless(tx, p.Rules()); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckStatelessIgnoresState(t *testing.T) {
	r := RulesOf(Default(testChain))
	if err := CheckStateless(transfer(0, 1<<60, 1<<60), r); err != nil {
		t.Errorf("nonce and balance are not its business: %v", err)
	}
	loose := r
	loose.AllowUnprotected = true
	tx := types.MustSignNewTx(key(0), types.HomesteadSigner{}, &types.LegacyTx{To: &sink, Gas: 21_000, GasPrice: new(big.Int)})
	if err := CheckStateless(tx, r); !errors.Is(err, ErrUnprotected) {
		t.Errorf("got %v", err)
	}
	if err := CheckStateless(tx, loose); err != nil {
		t.Errorf("got %v", err)
	}
	blob := sign(&types.BlobTx{ChainID: uint256.MustFromBig(testChain.ChainID)})
	if err := CheckStateless(blob, r); !errors.Is(err, ErrTypeNotSupported) {
		t.Errorf("got %v", err)
	}
	r.MaxTxBytes = 10
	if err := CheckStateless(transfer(0, 0, 1), r); !errors.Is(err, ErrOversizedData) {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableAccount(t *testing.T) {
	h := newHead()
	h.broken = errBroken
	p := newPool(t, h, nil)
	if err := p.Add(t.Context(), transfer(0, 0, 0)); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	if err := p.Add(ctx, transfer(0, 1, 0)); !errors.Is(err, context.Canceled) {
		t.Fatalf("with all workers busy: %v", err)
	}
}

func TestReplacement(t *testing.T) {
	h := newHead()
	h.set(addr(0), 0, 1_000_000_000)
	p := newPool(t, h, nil)
	old := priced(0, 0, 100, 100)
	add(t, p, old, priced(0, 1, 100, 100))
	for _, c := range []struct{ tip, feeCap uint64 }{{101, 101}, {109, 109}, {100, 200}, {109, 200}} {
		if err := p.Add(t.Context(), priced(0, 0, c.tip, c.feeCap)); !errors.Is(err, ErrReplaceUnderpriced) {
			t.Errorf("tip %d cap %d: %v", c.tip, c.feeCap, err)
		}
	}
	if err := p.Add(t.Context(), priced(0, 0, 110, 47_600)); err == nil || !strings.Contains(err.Error(), "tx bumped") {
		t.Errorf("unaffordable replacement: %v", err)
	}
	better := priced(0, 0, 110, 110)
	add(t, p, better)
	if got := build(p, 9); len(got) != 2 || got[0] != better {
		t.Errorf("built %v", got)
	}
	if x, _ := p.Explain(old.Hash()); x.Status != StatusReplaced || !strings.Contains(x.Reason, "replaced by") {
		t.Errorf("old one explained as %+v", x)
	}
	p.InFlight(1, []*types.Transaction{better})
	if err := p.Add(t.Context(), priced(0, 0, 500, 500)); !errors.Is(err, ErrReplaceUnderpriced) {
		t.Errorf("replaced what is being ordered: %v", err)
	}
	mustHold(t, p)
}

func TestConfigValidate(t *testing.T) {
	c := Default(testChain)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.Chain, c.MaxTransactions, c.Peers, c.GossipInterval, c.QueuedPerSender = nil, 0, 500, 0, c.PerSender+1
	err := c.Validate()
	for _, want := range []string{"chain id", "MaxTransactions is 0", "Peers is 500", "GossipInterval", "QueuedPerSender"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
