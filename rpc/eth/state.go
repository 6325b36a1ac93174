package eth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// GetBalance returns an account's balance in wei.
func (a *API) GetBalance(addr common.Address, at *gethrpc.BlockNumberOrHash) (*hexutil.Big, error) {
	v, _, err := a.view(at)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	balance := v.StateDB.GetBalance(addr).ToBig()
	return (*hexutil.Big)(balance), v.StateDB.Error()
}

// GetCode returns an account's code.
func (a *API) GetCode(addr common.Address, at *gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	v, _, err := a.view(at)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	code := v.StateDB.GetCode(addr)
	return code, v.StateDB.Error()
}

// GetStorageAt returns one slot of an account.
func (a *API) GetStorageAt(addr common.Address, slot string, at *gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	key, _, err := decodeSlot(slot)
	if err != nil {
		return nil, rpc.InvalidParams("%v: %q", err, slot)
	}
	v, _, err := a.view(at)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	value := v.StateDB.GetState(addr, key)
	return value[:], v.StateDB.Error()
}

// GetTransactionCount returns an account's nonce; pending counts what waits in
// the pool.
func (a *API) GetTransactionCount(addr common.Address, at *gethrpc.BlockNumberOrHash) (*hexutil.Uint64, error) {
	if at != nil {
		if n, ok := at.Number(); ok && n == gethrpc.PendingBlockNumber {
			nonce := a.pool.PendingNonce(addr)
			return (*hexutil.Uint64)(&nonce), nil
		}
	}
	v, _, err := a.view(at)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	nonce := v.StateDB.GetNonce(addr)
	return (*hexutil.Uint64)(&nonce), v.StateDB.Error()
}

// accountInfo is the answer of eth_getAccountInfo.
type accountInfo struct {
	Balance *hexutil.Big   `json:"balance"`
	Nonce   hexutil.Uint64 `json:"nonce"`
	Code    hexutil.Bytes  `json:"code"`
}

// GetAccountInfo returns balance, nonce and code of an account at once.
func (a *API) GetAccountInfo(addr common.Address, at *gethrpc.BlockNumberOrHash) (*accountInfo, error) {
	v, _, err := a.view(at)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	db := v.StateDB
	out := &accountInfo{(*hexutil.Big)(db.GetBalance(addr).ToBig()), hexutil.Uint64(db.GetNonce(addr)), db.GetCode(addr)}
	return out, db.Error()
}

// codeTooManySlots is geth's code for a request that asks for too much at once.
const codeTooManySlots = -38026

// GetStorageValues returns many slots of many accounts from one state.
func (a *API) GetStorageValues(requests map[common.Address][]common.Hash, at *gethrpc.BlockNumberOrHash) (map[common.Address][]hexutil.Bytes, error) {
	total := 0
	for _, keys := range requests {
		total += len(keys)
	}
	switch {
	case total > a.limits.StorageSlots:
		return nil, &rpc.Error{Code: codeTooManySlots, Message: fmt.Sprintf("too many slots (max %d)", a.limits.StorageSlots)}
	case total == 0:
		return nil, rpc.InvalidParams("empty request")
	}
	v, _, err := a.view(at)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	out := make(map[common.Address][]hexutil.Bytes, len(requests))
	for addr, keys := range requests {
		out[addr] = make([]hexutil.Bytes, len(keys))
		for i, key := range keys {
			value := v.StateDB.GetState(addr, key)
			out[addr][i] = value[:]
		}
	}
	return out, v.StateDB.Error()
}

// decodeSlot reads a slot as clients write it: with or without 0x, with or
// without leading zeros. It also returns the number of bytes written.
func decodeSlot(s string) (common.Hash, int, error) {
	if strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") {
		s = s[2:]
	}
	if len(s)%2 == 1 {
		s = "0" + s
	}
	if len(s) > 2*common.HashLength {
		return common.Hash{}, len(s) / 2, errors.New("storage key too long (want at most 32 bytes)")
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return common.Hash{}, 0, errors.New("invalid hex in storage key")
	}
	return common.BytesToHash(b), len(b), nil
}
