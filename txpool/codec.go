package txpool

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// A message is the RLP list [kind, counter, items]: strict and canonical, nothing
// trails. Items of kindBodies are canonical transaction encodings (EIP-2718), of
// kindAnnounce 32-byte hashes. The counter makes a repetition other content.
const (
	kindBodies   = 1
	kindAnnounce = 2
)

// envelopeBytes bounds what a message adds to its largest item.
const envelopeBytes = 64

// minBodyBytes is below every validly signed transaction: the cap on the number
// of items before any is allocated.
const minBodyBytes = 32

// message is a decoded envelope; items alias the bytes it was decoded from.
type message struct {
	kind    uint64
	counter uint64
	items   [][]byte
}

func (m *message) encode() []byte {
	w := rlp.NewEncoderBuffer(nil)
	outer := w.List()
	w.WriteUint64(m.kind)
	w.WriteUint64(m.counter)
	inner := w.List()
	for _, item := range m.items {
		w.WriteBytes(item)
	}
	w.ListEnd(inner)
	w.ListEnd(outer)
	out := w.ToBytes()
	_ = w.Flush() // returns the buffer; it has no writer to fail
	return out
}

// decodeMessage accepts at most limit bytes.
func decodeMessage(data []byte, limit int) (*message, error) {
	if len(data) > limit {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrMalformed, len(data), limit)
	}
	content, rest, err := rlp.SplitList(data)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: not one list (%v, %d bytes behind it)", ErrMalformed, err, len(rest)) //nolint:errorlint // err may be nil
	}
	var m message
	if m.kind, content, err = rlp.SplitUint64(content); err != nil {
		return nil, fmt.Errorf("%w: kind: %w", ErrMalformed, err)
	}
	if m.counter, content, err = rlp.SplitUint64(content); err != nil {
		return nil, fmt.Errorf("%w: counter: %w", ErrMalformed, err)
	}
	items, rest, err := rlp.SplitList(content)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: items: %v, %d bytes behind them", ErrMalformed, err, len(rest)) //nolint:errorlint // err may be nil
	}
	if m.kind != kindBodies && m.kind != kindAnnounce {
		return nil, fmt.Errorf("%w: kind %d", ErrMalformed, m.kind)
	}
	for len(items) > 0 {
		var item []byte
		if item, items, err = rlp.SplitString(items); err != nil {
			return nil, fmt.Errorf("%w: item %d: %w", ErrMalformed, len(m.items), err)
		}
		if len(item) < minBodyBytes || m.kind == kindAnnounce && len(item) != common.HashLength {
			return nil, fmt.Errorf("%w: item %d has %d bytes", ErrMalformed, len(m.items), len(item))
		}
		m.items = append(m.items, item)
	}
	return &m, nil
}

// EncodeBodies returns the canonical encodings of transactions.
func EncodeBodies(txs []*types.Transaction) ([][]byte, error) {
	out := make([][]byte, len(txs))
	for i, tx := range txs {
		raw, err := tx.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("encode transaction %v: %w", tx.Hash(), err)
		}
		out[i] = raw
	}
	return out, nil
}

// EncodeForward packs bodies for HandleForwarded, as many as fit in one message of
// Config.GossipBytes (at least one); n says how many that were.
func (p *Pool) EncodeForward(txs []*types.Transaction) (data []byte, n int, err error) {
	m, size := message{kind: kindBodies}, 0
	for _, tx := range txs {
		raw, err := tx.MarshalBinary()
		if err != nil {
			return nil, 0, fmt.Errorf("encode transaction %v: %w", tx.Hash(), err)
		}
		if n > 0 && size+len(raw) > p.cfg.GossipBytes-envelopeBytes {
			break
		}
		m.items, size, n = append(m.items, raw), size+len(raw), n+1
	}
	return m.encode(), n, nil
}

// decodeBody decodes one transaction whose encoding hashes to hash and recovers
// its sender.
func decodeBody(raw []byte, hash common.Hash, r Rules) (*types.Transaction, error) {
	if len(raw) > r.MaxTxBytes {
		return nil, fmt.Errorf("%w: %w: transaction size %v, limit %v", ErrMalformed, ErrOversizedData, len(raw), r.MaxTxBytes)
	}
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, fmt.Errorf("%w: transaction %v: %w", ErrMalformed, hash, err)
	}
	if tx.Hash() != hash {
		return nil, fmt.Errorf("%w: transaction %v is not in canonical encoding", ErrMalformed, hash)
	}
	if err := CheckStateless(tx, r); err != nil {
		return nil, fmt.Errorf("%w: transaction %v: %w", ErrMalformed, hash, err)
	}
	return tx, nil
}

// Decode decodes the bodies of a batch, or of a reply to a fetch, and recovers
// their senders on workers of its own: a batch that waits behind the admission of
// gossip waits longest when the load is highest, and the others ask for another
// primary. Where the pool holds a transaction already, its own pointer is returned.
// The first bad body fails the whole.
func (p *Pool) Decode(bodies [][]byte) ([]*types.Transaction, error) {
	txs := make([]*types.Transaction, len(bodies))
	errs := make([]error, len(bodies))
	parallel(p.urgent, len(bodies), func(i int) {
		hash := crypto.Keccak256Hash(bodies[i])
		if txs[i] = p.Get(hash); txs[i] == nil {
			txs[i], errs[i] = decodeBody(bodies[i], hash, p.rules)
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return txs, nil
}
