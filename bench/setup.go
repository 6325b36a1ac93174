package bench

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"fmt"
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
)

// setup is what must be known before the clock starts.
type setup struct {
	cfg    *Config
	urls   []*endpoint
	signer types.Signer
	price  *big.Int
	keys   []*ecdsa.PrivateKey
	addrs  []common.Address
	nonces []uint64
	token  common.Address // zero unless ERC20
}

// parallel calls fn for 0 … n-1 on all processors.
func parallel(n int, fn func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				fn(i)
			}
		})
	}
	wg.Wait()
}

// prepare reads the chain's parameters and funds the accounts.
func prepare(ctx context.Context, cfg *Config, urls []*endpoint) (*setup, error) {
	s := &setup{cfg: cfg, urls: urls}
	if err := s.chain(ctx); err != nil {
		return nil, err
	}
	if err := s.accounts(); err != nil {
		return nil, err
	}
	short, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return s, s.fund(ctx, short)
}

// chain asks for chain id and gas price; all URLs must be of one chain.
func (s *setup) chain(ctx context.Context) error {
	var first hexutil.Big
	for i, e := range s.urls {
		var id hexutil.Big
		if err := e.rpc.CallContext(ctx, &id, "eth_chainId"); err != nil {
			return fmt.Errorf("bench: %s: %w", e.url, bare(err))
		}
		if i == 0 {
			first = id
		} else if first.ToInt().Cmp(id.ToInt()) != 0 {
			return fmt.Errorf("bench: %s is of chain %v, %s of chain %v", s.urls[0].url, first.ToInt(), e.url, id.ToInt())
		}
	}
	s.signer = types.LatestSignerForChainID(first.ToInt())
	var price hexutil.Big
	if err := s.urls[0].rpc.CallContext(ctx, &price, "eth_gasPrice"); err != nil {
		return fmt.Errorf("bench: gas price: %w", err)
	}
	s.price = price.ToInt()
	return nil
}

// accounts derives the senders from the seed.
func (s *setup) accounts() error {
	n := s.cfg.Accounts
	s.keys, s.addrs = make([]*ecdsa.PrivateKey, n), make([]common.Address, n)
	errs := make([]error, n)
	parallel(n, func(i int) {
		s.keys[i], errs[i] = crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "%s/%d", s.cfg.Seed, i)))
		if errs[i] == nil {
			s.addrs[i] = crypto.PubkeyToAddress(s.keys[i].PublicKey)
		}
	})
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("bench: account %d of seed %q: %w", i, s.cfg.Seed, err)
		}
	}
	return nil
}

// gas is the limit of one transaction of the load.
func (s *setup) gas() uint64 {
	if s.cfg.Kind == ERC20 {
		return gasTokenTransfer
	}
	return gasTransfer
}

// each is the number of transactions of account i.
func (s *setup) each(i int) int {
	n := s.cfg.Txs / s.cfg.Accounts
	if i < s.cfg.Txs%s.cfg.Accounts {
		n++
	}
	return n
}

// need is the balance in wei with which an account gets through the run.
func (s *setup) need() *big.Int {
	cost := new(big.Int).Mul(s.price, new(big.Int).SetUint64(s.gas()))
	if s.cfg.Kind == Transfer {
		cost.Add(cost, common.Big1)
	}
	return cost.Mul(cost, big.NewInt(int64(s.each(0))))
}

// readBatch is the number of questions in one batch of the set-up.
const readBatch = 250

// read fills nonces and lists the accounts whose balance is short.
func (s *setup) read(ctx context.Context) (short []common.Address, err error) {
	s.nonces = make([]uint64, len(s.addrs))
	need := s.need()
	for lo := 0; lo < len(s.addrs); lo += readBatch {
		part := s.addrs[lo:min(lo+readBatch, len(s.addrs))]
		nonces, balances := make([]hexutil.Uint64, len(part)), make([]hexutil.Big, len(part))
		var batch []rpc.BatchElem
		for i, addr := range part {
			batch = append(batch,
				rpc.BatchElem{Method: "eth_getTransactionCount", Args: []any{addr, "pending"}, Result: &nonces[i]},
				rpc.BatchElem{Method: "eth_getBalance", Args: []any{addr, "latest"}, Result: &balances[i]})
		}
		if err := call(ctx, s.urls[0], batch); err != nil {
			return nil, err
		}
		for i := range part {
			s.nonces[lo+i] = uint64(nonces[i])
			if balances[i].ToInt().Cmp(need) < 0 {
				short = append(short, part[i])
			}
		}
	}
	return short, nil
}

// call sends a batch; the first error of an element is the batch's.
func call(ctx context.Context, e *endpoint, batch []rpc.BatchElem) error {
	if err := e.rpc.BatchCallContext(ctx, batch); err != nil {
		return fmt.Errorf("bench: %s: %w", e.url, bare(err))
	}
	for _, b := range batch {
		if b.Error != nil {
			return fmt.Errorf("bench: %s: %s: %w", e.url, b.Method, b.Error)
		}
	}
	return nil
}

// sign makes the load: transaction i is by account i mod A.
func (s *setup) sign() ([]txn, error) {
	txs := make([]txn, s.cfg.Txs)
	errs := make([]error, s.cfg.Accounts)
	a := s.cfg.Accounts
	parallel(a, func(k int) {
		to, value, data := s.addrs[(k+1)%a], common.Big1, []byte(nil)
		if s.cfg.Kind == ERC20 {
			to, value, data = s.token, new(big.Int), callTransfer(to)
		}
		for i := k; i < len(txs); i += a {
			tx, err := types.SignNewTx(s.keys[k], s.signer, &types.LegacyTx{
				Nonce: s.nonces[k] + uint64(i/a), GasPrice: s.price, Gas: s.gas(), To: &to, Value: value, Data: data,
			})
			if err == nil {
				txs[i].hash = tx.Hash()
				txs[i].param, err = rawParam(tx)
			}
			if err != nil {
				errs[k] = err
				return
			}
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("bench: sign: %w", err)
		}
	}
	return txs, nil
}

// rawParam is the transaction as a JSON string.
func rawParam(tx *types.Transaction) ([]byte, error) {
	raw, err := tx.MarshalBinary()
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, 4+2*len(raw))
	out = append(out, `"0x`...)
	out = hex.AppendEncode(out, raw)
	return append(out, '"'), nil
}
