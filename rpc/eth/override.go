package eth

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
)

// StateOverride changes accounts for one call.
type StateOverride map[common.Address]AccountOverride

// AccountOverride changes one account for one call. State replaces the storage,
// StateDiff changes single slots; both at once is an error.
type AccountOverride struct {
	Nonce            *hexutil.Uint64             `json:"nonce"`
	Code             *hexutil.Bytes              `json:"code"`
	Balance          *hexutil.Big                `json:"balance"`
	State            map[common.Hash]common.Hash `json:"state"`
	StateDiff        map[common.Hash]common.Hash `json:"stateDiff"`
	MovePrecompileTo *common.Address             `json:"movePrecompileToAddress"`
}

// apply changes the state of a view and the precompiles, both the call's own.
func (s *StateOverride) apply(db *gstate.StateDB, precompiles vm.PrecompiledContracts) error {
	if s == nil {
		return nil
	}
	moved := make(map[common.Address]bool)
	for _, addr := range slices.SortedFunc(maps.Keys(*s), common.Address.Cmp) {
		account := (*s)[addr]
		if moved[addr] {
			return fmt.Errorf("account %s has already been overridden by a precompile", addr.Hex())
		}
		if to := account.MovePrecompileTo; to != nil {
			if precompiles[addr] == nil {
				return fmt.Errorf("account %s is not a precompile", addr.Hex())
			}
			if _, also := (*s)[*to]; also {
				return fmt.Errorf("account %s is already overridden", to.Hex())
			}
			precompiles[*to] = precompiles[addr]
			moved[*to] = true
		}
		delete(precompiles, addr) // an overridden account is an ordinary one
		if err := account.apply(addr, db); err != nil {
			return err
		}
	}
	db.Finalise(params.Rules{}) // as if an earlier transaction had done it
	return nil
}

func (o *AccountOverride) apply(addr common.Address, db *gstate.StateDB) error {
	if o.Nonce != nil {
		db.SetNonce(addr, uint64(*o.Nonce), tracing.NonceChangeUnspecified)
	}
	if o.Code != nil {
		db.SetCode(addr, *o.Code, tracing.CodeChangeUnspecified)
	}
	if o.Balance != nil {
		db.SetBalance(addr, toUint256(o.Balance), tracing.BalanceChangeUnspecified)
	}
	if o.State != nil && o.StateDiff != nil {
		return fmt.Errorf("account %s has both 'state' and 'stateDiff'", addr.Hex())
	}
	if o.State != nil {
		db.SetStorage(addr, o.State)
	}
	for slot, value := range o.StateDiff {
		db.SetState(addr, slot, value)
	}
	return nil
}

// BlockOverrides changes what the EVM sees of the block, for one call.
type BlockOverrides struct {
	Number        *hexutil.Big       `json:"number"`
	Difficulty    *hexutil.Big       `json:"difficulty"` // without effect since the merge; eth_simulateV1 refuses it
	Time          *hexutil.Uint64    `json:"time"`
	GasLimit      *hexutil.Uint64    `json:"gasLimit"`
	FeeRecipient  *common.Address    `json:"feeRecipient"`
	PrevRandao    *common.Hash       `json:"prevRandao"`
	BaseFeePerGas *hexutil.Big       `json:"baseFeePerGas"`
	BlobBaseFee   *hexutil.Big       `json:"blobBaseFee"`
	BeaconRoot    *common.Hash       `json:"beaconRoot"`
	Withdrawals   *types.Withdrawals `json:"withdrawals"`
}

// apply returns the header that a call runs in.
func (o *BlockOverrides) apply(h *types.Header) (*types.Header, error) {
	if o == nil {
		return h, nil
	}
	if o.BeaconRoot != nil {
		return nil, errors.New(`block override "beaconRoot" is not supported for this RPC method`)
	}
	if o.Withdrawals != nil {
		return nil, errors.New(`block override "withdrawals" is not supported for this RPC method`)
	}
	h = types.CopyHeader(h)
	o.set(h)
	return h, nil
}

// set changes the fields that a header has and that need no rule of the chain.
func (o *BlockOverrides) set(h *types.Header) {
	if o.Number != nil {
		h.Number = o.Number.ToInt()
	}
	if o.Time != nil {
		h.Time = uint64(*o.Time)
	}
	if o.GasLimit != nil {
		h.GasLimit = uint64(*o.GasLimit)
	}
	if o.FeeRecipient != nil {
		h.Coinbase = *o.FeeRecipient
	}
	if o.PrevRandao != nil {
		h.MixDigest = *o.PrevRandao
	}
	if o.BaseFeePerGas != nil {
		h.BaseFee = o.BaseFeePerGas.ToInt()
	}
}
