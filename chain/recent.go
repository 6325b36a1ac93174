package chain

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/store"
)

// recentHeaders is how many headers, the pivot's included, a node begins with: as
// far as the EVM's BLOCKHASH reaches back from the next block.
const recentHeaders = 256

// recentWire is what comes with a pivot beside the state, version 1: rows as stored.
type recentWire struct {
	Headers  [][]byte     // ascending, the last is the pivot's
	Body     rlp.RawValue // of the pivot
	Receipts []byte       // of the pivot
	// Boundary is the header of the last block of the epoch before, which the
	// consensus needs, if it is below Headers.
	Boundary []byte
}

// Recent is what a node that begins at a pivot needs of the blocks up to it. Only
// VerifyRecent makes one.
type Recent struct {
	headers  []*Sealed // ascending, the boundary first if there is one
	block    *types.Block
	receipts types.Receipts
}

// recentFrom is the number of the first of the recent headers of a pivot.
func recentFrom(number uint64) uint64 { return max(number, recentHeaders) - recentHeaders + 1 }

// EncodedRecent returns what VerifyRecent takes, of the pivot with this certificate.
func (c *Chain) EncodedRecent(p *Pivot) ([]byte, error) {
	n := uint64(p.Certificate.Seq)
	if head := c.head.Load().number(); n > head {
		return nil, fmt.Errorf("%w: block %d, the head is %d", ErrNotFound, n, head)
	}
	var w recentWire
	for i := recentFrom(n); i <= n; i++ {
		row, err := c.headerRow(i)
		if err != nil {
			return nil, err
		}
		w.Headers = append(w.Headers, row)
	}
	var err error
	if w.Body, err = c.db.Get(store.BodyKey(n)); err != nil {
		return nil, c.absent(n, err)
	}
	if w.Receipts, err = c.db.Get(store.ReceiptsKey(n)); err != nil {
		return nil, c.absent(n, err)
	}
	if b := p.Before; b != nil && uint64(b.Seq) < recentFrom(n) {
		if w.Boundary, err = c.headerRow(uint64(b.Seq)); err != nil {
			return nil, err
		}
	}
	return rlp.EncodeToBytes(&w)
}

// VerifyRecent checks that headers, transactions and receipts are those of the
// anchor's block and of the blocks before it. What fails is ErrInvalid. The caller
// bounds the length of data.
func (c *Chain) VerifyRecent(a *Anchor, data []byte) (*Recent, error) {
	var w recentWire
	if err := rlp.DecodeBytes(data, &w); err != nil {
		return nil, invalid("recent headers: %w", err)
	}
	r := new(Recent)
	if err := r.decode(a, &w); err != nil {
		return nil, invalid("recent headers: %w", err)
	}
	for _, s := range r.headers {
		if s.BatchHeader.Epoch > a.Epoch {
			return nil, invalid("recent headers: block %d is of epoch %d, the pivot of %d", s.number(), s.BatchHeader.Epoch, a.Epoch)
		}
		if err := s.Certificate.Verify(c.domain, a.setOf(s.BatchHeader.Epoch)); err != nil {
			return nil, invalid("recent headers: certificate of block %d: %w", s.number(), err)
		}
	}
	if err := r.complete(c, &w); err != nil {
		return nil, invalid("block %d: %w", a.Number, err)
	}
	return r, nil
}

// decode takes the headers, which must lead to the anchor's block without a gap.
func (r *Recent) decode(a *Anchor, w *recentWire) error {
	from := recentFrom(a.Number)
	if got, want := uint64(len(w.Headers)), a.Number-from+1; got != want {
		return fmt.Errorf("there are %d, want %d", got, want)
	}
	want := a.Hash
	r.headers = make([]*Sealed, len(w.Headers))
	for i := len(w.Headers) - 1; i >= 0; i-- {
		s, err := decodeLinked(w.Headers[i], from+uint64(i), want)
		if err != nil {
			return err
		}
		r.headers[i], want = s, s.Header.ParentHash
	}
	b := a.pivot.Before
	if b == nil || uint64(b.Seq) >= from {
		if len(w.Boundary) > 0 {
			return errors.New("a header of the epoch before beside one that has it")
		}
		return nil
	}
	s, err := decodeLinked(w.Boundary, uint64(b.Seq), b.BlockHash)
	if err != nil {
		return err
	}
	r.headers = append([]*Sealed{s}, r.headers...)
	return nil
}

// decodeLinked decodes the header row of a block whose hash is known.
func decodeLinked(row []byte, number uint64, hash common.Hash) (*Sealed, error) {
	s, err := decodeSealed(row)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", number, err)
	}
	if s.hash != hash || s.BatchHeader == nil || s.number() != number {
		return nil, fmt.Errorf("block %d: the header has hash %s, the one above it says %s", number, s.hash, hash)
	}
	return s, nil
}

// complete takes the transactions and the receipts of the pivot.
func (r *Recent) complete(c *Chain, w *recentWire) error {
	s := r.headers[len(r.headers)-1]
	var txs types.Transactions
	if err := rlp.DecodeBytes(w.Body, &txs); err != nil {
		return fmt.Errorf("transactions: %w", err)
	}
	if root := types.DeriveSha(txs, trie.NewStackTrie(nil)); root != s.Header.TxHash {
		return fmt.Errorf("transactions hash to root %s, the header says %s", root, s.Header.TxHash)
	}
	var err error
	if r.receipts, err = decodeReceipts(w.Receipts); err != nil {
		return err
	}
	if len(r.receipts) != len(txs) || len(txs) > maxTransactions {
		return fmt.Errorf("%d receipts of %d transactions", len(r.receipts), len(txs))
	}
	if err := c.recoverSenders(txs); err != nil {
		return err
	}
	if err := r.receipts.DeriveFields(c.config, s.hash, s.number(), s.Header.Time, s.Header.BaseFee, common.Big0, txs); err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	if root := types.DeriveSha(r.receipts, trie.NewStackTrie(nil)); root != s.Header.ReceiptHash {
		return fmt.Errorf("receipts hash to root %s, the header says %s", root, s.Header.ReceiptHash)
	}
	r.block = types.NewBlockWithHeader(s.Header).WithBody(types.Body{Transactions: txs, Withdrawals: types.Withdrawals{}})
	return nil
}
