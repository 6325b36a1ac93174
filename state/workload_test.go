package state

import (
	"math/big"
	"math/rand"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Small contracts, as runtime code; arguments are 32-byte words of call data.
var (
	storer   = common.FromHex("602035600035550000")       // SSTORE(word 0, word 1)
	reverter = common.FromHex("6020356000355560006000fd") // SSTORE, then REVERT
	logger   = common.FromHex("60003560206000a100")       // LOG1(memory 0..32, topic word 0)
	killer   = common.FromHex("600035ff")                 // SELFDESTRUCT(word 0)
	ephemera = common.FromHex("600160015533ff")           // init code: SSTORE(1, 1), SELFDESTRUCT(caller)
)

// deploy is init code that returns runtime code.
func deploy(runtime []byte) []byte {
	n := len(runtime)
	init := []byte{0x61, byte(n >> 8), byte(n), 0x80, 0x60, 12, 0x60, 0, 0x39, 0x60, 0, 0xf3} // PUSH2 n DUP1 PUSH1 12 PUSH1 0 CODECOPY PUSH1 0 RETURN
	return append(init, runtime...)
}

// words encodes call data.
func words(ws ...uint64) []byte {
	var out []byte
	for _, w := range ws {
		out = append(out, common.BigToHash(new(big.Int).SetUint64(w)).Bytes()...)
	}
	return out
}

// workload makes random transactions, valid and invalid, from a seed.
type workload struct {
	rng       *rand.Rand
	users     []*user
	contracts []common.Address // storer, reverter, logger, killer
	recent    []*types.Transaction
}

func newWorkload(seed int64, us []*user) *workload {
	return &workload{rng: rand.New(rand.NewSource(seed)), users: us}
}

// setup deploys the contracts, from user 0.
func (w *workload) setup() []*types.Transaction {
	var txs []*types.Transaction
	for _, code := range [][]byte{storer, reverter, logger, killer} {
		w.contracts = append(w.contracts, crypto.CreateAddress(w.users[0].addr, w.users[0].nonce))
		txs = append(txs, w.users[0].sign(nil, 0, 500_000, deploy(code)))
	}
	return txs
}

// transaction makes one.
func (w *workload) transaction() *types.Transaction {
	u := w.users[w.rng.Intn(len(w.users))]
	to := common.BigToAddress(big.NewInt(0x1000 + w.rng.Int63n(60)))
	switch w.rng.Intn(12) {
	case 0:
		return u.sign(nil, 0, 500_000, deploy(storer))
	case 1:
		return u.sign(nil, 3, 500_000, ephemera)
	case 2, 3, 4:
		return u.sign(&w.contracts[0], 0, 200_000, words(uint64(w.rng.Intn(40)), uint64(w.rng.Intn(3))*uint64(w.rng.Int63())))
	case 5:
		return u.sign(&w.contracts[1], 0, 200_000, words(uint64(w.rng.Intn(40)), 5))
	case 6:
		return u.sign(&w.contracts[2], 0, 200_000, words(uint64(w.rng.Intn(5))))
	case 7:
		return u.sign(&w.contracts[3], 9, 200_000, words(uint64(0x1000+w.rng.Intn(60))))
	case 8:
		return w.invalid(u)
	}
	return u.sign(&to, 1+w.rng.Int63n(1000), 21000, nil)
}

// invalid makes a transaction that must be skipped, without using up a nonce.
func (w *workload) invalid(u *user) *types.Transaction {
	defer func(n uint64) { u.nonce = n }(u.nonce)
	to := common.Address{1}
	switch w.rng.Intn(7) {
	case 0: // repeated
		if len(w.recent) > 0 {
			return w.recent[w.rng.Intn(len(w.recent))]
		}
		fallthrough
	case 1: // a gap
		u.nonce += 5
		return u.sign(&to, 1, 21000, nil)
	case 2: // too expensive
		return u.sign(&to, 2e18, 21000, nil)
	case 3: // too little gas
		return u.sign(&to, 1, 20999, nil)
	case 4: // above the cap of EIP-7825
		return u.sign(&to, 1, 1<<24+1, nil)
	case 5: // a blob
		return types.MustSignNewTx(u.key, types.LatestSigner(osaka()), &types.BlobTx{ChainID: uint256.NewInt(1234), Nonce: u.nonce, To: to, Gas: 21000, BlobFeeCap: uint256.NewInt(9), BlobHashes: []common.Hash{{1}}})
	}
	// another chain
	return types.MustSignNewTx(u.key, types.LatestSignerForChainID(big.NewInt(9)), &types.DynamicFeeTx{ChainID: big.NewInt(9), Nonce: u.nonce, To: &to, Gas: 21000})
}

// batch makes up to n transactions.
func (w *workload) batch(n int) []*types.Transaction {
	txs := make([]*types.Transaction, w.rng.Intn(n+1))
	for i := range txs {
		txs[i] = w.transaction()
		w.recent = append(w.recent, txs[i])
	}
	return txs
}

// nonces remembers what the users have used, for a rollback.
func (w *workload) nonces() func() {
	saved := make([]uint64, len(w.users))
	for i, u := range w.users {
		saved[i] = u.nonce
	}
	return func() {
		for i, u := range w.users {
			u.nonce = saved[i]
		}
	}
}

func TestContractsOfTheWorkload(t *testing.T) {
	if len(logger) != 9 || deploy(storer)[12] != storer[0] {
		t.Fatalf("the contracts are garbled: %x", logger)
	}
}
