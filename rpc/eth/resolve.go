package eth

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// Geth's texts for a state that cannot be opened because its block is unknown.
var (
	errHeaderNotFound = errors.New("header not found")
	errHashNotFound   = errors.New("header for hash not found")
)

var latest = gethrpc.BlockNumberOrHashWithNumber(gethrpc.LatestBlockNumber)

// number resolves a block number or tag; ok is false beyond the head.
func (a *API) number(n gethrpc.BlockNumber) (number uint64, ok bool) {
	return rpc.Resolve(n, a.chain.Head().Number.Uint64())
}

// find resolves a number, tag or hash; ok is false when there is no such block.
func (a *API) find(at gethrpc.BlockNumberOrHash) (number uint64, ok bool, err error) {
	if hash, is := at.Hash(); is {
		return a.byHash(hash)
	}
	n, is := at.Number()
	if !is {
		return 0, false, errors.New("invalid arguments; neither block nor hash specified")
	}
	number, ok = a.number(n)
	return number, ok, nil
}

// byHash resolves a hash. A block that is stored but not yet the head's is not
// there yet.
func (a *API) byHash(hash common.Hash) (uint64, bool, error) {
	number, ok, err := a.chain.NumberOf(hash)
	if err != nil || !ok || number > a.chain.Head().Number.Uint64() {
		return 0, false, err
	}
	return number, true, nil
}

// view opens the state at a block, by default the latest, with its header. The
// caller closes it.
func (a *API) view(at *gethrpc.BlockNumberOrHash) (*View, *types.Header, error) {
	if at == nil {
		at = &latest
	}
	number, ok, err := a.find(*at)
	switch {
	case err != nil:
		return nil, nil, err
	case !ok && at.BlockHash != nil:
		return nil, nil, errHashNotFound
	case !ok:
		return nil, nil, errHeaderNotFound
	}
	header, err := a.chain.Header(number)
	if err != nil {
		return nil, nil, absent(err)
	}
	// Also of the head: the newest state may already be one block further than
	// the chain has told.
	v, err := a.states.At(number)
	if err != nil {
		return nil, nil, unavailable(err, header)
	}
	return v, header, nil
}
