package eth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// Codes of eth_sendRawTransactionSync (EIP-7966); the data is the hash.
const (
	codeNotProcessed = 4 // not in a block in time
	codeNotReady     = 5 // the pool holds it back: nonces are missing, or funds
)

// Millis is a time in milliseconds. Geth takes a number, the EIP and viem send a
// quantity: both are read.
type Millis uint64

// UnmarshalJSON implements json.Unmarshaler.
func (m *Millis) UnmarshalJSON(data []byte) error {
	if strings.HasPrefix(string(data), `"`) {
		return (*hexutil.Uint64)(m).UnmarshalJSON(data)
	}
	return json.Unmarshal(data, (*uint64)(m))
}

// SendRawTransactionSync hands a signed transaction to the pool and waits for
// its receipt, which is final. Without a timeout, or with 0, a default holds;
// one that is too long is cut.
func (a *API) SendRawTransactionSync(ctx context.Context, raw hexutil.Bytes, timeout *Millis) (json.RawMessage, error) {
	if a.feed == nil {
		return nil, errors.New("this node has no feed of blocks to wait for: use eth_sendRawTransaction")
	}
	select {
	case a.waits <- struct{}{}:
		defer func() { <-a.waits }()
	default:
		return nil, rpc.LimitExceeded("%d calls of eth_sendRawTransactionSync wait already, the limit is that: use eth_sendRawTransaction", a.limits.SyncSends)
	}
	events := a.feed.Subscribe(a.limits.FeedBuffer) // before sending: no block is missed
	defer events.Close()
	hash, err := a.SendRawTransaction(ctx, raw)
	if err != nil {
		return nil, err
	}
	limit := a.syncTimeout(timeout)
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if a.heldBack(hash) {
		// What it waits for may be on its way, sent a moment later.
		grace, cancel := context.WithTimeout(wait, a.limits.SyncGrace)
		receipt, err := a.await(grace, events, hash)
		cancel()
		if receipt != nil || !errors.Is(err, context.DeadlineExceeded) {
			return receipt, err
		}
		if a.heldBack(hash) {
			return nil, syncError(codeNotReady, hash, "The transaction was added to the transaction pool but wasn't processed due to a missing nonce or insufficient funds")
		}
	}
	receipt, err := a.await(wait, events, hash)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, syncError(codeNotProcessed, hash, fmt.Sprintf("The transaction was added to the transaction pool but wasn't processed in %v", limit))
	}
	return receipt, err
}

func syncError(code int, hash common.Hash, message string) error {
	return &rpc.Error{Code: code, Message: message, Data: hash.Hex()}
}

// syncTimeout is how long a call waits.
func (a *API) syncTimeout(wanted *Millis) time.Duration {
	if wanted == nil || *wanted == 0 {
		return a.limits.SyncTimeout
	}
	longest := a.limits.SyncMaxTimeout
	if *wanted > Millis(longest/time.Millisecond) {
		return longest
	}
	return time.Duration(*wanted) * time.Millisecond
}

// heldBack reports whether the pool waits for something before it offers a
// transaction to a block.
func (a *API) heldBack(hash common.Hash) bool {
	tx := a.pool.Get(hash)
	if tx == nil {
		return false // in a block already, or dropped
	}
	from, err := types.Sender(types.LatestSigner(a.cfg), tx)
	return err == nil && tx.Nonce() >= a.pool.PendingNonce(from)
}

// await returns the receipt of a transaction as soon as it is in a block.
func (a *API) await(ctx context.Context, events Events, hash common.Hash) (json.RawMessage, error) {
	receipt, err := a.GetTransactionReceipt(hash)
	if err != nil || string(receipt) != string(null) {
		return receipt, err
	}
	for {
		block, receipts, err := events.Next(ctx)
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for i, tx := range block.Transactions() {
			if tx.Hash() == hash && i < len(receipts) {
				place := ethjson.PlaceOf(block)
				place.Index = uint64(i)
				return ethjson.Receipt(receipts[i], tx, place, a.signerAt(block.Header())), nil
			}
		}
	}
}
