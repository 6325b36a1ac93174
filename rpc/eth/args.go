package eth

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// CallArgs is the transaction object of eth_call, eth_estimateGas,
// eth_createAccessList, eth_simulateV1 and eth_fillTransaction. Every member is
// optional.
type CallArgs struct {
	From                 *common.Address              `json:"from"`
	To                   *common.Address              `json:"to"`
	Gas                  *hexutil.Uint64              `json:"gas"`
	GasPrice             *hexutil.Big                 `json:"gasPrice"`
	MaxFeePerGas         *hexutil.Big                 `json:"maxFeePerGas"`
	MaxPriorityFeePerGas *hexutil.Big                 `json:"maxPriorityFeePerGas"`
	Value                *hexutil.Big                 `json:"value"`
	Nonce                *hexutil.Uint64              `json:"nonce"`
	Data                 *hexutil.Bytes               `json:"data"`  // the older name
	Input                *hexutil.Bytes               `json:"input"` // wins over data
	AccessList           *types.AccessList            `json:"accessList"`
	ChainID              *hexutil.Big                 `json:"chainId"`
	BlobHashes           []common.Hash                `json:"blobVersionedHashes"`
	BlobFeeCap           *hexutil.Big                 `json:"maxFeePerBlobGas"`
	AuthorizationList    []types.SetCodeAuthorization `json:"authorizationList"`
}

var (
	errTwoFeeStyles = errors.New("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
	errTwoData      = errors.New(`both "data" and "input" are set and not equal. Please use "input" to pass transaction call data`)
	errBlobs        = fmt.Errorf("%w: this network takes no blob transactions", types.ErrTxTypeNotSupported)
	errLoneBlobFee  = errors.New("maxFeePerBlobGas specified without blobVersionedHashes")
)

// check refuses what no transaction of this network can have.
func (c *CallArgs) check(chainID *big.Int) error {
	switch {
	case len(c.BlobHashes) > 0:
		return errBlobs
	case c.BlobFeeCap != nil:
		return errLoneBlobFee
	}
	return c.checkShape(chainID)
}

// checkShape refuses combinations that no transaction can have, blobs included.
func (c *CallArgs) checkShape(chainID *big.Int) error {
	switch {
	case c.GasPrice != nil && (c.MaxFeePerGas != nil || c.MaxPriorityFeePerGas != nil):
		return errTwoFeeStyles
	case c.To == nil && c.BlobHashes != nil:
		return core.ErrBlobTxCreate
	case c.To == nil && c.AuthorizationList != nil:
		return core.ErrSetCodeTxCreate
	case c.Data != nil && c.Input != nil && string(*c.Data) != string(*c.Input):
		return errTwoData
	case c.ChainID != nil && c.ChainID.ToInt().Cmp(chainID) != 0:
		return fmt.Errorf("chainId does not match node's (have=%v, want=%v)", c.ChainID.ToInt(), chainID)
	}
	return nil
}

func (c *CallArgs) from() common.Address {
	if c.From == nil {
		return common.Address{}
	}
	return *c.From
}

func (c *CallArgs) data() []byte {
	switch {
	case c.Input != nil:
		return *c.Input
	case c.Data != nil:
		return *c.Data
	}
	return nil
}

// message turns arguments into what the EVM runs, with at most gasCap gas; an
// omitted gas is defaultGas. The nonce and the sender's code are not checked.
func (c *CallArgs) message(base *big.Int, defaultGas, gasCap uint64) *core.Message {
	m := c.checked(base)
	m.GasLimit = defaultGas
	if c.Gas != nil {
		m.GasLimit = min(uint64(*c.Gas), gasCap)
	}
	return m.SkipNonceCheck()
}

// checked is a message with exactly the given gas, whose nonce is checked; the
// sender's code is not, nor the cap of EIP-7825 on the gas.
func (c *CallArgs) checked(base *big.Int) *core.Message {
	m := &core.Message{
		From: c.from(), To: c.To, Value: toUint256(c.Value), Data: c.data(),
		BlobHashes: c.BlobHashes, SetCodeAuthorizations: c.AuthorizationList,
	}
	if c.Gas != nil {
		m.GasLimit = uint64(*c.Gas)
	}
	if c.Nonce != nil {
		m.Nonce = uint64(*c.Nonce)
	}
	if c.AccessList != nil {
		m.AccessList = *c.AccessList
	}
	if c.BlobFeeCap != nil || c.BlobHashes != nil {
		m.BlobGasFeeCap = toUint256(c.BlobFeeCap)
	}
	m.GasPrice, m.GasFeeCap, m.GasTipCap = c.fees(base)
	return m.SkipEOACheck().SkipGasLimitCapCheck()
}

// fees returns the price that the EVM shows, and the caps.
func (c *CallArgs) fees(base *big.Int) (price, feeCap, tipCap *uint256.Int) {
	if c.GasPrice != nil || base == nil {
		price = toUint256(c.GasPrice)
		return price, price, price
	}
	feeCap, tipCap = toUint256(c.MaxFeePerGas), toUint256(c.MaxPriorityFeePerGas)
	price = new(uint256.Int)
	if !feeCap.IsZero() || !tipCap.IsZero() {
		if _, overflow := price.AddOverflow(tipCap, uint256.MustFromBig(base)); overflow || price.Gt(feeCap) {
			price.Set(feeCap)
		}
	}
	return price, feeCap, tipCap
}

// toUint256 converts; hexutil.Big never has more than 256 bits.
func toUint256(v *hexutil.Big) *uint256.Int {
	if v == nil {
		return new(uint256.Int)
	}
	out, _ := uint256.FromBig(v.ToInt())
	return out
}
