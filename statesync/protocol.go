package statesync

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/state"
)

// Protocol is the name of the request protocol, version 1. A response has one chunk,
// or none: "I do not have that".
const Protocol = "state_by_range"

// What a request asks for.
const (
	askOffer    = iota + 1 // the newest snapshot: a chain.Pivot
	askRecent              // what comes with a pivot beside the state: chain.EncodedRecent
	askAccounts            // accounts from a key on: a state.Range
	askSlots               // the slots of Keys, of the first one from From on: state.Ranges
	askCode                // contract code with the hashes Keys, in this order
)

// request is one question about the snapshot of the block with hash Pivot. Answers
// to askSlots and askCode may end early; at least one key is answered.
type request struct {
	Ask   uint64
	Pivot common.Hash
	From  common.Hash
	Bytes uint64 // when a response shall end
	Keys  []common.Hash
}

func (r *request) encode() []byte {
	enc, err := rlp.EncodeToBytes(r)
	if err != nil {
		panic(fmt.Sprintf("statesync: encoding a request: %v", err)) // fixed fields
	}
	return enc
}

func (r *request) String() string {
	switch r.Ask {
	case askOffer:
		return "its snapshot"
	case askRecent:
		return "the headers before the pivot"
	case askAccounts:
		return fmt.Sprintf("accounts from %x on", r.From[:4])
	case askSlots:
		return fmt.Sprintf("slots of %d accounts", len(r.Keys))
	}
	return fmt.Sprintf("%d pieces of code", len(r.Keys))
}

func decodeRequest(data []byte) (*request, error) {
	if len(data) > MaxRequestBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are right", ErrRequest, len(data), MaxRequestBytes)
	}
	r := new(request)
	if err := rlp.DecodeBytes(data, r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	keyed := r.Ask == askSlots || r.Ask == askCode
	switch {
	case r.Ask < askOffer || r.Ask > askCode:
		return nil, fmt.Errorf("%w: it asks for %d, 1 to %d exist", ErrRequest, r.Ask, askCode)
	case keyed && (len(r.Keys) == 0 || len(r.Keys) > maxKeys):
		return nil, fmt.Errorf("%w: %d keys, 1 to %d are right", ErrRequest, len(r.Keys), maxKeys)
	case r.Ask >= askAccounts && r.Bytes == 0:
		return nil, fmt.Errorf("%w: a response of no bytes", ErrRequest)
	}
	return r, nil
}

// decode decodes a response and nothing else.
func decode[T any](data []byte) (*T, error) {
	v := new(T)
	if err := rlp.DecodeBytes(data, v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLie, err)
	}
	return v, nil
}

type ranges []*state.Range
