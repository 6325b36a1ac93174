package govern

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/keys"
)

// Limits of what is sent.
const (
	// gasMargin is what a transaction may take above its estimate: the vote before
	// it may make it the one that carries the proposal out.
	gasMargin = 1 << 21
	// maxGas is the least gas cap that the members can set for a transaction.
	maxGas = 1 << 23
	// pollEvery is how often a node is asked whether something has happened.
	pollEvery = 100 * time.Millisecond
)

// Client asks one node. It is safe for concurrent use.
type Client struct {
	rpc *rpc.Client
	eth *ethclient.Client
}

// New makes a client of an open connection, which stays the caller's.
func New(c *rpc.Client) *Client { return &Client{c, ethclient.NewClient(c)} }

// Call is a call of a system contract.
type Call struct {
	To     contracts.Contract
	Method string
	Args   []any
}

// Data encodes the call. Arguments that the method does not take are an error.
func (c Call) Data() ([]byte, error) {
	data, err := c.To.ABI().Pack(c.Method, c.Args...)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", c.Method, c.To.Name, err)
	}
	return data, nil
}

// Proposed returns the call that proposes this one to the members.
func (c Call) Proposed() (Call, error) {
	data, err := c.Data()
	if err != nil {
		return Call{}, err
	}
	return Call{To: c.To, Method: "propose", Args: []any{data}}, nil
}

// Refused is a call that a contract does not carry out.
type Refused struct {
	Contract string
	Reason   string // the contract's error with its arguments
}

func (e *Refused) Error() string {
	return fmt.Sprintf("the contract of the %s refuses it: %s", e.Contract, e.Reason)
}

// Rehearse returns the gas that a call takes in the state of the head, or why it
// would not be carried out.
func (c *Client) Rehearse(ctx context.Context, from common.Address, call Call) (uint64, error) {
	data, err := call.Data()
	if err != nil {
		return 0, err
	}
	gas, err := c.eth.EstimateGas(ctx, ethereum.CallMsg{From: from, To: &call.To.Address, Data: data})
	return gas, explain(call.To, err)
}

// explain turns the revert of a contract into words.
func explain(to contracts.Contract, err error) error {
	var withData rpc.DataError
	if !errors.As(err, &withData) {
		return err
	}
	text, ok := withData.ErrorData().(string)
	if !ok {
		return err
	}
	data, bad := hexutil.Decode(text)
	if bad != nil {
		return err
	}
	reason, known := to.Explain(data)
	if !known {
		return err
	}
	return &Refused{Contract: to.Name, Reason: reason}
}

// Send rehearses a call, signs it as a transaction, and waits until that is final or
// ctx ends.
func (c *Client) Send(ctx context.Context, s keys.Signer, call Call) (*types.Receipt, error) {
	tx, err := c.sign(ctx, s, call)
	if err != nil {
		return nil, err
	}
	if err := c.eth.SendTransaction(ctx, tx); err != nil {
		return nil, fmt.Errorf("the node does not take the transaction: %w", err)
	}
	receipt, err := c.receipt(ctx, tx.Hash())
	if err != nil {
		return nil, fmt.Errorf("transaction %s was sent, but is not final: %w", tx.Hash(), err)
	}
	if receipt.Status != types.ReceiptStatusSuccessful {
		_, why := c.Rehearse(ctx, s.Address(), call) // something came before it
		return nil, errors.Join(fmt.Errorf("transaction %s failed in block %d", tx.Hash(), receipt.BlockNumber), why)
	}
	return receipt, nil
}

func (c *Client) sign(ctx context.Context, s keys.Signer, call Call) (*types.Transaction, error) {
	gas, err := c.Rehearse(ctx, s.Address(), call)
	if err != nil {
		return nil, err
	}
	data, err := call.Data()
	if err != nil {
		return nil, err
	}
	id, err := c.eth.ChainID(ctx)
	if err != nil {
		return nil, err
	}
	nonce, err := c.eth.PendingNonceAt(ctx, s.Address())
	if err != nil {
		return nil, err
	}
	price, err := c.eth.SuggestGasPrice(ctx)
	if err != nil {
		return nil, err
	}
	return keys.SignTransaction(ctx, s, &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: price, GasFeeCap: price, Gas: min(gas+gasMargin, maxGas),
		To: &call.To.Address, Value: new(big.Int), Data: data,
	})
}

func (c *Client) receipt(ctx context.Context, tx common.Hash) (r *types.Receipt, err error) {
	err = c.until(ctx, func() (bool, error) {
		r, err = c.eth.TransactionReceipt(ctx, tx)
		if errors.Is(err, ethereum.NotFound) {
			return false, nil
		}
		return err == nil, err
	})
	return r, err
}

// until asks until something has happened, fails, or ctx ends.
func (c *Client) until(ctx context.Context, happened func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := happened(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// View is what the contracts say at one block.
type View struct {
	c     *Client
	Block uint64
	Time  uint64 // of the block, seconds since 1970
}

// Latest returns the view of the newest final block.
func (c *Client) Latest(ctx context.Context) (*View, error) {
	h, err := c.eth.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &View{c, h.Number.Uint64(), h.Time}, nil
}

// at returns the view of a final block.
func (c *Client) at(ctx context.Context, number uint64) (*View, error) {
	h, err := c.eth.HeaderByNumber(ctx, new(big.Int).SetUint64(number))
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", number, err)
	}
	return &View{c, number, h.Time}, nil
}

// ask returns what a function answers.
func (v *View) ask(ctx context.Context, to contracts.Contract, method string, args ...any) ([]any, error) {
	data, err := Call{to, method, args}.Data()
	if err != nil {
		return nil, err
	}
	answer, err := v.c.eth.CallContract(ctx, ethereum.CallMsg{To: &to.Address, Data: data}, new(big.Int).SetUint64(v.Block))
	if err != nil {
		return nil, explain(to, err)
	}
	if len(answer) == 0 {
		return nil, fmt.Errorf("there is no contract of the %s at %s: this network has no system contracts", to.Name, to.Address)
	}
	return to.ABI().Unpack(method, answer)
}

// one returns the only value that a function answers, as a T. The ABI decides the
// types, so a wrong one is a mistake in this package and panics.
func one[T any](ctx context.Context, v *View, to contracts.Contract, method string, args ...any) (out T, err error) {
	values, err := v.ask(ctx, to, method, args...)
	if err != nil {
		return out, err
	}
	return *abi.ConvertType(values[0], new(T)).(*T), nil
}
