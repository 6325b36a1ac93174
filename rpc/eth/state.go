package eth

import (
	"encoding/hex"
	"errors"
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
	key, err := decodeSlot(slot)
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

// decodeSlot reads a slot as clients write it: with or without 0x, with or
// without leading zeros.
func decodeSlot(s string) (common.Hash, error) {
	if strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") {
		s = s[2:]
	}
	if len(s)%2 == 1 {
		s = "0" + s
	}
	if len(s) > 2*common.HashLength {
		return common.Hash{}, errors.New("storage key too long (want at most 32 bytes)")
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return common.Hash{}, errors.New("invalid hex in storage key")
	}
	return common.BytesToHash(b), nil
}
