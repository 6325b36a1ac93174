package bench

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
)

// poll is the pause between two questions of the set-up and of the verification.
const poll = 20 * time.Millisecond

// fund deploys the token if it is needed, and through it pays the accounts that
// are short and gives tokens, up to maxRecipients in one transaction.
func (s *setup) fund(ctx context.Context, short []common.Address) error {
	to, tokens := short, new(big.Int)
	if s.cfg.Kind == ERC20 {
		to, tokens = s.addrs, big.NewInt(int64(s.each(0))+1)
	}
	if len(to) == 0 {
		return nil
	}
	part := new(big.Int)
	if len(short) > 0 {
		part = s.need()
	}
	txs, err := s.fundingTxs(ctx, to, part, tokens)
	if err != nil {
		return err
	}
	s.cfg.Logger.Info("set-up transactions", "count", len(txs), "accounts", len(to), "weiEach", part)
	head, err := s.submit(ctx, txs)
	if err != nil {
		return err
	}
	for _, e := range s.urls {
		if err := reach(ctx, e, head, s.cfg.Stall); err != nil {
			return err
		}
	}
	return nil
}

// fundingTxs signs the deployment and the distributions.
func (s *setup) fundingTxs(ctx context.Context, to []common.Address, part, tokens *big.Int) ([]*types.Transaction, error) {
	token, err := tokenArtifact()
	if err != nil {
		return nil, err
	}
	from := crypto.PubkeyToAddress(s.cfg.Key.PublicKey)
	var (
		nonce   hexutil.Uint64
		balance hexutil.Big
		header  struct{ GasLimit hexutil.Uint64 }
	)
	if err := call(ctx, s.urls[0], []rpc.BatchElem{
		{Method: "eth_getTransactionCount", Args: []any{from, "pending"}, Result: &nonce},
		{Method: "eth_getBalance", Args: []any{from, "latest"}, Result: &balance},
		{Method: "eth_getBlockByNumber", Args: []any{"latest", false}, Result: &header},
	}); err != nil {
		return nil, err
	}
	s.token = crypto.CreateAddress(from, uint64(nonce))
	plain := []types.LegacyTx{{Gas: gasDeploy, Data: token.Bytecode, Value: new(big.Int)}}
	size := max(1, min(maxRecipients, int(uint64(header.GasLimit)/gasPerRecipient)))
	for ; len(to) > 0; to = to[min(size, len(to)):] {
		now := to[:min(size, len(to))]
		plain = append(plain, types.LegacyTx{
			To: &s.token, Gas: uint64(max(2, len(now))) * gasPerRecipient, Data: callDistribute(now, tokens),
			Value: new(big.Int).Mul(part, big.NewInt(int64(len(now)))),
		})
	}
	total, out := new(big.Int), make([]*types.Transaction, len(plain))
	for i := range plain {
		plain[i].Nonce, plain[i].GasPrice = uint64(nonce)+uint64(i), s.price
		if out[i], err = types.SignNewTx(s.cfg.Key, s.signer, &plain[i]); err != nil {
			return nil, fmt.Errorf("bench: sign: %w", err)
		}
		total.Add(total, out[i].Cost())
	}
	if balance.ToInt().Cmp(total) < 0 {
		return nil, fmt.Errorf("bench: account %v has %v wei, the set-up needs %v: choose another payer with --key, fewer --txs or --accounts", from, balance.ToInt(), total)
	}
	return out, nil
}

// receipt is the part of one that matters here.
type receipt struct {
	TransactionHash common.Hash    `json:"transactionHash"`
	BlockNumber     hexutil.Uint64 `json:"blockNumber"`
	Status          hexutil.Uint64 `json:"status"`
	GasUsed         hexutil.Uint64 `json:"gasUsed"`
}

// submit sends the transactions in order and waits until all have succeeded. It
// returns the highest block number concerned.
func (s *setup) submit(ctx context.Context, txs []*types.Transaction) (head uint64, err error) {
	for _, tx := range txs {
		raw, err := tx.MarshalBinary()
		if err != nil {
			return 0, fmt.Errorf("bench: %w", err)
		}
		var hash common.Hash
		if err := s.urls[0].rpc.CallContext(ctx, &hash, "eth_sendRawTransaction", hexutil.Bytes(raw)); err != nil {
			return 0, fmt.Errorf("bench: set-up transaction refused by %s: %w", s.urls[0].url, err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Stall, fmt.Errorf("bench: set-up transactions not mined within %v", s.cfg.Stall))
	defer cancel()
	for _, tx := range txs {
		for {
			var r *receipt
			if err := s.urls[0].rpc.CallContext(ctx, &r, "eth_getTransactionReceipt", tx.Hash()); err != nil {
				return 0, cause(ctx, err)
			}
			if r == nil {
				if err := pause(ctx, poll); err != nil {
					return 0, err
				}
				continue
			}
			if r.Status != 1 {
				return 0, fmt.Errorf("bench: set-up transaction %v failed in block %d", tx.Hash(), r.BlockNumber)
			}
			head = max(head, uint64(r.BlockNumber))
			break
		}
	}
	return head, nil
}

// reach waits until the node has block number.
func reach(ctx context.Context, e *endpoint, number uint64, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("bench: %s has not reached block %d within %v", e.url, number, limit))
	defer cancel()
	for {
		var head hexutil.Uint64
		if err := e.rpc.CallContext(ctx, &head, "eth_blockNumber"); err != nil {
			return cause(ctx, err)
		}
		if uint64(head) >= number {
			return nil
		}
		if err := pause(ctx, poll); err != nil {
			return err
		}
	}
}

// pause waits, or returns why it must not.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// cause prefers the reason for which ctx ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("bench: %w", err)
}
