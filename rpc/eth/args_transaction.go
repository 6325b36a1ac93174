package eth

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// transaction returns the unsigned transaction that the arguments stand for; what
// is left out is 0. The type follows from the members that are there, a price per
// gas first: that is a legacy transaction, or with an access list one of type 1.
// Without a base fee, as before London, there are only those two.
//
// The arguments must have passed checkShape: a blob or set-code transaction
// without a receiver cannot be written.
func (c *CallArgs) transaction(chainID *big.Int, base bool) *types.Transaction {
	switch {
	case c.GasPrice != nil || !base:
		return types.NewTx(c.priced(chainID))
	case c.AuthorizationList != nil:
		return types.NewTx(c.setCode(chainID))
	case c.BlobHashes != nil:
		return types.NewTx(c.blob(chainID))
	}
	return types.NewTx(&types.DynamicFeeTx{
		ChainID: chainID, Nonce: quantity(c.Nonce), GasTipCap: amount(c.MaxPriorityFeePerGas), GasFeeCap: amount(c.MaxFeePerGas),
		Gas: quantity(c.Gas), To: c.To, Value: amount(c.Value), Data: c.data(), AccessList: c.accessList(),
	})
}

func (c *CallArgs) priced(chainID *big.Int) types.TxData {
	if c.AccessList == nil {
		return &types.LegacyTx{
			Nonce: quantity(c.Nonce), GasPrice: amount(c.GasPrice), Gas: quantity(c.Gas), To: c.To, Value: amount(c.Value), Data: c.data(),
		}
	}
	return &types.AccessListTx{
		ChainID: chainID, Nonce: quantity(c.Nonce), GasPrice: amount(c.GasPrice), Gas: quantity(c.Gas), To: c.To,
		Value: amount(c.Value), Data: c.data(), AccessList: c.accessList(),
	}
}

func (c *CallArgs) setCode(chainID *big.Int) types.TxData {
	return &types.SetCodeTx{
		ChainID: uint256.MustFromBig(chainID), Nonce: quantity(c.Nonce), GasTipCap: toUint256(c.MaxPriorityFeePerGas), GasFeeCap: toUint256(c.MaxFeePerGas),
		Gas: quantity(c.Gas), To: *c.To, Value: toUint256(c.Value), Data: c.data(), AccessList: c.accessList(), AuthList: c.AuthorizationList,
	}
}

func (c *CallArgs) blob(chainID *big.Int) types.TxData {
	return &types.BlobTx{
		ChainID: uint256.MustFromBig(chainID), Nonce: quantity(c.Nonce), GasTipCap: toUint256(c.MaxPriorityFeePerGas), GasFeeCap: toUint256(c.MaxFeePerGas),
		Gas: quantity(c.Gas), To: *c.To, Value: toUint256(c.Value), Data: c.data(), AccessList: c.accessList(),
		BlobFeeCap: toUint256(c.BlobFeeCap), BlobHashes: c.BlobHashes,
	}
}

// accessList is never nil: clients index into it.
func (c *CallArgs) accessList() types.AccessList {
	if c.AccessList == nil || *c.AccessList == nil {
		return types.AccessList{}
	}
	return *c.AccessList
}

func quantity(v *hexutil.Uint64) uint64 {
	if v == nil {
		return 0
	}
	return uint64(*v)
}

func amount(v *hexutil.Big) *big.Int {
	if v == nil {
		return new(big.Int)
	}
	return v.ToInt()
}
