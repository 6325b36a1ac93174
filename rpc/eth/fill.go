package eth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// FillArgs is the transaction object of eth_fillTransaction. Members of a blob
// transaction's sidecar are known only to be refused.
type FillArgs struct {
	CallArgs
	Blobs       json.RawMessage `json:"blobs"`
	Commitments json.RawMessage `json:"commitments"`
	Proofs      json.RawMessage `json:"proofs"`
}

// filled is the answer of eth_fillTransaction: the unsigned transaction as bytes
// and as an object.
type filled struct {
	Raw hexutil.Bytes      `json:"raw"`
	Tx  *types.Transaction `json:"tx"`
}

var (
	errEmptyCreation     = errors.New("contract creation without any data provided")
	errPricedDelegations = errors.New("both gasPrice and authorizationList specified")
)

// FillTransaction returns an unsigned transaction with what was left out filled
// in: nonce, gas, fees and chain id. Nothing is sent.
func (a *API) FillTransaction(ctx context.Context, args FillArgs) (*filled, error) {
	for _, member := range []json.RawMessage{args.Blobs, args.Commitments, args.Proofs} {
		if len(member) > 0 && string(member) != "null" {
			return nil, errBlobs
		}
	}
	c := &args.CallArgs
	if err := c.check(a.cfg.ChainID); err != nil {
		return nil, err
	}
	if c.GasPrice != nil && c.AuthorizationList != nil {
		return nil, errPricedDelegations
	}
	if c.To == nil && len(c.data()) == 0 {
		return nil, errEmptyCreation
	}
	if err := c.fillFees(a.chain.Head().BaseFee); err != nil {
		return nil, err
	}
	if c.Nonce == nil {
		nonce := hexutil.Uint64(a.pool.PendingNonce(c.from()))
		c.Nonce = &nonce
	}
	if c.Gas == nil {
		gas, err := a.EstimateGas(ctx, *c, nil, nil, nil)
		if err != nil {
			return nil, err
		}
		c.Gas = &gas
	}
	tx := c.transaction(a.cfg.ChainID, true)
	raw, err := tx.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("encode the transaction: %w", err)
	}
	return &filled{raw, tx}, nil
}

// fillFees fills in the fees of EIP-1559 where neither style is complete: no tip,
// for there is no competition, and a cap of twice the base fee, as geth.
func (c *CallArgs) fillFees(base *big.Int) error {
	if c.GasPrice != nil {
		return nil
	}
	if c.MaxPriorityFeePerGas == nil {
		c.MaxPriorityFeePerGas = new(hexutil.Big)
	}
	tip := c.MaxPriorityFeePerGas.ToInt()
	if c.MaxFeePerGas == nil {
		limit := new(big.Int).Lsh(base, 1)
		c.MaxFeePerGas = (*hexutil.Big)(limit.Add(limit, tip))
		if limit.BitLen() > 256 {
			return fmt.Errorf("maxPriorityFeePerGas (%v) is too high", c.MaxPriorityFeePerGas)
		}
	}
	if c.MaxFeePerGas.ToInt().Cmp(tip) < 0 {
		return fmt.Errorf("maxFeePerGas (%v) < maxPriorityFeePerGas (%v)", c.MaxFeePerGas, c.MaxPriorityFeePerGas)
	}
	return nil
}
