package ethjson

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/holiman/uint256"
)

// This file writes a block out of the bytes in which it is stored. Making transactions
// of them first, and encoding these again for their hashes, takes as long as all the rest.

// ErrNotStored says that a block has something that is read with its transactions made
// only: use Block and Receipts.
var ErrNotStored = errors.New("ethjson: the block cannot be written as it is stored")

// keptTxs is of how many transactions a Stored is kept for another block: they take a
// third of a kilobyte each.
const keptTxs = 8192

var released = sync.Pool{New: func() any { return new(Stored) }}

// Stored is a block that is written as it is stored. It belongs to one goroutine.
type Stored struct {
	h    *types.Header
	hash common.Hash
	size uint64
	txs  []storedTx

	hasher crypto.KeccakState

	inTx, inReceipt []byte // how the object of each transaction and receipt begins, up to a comma
}

// storedTx is a transaction in its parts, which are those of the block's bytes. Numbers
// are big-endian without leading zeros.
type storedTx struct {
	kind          byte
	hash          common.Hash
	from          []byte
	nonce, gas    uint64
	paid          uint256.Int // for each gas, in wei
	tip, most     []byte      // of kind 2
	to            []byte      // empty: it makes a contract
	value, input  []byte
	chain, access []byte // of kinds 1 and 2; the access list without its head
	v, r, s       []byte
}

// ReadStored takes a block apart: the list of its transactions in RLP, and their
// senders, 20 bytes each. ErrNotStored is returned for kinds of transactions that are
// not known here, and where there are no senders.
func ReadStored(h *types.Header, hash common.Hash, body, senders []byte) (*Stored, error) {
	items, rest, err := rlp.SplitList(body)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("ethjson: %d bytes behind the transactions of a block", len(rest))
	}
	header, err := rlp.EncodeToBytes(h)
	if err != nil {
		return nil, err
	}
	s := released.Get().(*Stored)
	*s = Stored{h: h, hash: hash, txs: s.txs[:0], hasher: s.hasher}
	s.size = rlp.ListSize(uint64(len(header) + len(body) + 2)) // of no uncles and no withdrawals, a byte each
	if err := s.read(items, senders); err != nil {
		s.Release()
		return nil, err
	}
	s.inTx = bigQuantity(hexes([]byte{'{'}, "blockHash", hash[:]), "blockNumber", h.Number)
	s.inReceipt = s.inTx[:len(s.inTx)-1]
	s.inTx = quantity(slices.Clone(s.inTx), "blockTimestamp", h.Time)
	s.inTx = s.inTx[:len(s.inTx)-1]
	return s, nil
}

// Release gives the memory back, for another block. The block may not be used any more.
func (s *Stored) Release() {
	if cap(s.txs) <= keptTxs {
		released.Put(s)
	}
}

// Len returns how many transactions the block has.
func (s *Stored) Len() int { return len(s.txs) }

// read takes the transactions apart.
func (s *Stored) read(items, senders []byte) (err error) {
	var base *uint256.Int // nil: without one
	if s.h.BaseFee != nil {
		var over bool
		if base, over = uint256.FromBig(s.h.BaseFee); over {
			return ErrNotStored
		}
	}
	s.txs = slices.Grow(s.txs, len(senders)/common.AddressLength)
	if s.hasher == nil {
		s.hasher = crypto.NewKeccakState()
	}
	for len(items) > 0 && len(senders) >= common.AddressLength {
		s.txs = append(s.txs, storedTx{from: senders[:common.AddressLength]})
		if items, err = s.txs[len(s.txs)-1].read(items, s.hasher, base); err != nil {
			return err
		}
		senders = senders[common.AddressLength:]
	}
	if len(items) > 0 || len(senders) > 0 {
		return ErrNotStored // whoever makes the transactions says what is wrong, if it is
	}
	return nil
}

// read takes a transaction off the front of a list.
func (t *storedTx) read(items []byte, hasher crypto.KeccakState, base *uint256.Int) (rest []byte, err error) {
	kind, content, rest, err := rlp.Split(items)
	if err != nil {
		return nil, err
	}
	whole := items[:len(items)-len(rest)] // what is hashed
	if kind != rlp.List {
		whole = content
		if len(content) == 0 || content[0] != types.AccessListTxType && content[0] != types.DynamicFeeTxType {
			return nil, ErrNotStored
		}
		t.kind = content[0]
		if content, _, err = rlp.SplitList(content[1:]); err != nil {
			return nil, err
		}
	}
	hasher.Reset()
	_, _ = hasher.Write(whole)    // it never fails
	_, _ = hasher.Read(t.hash[:]) // as above
	return rest, t.parts(&parts{rest: content}, base)
}

