package index

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
)

// TransferFilter says whose transfers are wanted; one of both must be there.
type TransferFilter struct {
	Token   *common.Address `json:"token"`   // of this token; absent: of all
	Address *common.Address `json:"address"` // from or to this address; absent: of all
}

// TokenTransfer is what an event says of a token.
type TokenTransfer struct {
	BlockNumber      hexutil.Uint64 `json:"blockNumber"`      // where the event is
	TransactionHash  common.Hash    `json:"transactionHash"`  // that has written it
	TransactionIndex hexutil.Uint64 `json:"transactionIndex"` // in the block
	LogIndex         hexutil.Uint64 `json:"logIndex"`         // in the block; the ids of one batch have the same
	Timestamp        hexutil.Uint64 `json:"timestamp"`        // of the block, seconds since 1970
	Token            common.Address `json:"token"`            // the contract
	Standard         string         `json:"standard"`         // ERC20, ERC721 or ERC1155: that of the event
	From             common.Address `json:"from"`             // zero: made
	To               common.Address `json:"to"`               // zero: burnt
	Value            *hexutil.Big   `json:"value"`            // 1 for ERC-721; not null
	ID               *hexutil.Big   `json:"id"`               // of which; null for ERC-20
}

// TransferPage is a part of a list of transfers.
type TransferPage struct {
	Items []TokenTransfer `json:"items"` // newest first; the ids of one batch in their order
	Next  *string         `json:"next"`  // cursor of the next page; null after the last
}

// TokenTransfers returns the transfers of a token, of an address, or of a token from
// and to an address, newest first. It needs the token index.
func (a *API) TokenTransfers(ctx context.Context, filter TransferFilter, page *Paging) (*TransferPage, error) {
	if a.d.Tokens == nil {
		return nil, errNoTokens
	}
	if filter.Token == nil && filter.Address == nil {
		return nil, rpc.InvalidParams(`no token and no address: want {"token": …}, {"address": …} or both`)
	}
	size, err := page.size()
	if err != nil {
		return nil, err
	}
	from, sub, err := page.places()
	if err != nil {
		return nil, err
	}
	out := &TransferPage{Items: []TokenTransfer{}}
	r := reader{chain: a.d.Chain}
	start := from
	err = a.d.Tokens.Transfers(ctx, filter.Token, filter.Address, from, a.head(), func(p index.Place) (bool, error) {
		b, err := r.at(p.Number)
		if err != nil {
			return false, err
		}
		list, err := transfersAt(b, p.Index)
		if err != nil {
			return false, err
		}
		skip := uint64(0)
		if p == start {
			skip = min(sub, uint64(len(list)))
		}
		for i := skip; i < uint64(len(list)); i++ {
			if len(out.Items) == size {
				out.Next = mark(p, i)
				return false, nil
			}
			out.Items = append(out.Items, list[i])
		}
		return true, nil
	})
	return out, err
}

// transfersAt shows the transfers that one log of a block tells of.
func transfersAt(b *block, ordinal uint64) ([]TokenTransfer, error) {
	log := logAt(b.receipts, ordinal)
	if log == nil {
		return nil, fmt.Errorf("block %d has no log %d, which the index names: rebuild it", b.NumberU64(), ordinal)
	}
	standard, list, _ := index.Transfers(log)
	out := make([]TokenTransfer, len(list))
	for i := range list {
		x := &list[i]
		out[i] = TokenTransfer{
			BlockNumber: hexutil.Uint64(b.NumberU64()), TransactionHash: log.TxHash, TransactionIndex: hexutil.Uint64(log.TxIndex), LogIndex: hexutil.Uint64(log.Index),
			Timestamp: hexutil.Uint64(b.Time()), Token: log.Address, Standard: standard.String(), From: x.From, To: x.To, Value: amount(&x.Value),
		}
		if standard.HasIDs() {
			out[i].ID = amount(&x.ID)
		}
	}
	return out, nil
}

// logAt returns a log by its ordinal in the block, nil if there is none.
func logAt(receipts types.Receipts, ordinal uint64) *types.Log {
	for _, r := range receipts {
		if ordinal < uint64(len(r.Logs)) {
			return r.Logs[ordinal]
		}
		ordinal -= uint64(len(r.Logs))
	}
	return nil
}
