package txpool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
	"github.com/quorate/quorate/txpool"
)

// Pool is what is asked of a pool; *txpool.Pool is one. Safe for concurrent use.
type Pool interface {
	Stats() (executable, queued int)
	Content() (executable, queued map[common.Address][]*types.Transaction)
	ContentFrom(addr common.Address) (executable, queued []*types.Transaction)
	Explain(hash common.Hash) (txpool.Explanation, bool)
}

// Chain finds final transactions. Safe for concurrent use.
type Chain interface {
	Head() *types.Header
	Lookup(txHash common.Hash) (number, index uint64, ok bool, err error)
	Receipts(number uint64) (types.Receipts, error)
}

// API has one method per txpool_ method; register it as "txpool".
type API struct {
	pool   Pool
	chain  Chain
	signer types.Signer
	limits rpc.Limits
	dumps  chan struct{} // one token per dump of the pool at work
}

// New returns the methods. The signer finds the senders.
func New(pool Pool, chain Chain, signer types.Signer, limits rpc.Limits) (*API, error) {
	if pool == nil || chain == nil || signer == nil {
		return nil, errors.New("rpc/txpool: pool, chain and signer are required")
	}
	return &API{pool, chain, signer, limits, make(chan struct{}, max(1, limits.PoolDumps))}, limits.Validate()
}

// Status returns how many transactions wait.
func (a *API) Status() map[string]hexutil.Uint {
	pending, queued := a.pool.Stats()
	return map[string]hexutil.Uint{"pending": hexutil.Uint(pending), "queued": hexutil.Uint(queued)}
}

// byNonce are the transactions of one sender: decimal nonce → transaction.
type byNonce map[string]json.RawMessage

// Content returns every transaction that waits, by sender and nonce.
func (a *API) Content(ctx context.Context) (map[string]map[string]byNonce, error) {
	return a.dump(ctx, a.object)
}

// Inspect returns every transaction that waits in a line of text.
func (a *API) Inspect(ctx context.Context) (map[string]map[string]byNonce, error) {
	return a.dump(ctx, inspect)
}

// ContentFrom returns the transactions of one sender that wait, by nonce.
func (a *API) ContentFrom(addr common.Address) (map[string]byNonce, error) {
	pending, queued := a.pool.ContentFrom(addr)
	left := a.limits.PoolBytes
	out := make(map[string]byNonce, 2)
	var err error
	if out["pending"], err = a.list(pending, a.object, &left); err != nil {
		return nil, err
	}
	out["queued"], err = a.list(queued, a.object, &left)
	return out, err
}

// dump shows the whole pool.
func (a *API) dump(ctx context.Context, show func(*types.Transaction) json.RawMessage) (map[string]map[string]byNonce, error) {
	select {
	case a.dumps <- struct{}{}:
		defer func() { <-a.dumps }()
	case <-ctx.Done():
		return nil, &rpc.Error{Code: rpc.CodeTimeout, Message: "request timed out: the node is busy with other dumps of the pool"}
	}
	pending, queued := a.pool.Content()
	left := a.limits.PoolBytes
	out := make(map[string]map[string]byNonce, 2)
	for name, senders := range map[string]map[common.Address][]*types.Transaction{"pending": pending, "queued": queued} {
		out[name] = make(map[string]byNonce, len(senders))
		for addr, txs := range senders {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			list, err := a.list(txs, show, &left)
			if err != nil {
				return nil, err
			}
			out[name][addr.Hex()] = list
		}
	}
	return out, nil
}

// list shows the transactions of one sender; left is what the answer may still grow
// by, in bytes.
func (a *API) list(txs []*types.Transaction, show func(*types.Transaction) json.RawMessage, left *int) (byNonce, error) {
	const nonceBytes = 24 // the key beside it
	out := make(byNonce, len(txs))
	for _, tx := range txs {
		text := show(tx)
		if *left -= len(text) + nonceBytes; *left < 0 {
			return nil, &rpc.Error{Code: rpc.CodeTooLarge, Message: fmt.Sprintf("response too large: the pool holds more than %d bytes of JSON (limit PoolBytes); ask txpool_status, or txpool_contentFrom for one sender", a.limits.PoolBytes)}
		}
		out[strconv.FormatUint(tx.Nonce(), 10)] = text
	}
	return out, nil
}

func (a *API) object(tx *types.Transaction) json.RawMessage {
	return ethjson.Transaction(tx, nil, a.signer)
}

// inspect is geth's line.
func inspect(tx *types.Transaction) json.RawMessage {
	to := "contract creation"
	if tx.To() != nil {
		to = tx.To().Hex()
	}
	return json.RawMessage(fmt.Sprintf(`"%s: %v wei + %v gas × %v wei"`, to, tx.Value(), tx.Gas(), tx.GasPrice()))
}