func (t *storedTx) parts(p *parts, base *uint256.Int) error {
	if t.kind != types.LegacyTxType {
		t.chain = p.bytes()
	}
	t.nonce = p.number()
	if t.kind == types.DynamicFeeTxType {
		t.tip, t.most = p.bytes(), p.bytes()
	} else {
		t.most = p.bytes()
	}
	t.gas = p.number()
	t.to, t.value, t.input = p.bytes(), p.bytes(), p.bytes()
	if t.kind != types.LegacyTxType {
		t.access = p.list()
	}
	t.v, t.r, t.s = p.bytes(), p.bytes(), p.bytes()
	if p.err != nil {
		return p.err
	}
	if len(t.v) > 8 || len(t.most) > common.HashLength || len(t.tip) > common.HashLength {
		return ErrNotStored
	}
	t.paid.SetBytes(t.most)
	if t.kind == types.DynamicFeeTxType && base != nil {
		var offered uint256.Int
		if _, over := offered.AddOverflow(offered.SetBytes(t.tip), base); !over && offered.Lt(&t.paid) {
			t.paid = offered
		}
	}
	return nil
}

// parts takes values off the front of a list; after the first that is not there it
// returns nothing.
type parts struct {
	rest []byte
	err  error
}

func (p *parts) bytes() (out []byte) {
	if p.err == nil {
		out, p.rest, p.err = rlp.SplitString(p.rest)
	}
	return out
}

func (p *parts) number() (out uint64) {
	if p.err == nil {
		out, p.rest, p.err = rlp.SplitUint64(p.rest)
	}
	return out
}

func (p *parts) list() (out []byte) {
	if p.err == nil {
		out, p.rest, p.err = rlp.SplitList(p.rest)
	}
	return out
}

// Room is about how many bytes the block takes, with its receipts if that is set.
func (s *Stored) Room(full, receipts bool) int {
	perTx := hashBytes
	if full {
		perTx = txBytes
	}
	if receipts {
		perTx += receiptBytes
	}
	return headerBytes + perTx*len(s.txs)
}

// AppendBlock is the function of that name.
func (s *Stored) AppendBlock(b []byte, full bool) ([]byte, error) {
	b = header(b, s.h, s.hash)
	b = quantity(b, "size", s.size)
	b = append(key(b, "transactions"), '[')
	for i := range s.txs {
		if i > 0 {
			b = append(b, ',')
		}
		if !full {
			b = quoted(b, s.txs[i].hash[:])
			continue
		}
		var err error
		if b, err = s.transaction(b, i); err != nil {
			return b, err
		}
	}
	return append(b, `],"uncles":[],"withdrawals":[]}`...), nil
}

// transaction is the function of that name. What stands between two values is written at
// once, and not member by member: there are as many such texts as values.
func (s *Stored) transaction(b []byte, i int) (_ []byte, err error) {
	t := &s.txs[i]
	b = append(append(b, s.inTx...), `,"from":"0x`...)
	b = appendHex(b, t.from)
	b = appendNumber(append(b, `","gas":"0x`...), t.gas)
	b = appendWord(append(b, `","gasPrice":"0x`...), &t.paid)
	b = appendHex(append(b, `","hash":"0x`...), t.hash[:])
	b = appendHex(append(b, `","input":"0x`...), t.input)
	b = appendNumber(append(b, `","nonce":"0x`...), t.nonce)
	b = t.receiver(append(b, `","to":`...))
	b = appendNumber(append(b, `,"transactionIndex":"0x`...), uint64(i)) //nolint:gosec // an index
	b = appendBytesNumber(append(b, `","value":"0x`...), t.value)
	b = append(append(append(b, `","type":"0x`...), '0'+t.kind), '"')
	if b, err = t.typed(b); err != nil {
		return b, err
	}
	b = appendBytesNumber(append(b, `,"v":"0x`...), t.v)
	b = appendBytesNumber(append(b, `","r":"0x`...), t.r)
	b = appendBytesNumber(append(b, `","s":"0x`...), t.s)
	return append(b, `"}`...), nil
}

