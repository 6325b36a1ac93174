package eth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// maxTopics is how many topics a log can have (LOG4).
const maxTopics = 4

// Criteria is the filter object of eth_getLogs and the logs subscription. A nil
// list at a topic's position matches anything.
type Criteria struct {
	BlockHash *common.Hash
	FromBlock *gethrpc.BlockNumber
	ToBlock   *gethrpc.BlockNumber
	Addresses []common.Address
	Topics    [][]common.Hash
}

var (
	errExceedMaxTopics = errors.New("exceed max topics")
	errExceedLogQuery  = errors.New("exceed max addresses or topics per search position")
	errHashWithRange   = errors.New("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
)

// UnmarshalJSON reads a filter: address is one or a list, a topic is null, one
// or a list.
func (c *Criteria) UnmarshalJSON(data []byte) error {
	var raw struct {
		BlockHash *common.Hash         `json:"blockHash"`
		FromBlock *gethrpc.BlockNumber `json:"fromBlock"`
		ToBlock   *gethrpc.BlockNumber `json:"toBlock"`
		Address   json.RawMessage      `json:"address"`
		Topics    []json.RawMessage    `json:"topics"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if raw.BlockHash != nil && (raw.FromBlock != nil || raw.ToBlock != nil) {
		return errHashWithRange
	}
	if len(raw.Topics) > maxTopics {
		return errExceedMaxTopics
	}
	*c = Criteria{BlockHash: raw.BlockHash, FromBlock: raw.FromBlock, ToBlock: raw.ToBlock}
	addresses, err := oneOrMany(raw.Address, common.AddressLength, "address")
	if err != nil {
		return err
	}
	for _, b := range addresses {
		c.Addresses = append(c.Addresses, common.BytesToAddress(b))
	}
	c.Topics = make([][]common.Hash, len(raw.Topics))
	for i := range raw.Topics {
		topics, err := oneOrMany(raw.Topics[i], common.HashLength, "topic")
		if err != nil {
			return err
		}
		for _, b := range topics {
			c.Topics[i] = append(c.Topics[i], common.BytesToHash(b))
		}
	}
	return nil
}

// oneOrMany reads null, "0x…" or ["0x…", …], each of size bytes. A null inside a
// list matches anything, as in geth: the list is then empty.
func oneOrMany(raw json.RawMessage, size int, what string) ([][]byte, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var many []*string
	if err := json.Unmarshal(raw, &many); err != nil {
		var one string
		if json.Unmarshal(raw, &one) != nil {
			return nil, fmt.Errorf("invalid %s: want a hex string or a list of them", what)
		}
		many = []*string{&one}
	}
	out := make([][]byte, 0, len(many))
	for i, s := range many {
		if s == nil {
			return nil, nil
		}
		b, err := hexutil.Decode(*s)
		if err == nil && len(b) != size {
			err = fmt.Errorf("hex has invalid length %d after decoding; expected %d for %s", len(b), size, what)
		}
		if err != nil {
			return nil, fmt.Errorf("invalid %s at index %d: %w", what, i, err)
		}
		out = append(out, b)
	}
	return out, nil
}

// check bounds the alternatives.
func (c *Criteria) check(limit int) error {
	if len(c.Addresses) > limit {
		return errExceedLogQuery
	}
	for _, topics := range c.Topics {
		if len(topics) > limit {
			return errExceedLogQuery
		}
	}
	return nil
}

// future returns the blocks that a filter or subscription for what comes is
// about: from first to last, everything by default.
func (c *Criteria) future() (first, last uint64, err error) {
	bound := func(n *gethrpc.BlockNumber, open uint64) (uint64, error) {
		switch {
		case n == nil:
			return open, nil
		case *n == gethrpc.PendingBlockNumber:
			return 0, errPendingLogs
		case *n == gethrpc.EarliestBlockNumber:
			return 0, nil
		case *n < 0: // latest, safe, finalized: whatever comes
			return open, nil
		}
		return uint64(*n), nil
	}
	if first, err = bound(c.FromBlock, 0); err != nil {
		return 0, 0, err
	}
	if last, err = bound(c.ToBlock, math.MaxUint64); err != nil {
		return 0, 0, err
	}
	isOpen := c.FromBlock == nil || *c.FromBlock < 0 && *c.FromBlock != gethrpc.EarliestBlockNumber
	if first > last || isOpen && last != math.MaxUint64 {
		return 0, 0, errInvalidRange // it ends before it begins
	}
	return first, last, nil
}

// mayMatch asks a block's bloom filter: false is certain.
func (c *Criteria) mayMatch(bloom types.Bloom) bool {
	if len(c.Addresses) > 0 && !slices.ContainsFunc(c.Addresses, func(a common.Address) bool { return types.BloomLookup(bloom, a) }) {
		return false
	}
	for _, topics := range c.Topics {
		if len(topics) > 0 && !slices.ContainsFunc(topics, func(t common.Hash) bool { return types.BloomLookup(bloom, t) }) {
			return false
		}
	}
	return true
}

// matches decides about one log.
func (c *Criteria) matches(l *types.Log) bool {
	if len(c.Addresses) > 0 && !slices.Contains(c.Addresses, l.Address) {
		return false
	}
	if len(c.Topics) > len(l.Topics) {
		return false
	}
	for i, topics := range c.Topics {
		if len(topics) > 0 && !slices.Contains(topics, l.Topics[i]) {
			return false
		}
	}
	return true
}

// of returns the matching logs of receipts.
func (c *Criteria) of(receipts types.Receipts) []*types.Log {
	var out []*types.Log
	for _, r := range receipts {
		for _, l := range r.Logs {
			if c.matches(l) {
				out = append(out, l)
			}
		}
	}
	return out
}
