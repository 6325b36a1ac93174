package gethdiff

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain/chaintest"
)

// tip is what every transaction pays: go-ethereum's pool takes none for free.
var tip = big.NewInt(params.GWei)

func sign(t *testing.T, u *chaintest.User, chainID int64, tx types.TxData) *types.Transaction {
	t.Helper()
	return types.MustSignNewTx(u.Key, types.LatestSignerForChainID(big.NewInt(chainID)), tx)
}

// send submits to both and wants the same answer.
func (p *pair) send(t *testing.T, tx *types.Transaction) answer {
	t.Helper()
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return p.same(t, "eth_sendRawTransaction", hexutil.Encode(raw))
}

func (p *pair) accepted(t *testing.T, tx *types.Transaction) *types.Transaction {
	t.Helper()
	if a := p.send(t, tx); a.Result == nil {
		t.Fatalf("refused by both: %s", a.Text)
	}
	p.waiting++
	return tx
}

// legacy is a transaction with the usual price.
func legacy(nonce uint64, to *common.Address, gas uint64, data []byte) *types.LegacyTx {
	return &types.LegacyTx{Nonce: nonce, To: to, Gas: gas, GasPrice: tip, Data: data}
}

// TestRefusals: what both refuse, with the same code and text.
func TestRefusals(t *testing.T) {
	p := newPair(t, 3, accounts())
	u, id := p.net.Users[0], int64(chaintest.ChainID)
	to := contract("stop")
	p.accepted(t, sign(t, u, id, legacy(0, &to, 30_000, nil)))
	p.seal(t)
	waiting := p.accepted(t, sign(t, u, id, legacy(1, &to, 30_000, nil)))
	poor := &chaintest.User{Key: chaintest.Key("nobody")}
	dynamic := func(nonce uint64, cap, tip int64, gas uint64) *types.DynamicFeeTx {
		return &types.DynamicFeeTx{ChainID: big.NewInt(id), Nonce: nonce, To: &to, Gas: gas, GasFeeCap: big.NewInt(cap), GasTipCap: big.NewInt(tip)}
	}
	wealth := new(big.Int).Mul(big.NewInt(2000), big.NewInt(params.Ether))
	for name, tx := range map[string]*types.Transaction{
		"already known":           waiting,
		"nonce too low":           sign(t, u, id, legacy(0, &to, 30_001, nil)),
		"underpriced replacement": sign(t, u, id, legacy(1, &to, 30_002, nil)),
		"no funds at all":         sign(t, poor, id, legacy(0, &to, 30_000, nil)),
		"value above balance":     sign(t, p.net.Users[1], id, &types.LegacyTx{To: &to, Gas: 30_000, GasPrice: tip, Value: wealth}),
		"intrinsic gas":           sign(t, u, id, legacy(2, &to, 20_999, nil)),
		"intrinsic gas of data":   sign(t, u, id, legacy(2, &to, 21_100, make([]byte, 100))),
		"floor gas of data":       sign(t, u, id, legacy(2, &to, 25_500, []byte("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"))),
		"above the cap":           sign(t, u, id, legacy(2, &to, params.MaxTxGas+1, nil)),
		"above the block":         sign(t, u, id, legacy(2, &to, p.net.Genesis.Params.BlockGasLimit+1, nil)),
		"tip above fee cap":       sign(t, u, id, dynamic(2, 1, 2, 30_000)),
		"init code too large":     sign(t, u, id, legacy(2, nil, 5_000_000, make([]byte, params.MaxInitCodeSize+1))),
		"too large":               sign(t, u, id, legacy(2, &to, 5_000_000, make([]byte, 140<<10))),
		"other chain":             sign(t, u, 99, &types.DynamicFeeTx{ChainID: big.NewInt(99), Nonce: 2, To: &to, Gas: 30_000, GasFeeCap: tip, GasTipCap: tip}),
		"other chain, legacy":     sign(t, u, 99, legacy(2, &to, 30_000, nil)),
		"unprotected":             types.MustSignNewTx(u.Key, types.HomesteadSigner{}, legacy(2, &to, 30_000, nil)),
		"no authorization":        sign(t, u, id, &types.SetCodeTx{ChainID: uint256.NewInt(uint64(id)), Nonce: 2, To: to, Gas: 60_000, GasFeeCap: uint256.MustFromBig(tip), GasTipCap: uint256.MustFromBig(tip)}),
	} {
		t.Run(name, func(t *testing.T) {
			if a := p.send(t, tx); a.Result != nil {
				t.Errorf("accepted by both: the case shows nothing")
			}
		})
	}
	for name, raw := range map[string]string{
		"empty": "0x", "a byte": "0x05", "a type without body": "0x02", "unknown type": "0x05c0", "no list": "0x8080", "cut": "0xf86b80", "no hex": "zz",
	} {
		t.Run(name, func(t *testing.T) { p.same(t, "eth_sendRawTransaction", raw) })
	}
}