// typed is the function of that name.
func (t *storedTx) typed(b []byte) (_ []byte, err error) {
	if t.kind == types.LegacyTxType {
		if id := chainID(t.v); id != 0 {
			b = append(appendNumber(append(b, `,"chainId":"0x`...), id), '"')
		}
		return b, nil
	}
	b = appendBytesNumber(append(b, `,"chainId":"0x`...), t.chain)
	b = appendNumber(append(b, `","yParity":"0x`...), uint64(len(t.v))) // 0 has no bytes, 1 has one
	if b, err = storedAccess(append(b, `","accessList":[`...), t.access); err != nil {
		return b, err
	}
	b = append(b, ']')
	if t.kind == types.DynamicFeeTxType {
		b = appendBytesNumber(append(b, `,"maxFeePerGas":"0x`...), t.most)
		b = appendBytesNumber(append(b, `","maxPriorityFeePerGas":"0x`...), t.tip)
		b = append(b, '"')
	}
	return b, nil
}

// receiver appends where a transaction goes to, as a value.
func (t *storedTx) receiver(b []byte) []byte {
	if len(t.to) == 0 {
		return append(b, "null"...)
	}
	return quoted(b, t.to)
}

// chainID is that of a transaction of kind 0 (EIP-155), 0 for one without.
func chainID(v []byte) uint64 {
	n := new(uint256.Int).SetBytes(v).Uint64()
	if n == 27 || n == 28 {
		return 0
	}
	return (n - 35) / 2
}

// storedAccess appends the entries of an access list.
func storedAccess(b, list []byte) ([]byte, error) {
	for first := true; len(list) > 0; first = false {
		if !first {
			b = append(b, ',')
		}
		var entry []byte
		var err error
		if entry, list, err = rlp.SplitList(list); err != nil {
			return b, err
		}
		p := parts{rest: entry}
		b = hexes(append(b, '{'), "address", p.bytes())
		b = append(key(b, "storageKeys"), '[')
		slots := parts{rest: p.list()}
		for first := true; p.err == nil && slots.err == nil && len(slots.rest) > 0; first = false {
			if !first {
				b = append(b, ',')
			}
			b = quoted(b, slots.bytes())
		}
		if err := errors.Join(p.err, slots.err); err != nil {
			return b, err
		}
		b = append(b, "]}"...)
	}
	return b, nil
}

// AppendReceipt appends the receipt of transaction i, whose logs begin with a number in
// the block, as Receipt does. They get what follows from the block.
func (s *Stored) AppendReceipt(b []byte, i int, status, gasUsed, cumulative uint64, list []*types.Log, firstLog uint) []byte {
	t := &s.txs[i]
	b = append(append(b, s.inReceipt...), `,"contractAddress":`...)
	if len(t.to) == 0 {
		made := crypto.CreateAddress(common.Address(t.from), t.nonce)
		b = quoted(b, made[:])
	} else {
		b = append(b, "null"...)
	}
	b = appendNumber(append(b, `,"cumulativeGasUsed":"0x`...), cumulative)
	b = appendWord(append(b, `","effectiveGasPrice":"0x`...), &t.paid)
	b = appendHex(append(b, `","from":"0x`...), t.from)
	b = appendNumber(append(b, `","gasUsed":"0x`...), gasUsed)
	b = s.logs(append(b, `",`...), i, list, firstLog)
	b = appendNumber(append(b, `"status":"0x`...), status)
	b = t.receiver(append(b, `","to":`...))
	b = appendHex(append(b, `,"transactionHash":"0x`...), t.hash[:])
	b = appendNumber(append(b, `","transactionIndex":"0x`...), uint64(i)) //nolint:gosec // an index
	return append(append(append(b, `","type":"0x`...), '0'+t.kind), `"}`...)
}

// noLogs is what a receipt without logs has of them, which most are.
var noLogs = `"logs":[],` + emptyBloom

// logs appends the logs of transaction i and their bloom filter, as members.
func (s *Stored) logs(b []byte, i int, list []*types.Log, first uint) []byte {
	if len(list) == 0 {
		return append(b, noLogs...)
	}
	for k, l := range list {
		l.BlockNumber, l.BlockHash, l.BlockTimestamp = s.h.Number.Uint64(), s.hash, s.h.Time
		l.TxHash, l.TxIndex, l.Index = s.txs[i].hash, uint(i), first+uint(k) //nolint:gosec // indexes
	}
	b = append(logs(key(b, "logs"), list), ',')
	filter := types.CreateBloom(&types.Receipt{Logs: list})
	return bloom(b, &filter)
}
