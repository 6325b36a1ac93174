package txpool

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/txpool"
)

// Fate is what is, or became, of a transaction.
type Fate struct {
	Status      string          `json:"status"`                // pending, queued, mined, refused, replaced, expired, dropped or unknown
	Reason      string          `json:"reason,omitempty"`      // why, or what it waits for
	BlockNumber *hexutil.Uint64 `json:"blockNumber,omitempty"` // that holds it; of a transaction refused by the execution: whose batch held it
	Time        *hexutil.Uint64 `json:"time,omitempty"`        // when this became so for this node, milliseconds since 1970
}

// Texts for what the pool has no reason for.
const (
	ready     = "can be executed: waits for its turn in a batch"
	inFlight  = "in a batch that is being ordered or executed"
	failed    = "in a block, but its execution failed: see the receipt"
	forgotten = "not in a block, and never seen by this node, or longer ago than it remembers"
)

// Explain tells what became of a transaction: whether it waits and for what, is in a
// block, or why it never will be.
func (a *API) Explain(hash common.Hash) (*Fate, error) {
	x, known := a.pool.Explain(hash)
	switch x.Status {
	case txpool.StatusQueued:
		return fate("queued", x.Reason, x), nil
	case txpool.StatusExecutable:
		return fate("pending", ready, x), nil
	case txpool.StatusInFlight:
		return fate("pending", inFlight, x), nil
	}
	if mined, err := a.mined(hash); mined != nil || err != nil {
		return mined, err
	}
	if !known || x.Status == txpool.StatusMined { // the chain knows better
		return &Fate{Status: "unknown", Reason: forgotten}, nil
	}
	return fate(string(x.Status), x.Reason, x), nil
}

func fate(status, reason string, x txpool.Explanation) *Fate {
	f := &Fate{Status: status, Reason: reason}
	if x.Block > 0 {
		f.BlockNumber = (*hexutil.Uint64)(&x.Block)
	}
	if !x.Time.IsZero() {
		ms := hexutil.Uint64(x.Time.UnixMilli())
		f.Time = &ms
	}
	return f
}

// mined looks a transaction up in the chain: nil if it is in no final block.
func (a *API) mined(hash common.Hash) (*Fate, error) {
	number, index, ok, err := a.chain.Lookup(hash)
	if err != nil || !ok || number > a.chain.Head().Number.Uint64() {
		return nil, err
	}
	f := &Fate{Status: "mined", BlockNumber: (*hexutil.Uint64)(&number)}
	receipts, err := a.chain.Receipts(number)
	if err == nil && index < uint64(len(receipts)) && receipts[index].Status == types.ReceiptStatusFailed {
		f.Reason = failed
	}
	return f, err
}
