package eth

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	gethmath "github.com/ethereum/go-ethereum/common/math"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// GasPrice returns the price that is accepted: the base fee, which is the
// network's minimum and constant, by default 0. No tip is needed.
func (a *API) GasPrice() *hexutil.Big { return (*hexutil.Big)(baseFee(a.chain.Head())) }

// MaxPriorityFeePerGas returns 0: there is no competition to outbid.
func (a *API) MaxPriorityFeePerGas() *hexutil.Big { return new(hexutil.Big) }

// BlobBaseFee returns the fee of blob gas: the minimum of EIP-4844, for clients
// that ask. Blob transactions are refused.
func (a *API) BlobBaseFee() *hexutil.Big { return (*hexutil.Big)(a.blobFee(a.chain.Head())) }

// BaseFee returns the base fee of the next block.
func (a *API) BaseFee() *hexutil.Big { return (*hexutil.Big)(a.nextBaseFee(a.chain.Head())) }

// feeHistory is closed: no member may be added.
type feeHistory struct {
	OldestBlock      *hexutil.Big     `json:"oldestBlock"`
	Reward           [][]*hexutil.Big `json:"reward,omitempty"`
	BaseFee          []*hexutil.Big   `json:"baseFeePerGas"`
	GasUsedRatio     []float64        `json:"gasUsedRatio"`
	BlobBaseFee      []*hexutil.Big   `json:"baseFeePerBlobGas"`
	BlobGasUsedRatio []float64        `json:"blobGasUsedRatio"`
}

var (
	errInvalidPercentile = errors.New("invalid reward percentile")
	errBeyondHead        = errors.New("request beyond head block")
)

// FeeHistory returns base fees, use of gas and paid tips of a range of blocks.
func (a *API) FeeHistory(ctx context.Context, blocks gethmath.HexOrDecimal64, last gethrpc.BlockNumber, percentiles []float64) (*feeHistory, error) {
	if err := a.checkPercentiles(percentiles); err != nil {
		return nil, err
	}
	newest, ok := a.number(last)
	if !ok {
		return nil, fmt.Errorf("%w: requested %d, head %d", errBeyondHead, last, a.chain.Head().Number)
	}
	count := min(uint64(blocks), a.limits.FeeBlocks, newest+1)
	if count == 0 {
		none := []*hexutil.Big{} // geth leaves these out, against the execution API
		return &feeHistory{OldestBlock: new(hexutil.Big), BaseFee: none, GasUsedRatio: []float64{}, BlobBaseFee: none, BlobGasUsedRatio: []float64{}}, nil
	}
	oldest := newest + 1 - count
	if begin := a.oldest(); oldest < begin && begin <= newest {
		oldest = begin // fewer blocks than asked for, as the answer says
	}
	out := &feeHistory{OldestBlock: (*hexutil.Big)(new(big.Int).SetUint64(oldest))}
	for number := oldest; number <= newest; number++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := a.addFees(out, number, percentiles); err != nil {
			return nil, err
		}
	}
	// Both lists tell the block after the newest, too.
	head, err := a.chain.Header(newest)
	if err != nil {
		return nil, err
	}
	out.BaseFee = append(out.BaseFee, (*hexutil.Big)(a.nextBaseFee(head)))
	out.BlobBaseFee = append(out.BlobBaseFee, (*hexutil.Big)(a.nextBlobFee(head)))
	return out, nil
}

func (a *API) checkPercentiles(percentiles []float64) error {
	if len(percentiles) > a.limits.FeePercentiles {
		return fmt.Errorf("%w: over the query limit %d", errInvalidPercentile, a.limits.FeePercentiles)
	}
	for i, p := range percentiles {
		if p < 0 || p > 100 {
			return fmt.Errorf("%w: %f", errInvalidPercentile, p)
		}
		if i > 0 && p <= percentiles[i-1] {
			return fmt.Errorf("%w: #%d:%f >= #%d:%f", errInvalidPercentile, i-1, percentiles[i-1], i, p)
		}
	}
	return nil
}

// addFees appends one block.
func (a *API) addFees(out *feeHistory, number uint64, percentiles []float64) error {
	h, err := a.chain.Header(number)
	if err != nil {
		return err
	}
	out.BaseFee = append(out.BaseFee, (*hexutil.Big)(baseFee(h)))
	out.GasUsedRatio = append(out.GasUsedRatio, float64(h.GasUsed)/float64(max(h.GasLimit, 1)))
	out.BlobBaseFee = append(out.BlobBaseFee, (*hexutil.Big)(a.blobFee(h)))
	blobs := 0.0
	if limit := eip4844.MaxBlobGasPerBlock(a.cfg, h.Time); h.BlobGasUsed != nil && limit > 0 {
		blobs = float64(*h.BlobGasUsed) / float64(limit)
	}
	out.BlobGasUsedRatio = append(out.BlobGasUsedRatio, blobs)
	if len(percentiles) == 0 {
		return nil
	}
	rewards, err := a.rewards(number, percentiles)
	out.Reward = append(out.Reward, rewards)
	return err
}

// rewards returns the tips at the percentiles, weighted by gas used.
func (a *API) rewards(number uint64, percentiles []float64) ([]*hexutil.Big, error) {
	block, err := a.chain.Block(number)
	if err != nil {
		return nil, err
	}
	out := make([]*hexutil.Big, len(percentiles))
	if len(block.Transactions()) == 0 {
		for i := range out {
			out[i] = new(hexutil.Big)
		}
		return out, nil
	}
	receipts, err := a.receipts(block)
	if err != nil {
		return nil, err
	}
	type paid struct {
		gas uint64
		tip *big.Int
	}
	all := make([]paid, len(receipts))
	for i, tx := range block.Transactions() {
		tip, _ := tx.EffectiveGasTip(block.BaseFee()) // included, so it covers the base fee
		all[i] = paid{receipts[i].GasUsed, tip}
	}
	slices.SortStableFunc(all, func(x, y paid) int { return x.tip.Cmp(y.tip) })
	at, sum := 0, all[0].gas
	for i, p := range percentiles {
		threshold := uint64(float64(block.GasUsed()) * p / 100)
		for sum < threshold && at < len(all)-1 {
			at++
			sum += all[at].gas
		}
		out[i] = (*hexutil.Big)(all[at].tip)
	}
	return out, nil
}

func baseFee(h *types.Header) *big.Int {
	if h.BaseFee == nil {
		return new(big.Int)
	}
	return h.BaseFee
}

func (a *API) blobFee(h *types.Header) *big.Int {
	if h.ExcessBlobGas == nil {
		return new(big.Int)
	}
	return eip4844.CalcBlobFee(a.cfg, h)
}

// nextBaseFee is the base fee of the block after parent; it belongs to the caller.
func (a *API) nextBaseFee(parent *types.Header) *big.Int {
	if a.blocks.BaseFee != nil {
		return a.blocks.BaseFee(parent)
	}
	return new(big.Int).Set(baseFee(parent))
}

// nextBlobFee is the fee of blob gas in the block after h.
func (a *API) nextBlobFee(h *types.Header) *big.Int {
	if h.ExcessBlobGas == nil || h.BlobGasUsed == nil {
		return new(big.Int)
	}
	excess := eip4844.CalcExcessBlobGas(a.cfg, h, h.Time)
	return eip4844.CalcBlobFee(a.cfg, &types.Header{Number: h.Number, Time: h.Time, ExcessBlobGas: &excess})
}
