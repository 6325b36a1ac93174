package chain

import (
	"encoding/binary"
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

// Commit makes the lowest speculative block final: one synced batch, then
// publication, then the subscribers. The certificate must be verified. A
// certificate for another block hash than the one computed here returns a
// *Divergence and writes nothing; a batch that was not executed on the head
// returns ErrNotExecuted. Committing what is final already does nothing, so a
// replayed journal is harmless.
func (c *Chain) Commit(h *consensus.BatchHeader, cert *consensus.CommitCertificate) error {
	c.write.Lock()
	defer c.write.Unlock()
	n, digest := uint64(h.Seq), h.Digest()
	if cert.Seq != h.Seq || cert.BatchDigest != digest {
		return fmt.Errorf("chain: commit block %d of batch %s with a certificate for block %d of batch %s", n, digest, cert.Seq, cert.BatchDigest)
	}
	if n <= c.head.Load().number() {
		return c.recommit(cert)
	}
	if n != c.head.Load().number()+1 || len(c.stack) == 0 || c.stack[0].sealed.Header.MixDigest != digest {
		return fmt.Errorf("%w: block %d of batch %s, the head is %d and %d blocks are executed above it", ErrNotExecuted, n, digest, c.head.Load().number(), len(c.stack))
	}
	return c.finalise(cert, nil, true)
}

// recommit accepts a certificate for a final block if it names that block.
func (c *Chain) recommit(cert *consensus.CommitCertificate) error {
	s, err := c.sealed(uint64(cert.Seq))
	if err != nil {
		return err
	}
	if s.hash != cert.BlockHash {
		return &Divergence{Number: uint64(cert.Seq), Own: s.Header, Hash: cert.BlockHash, Certificate: cert}
	}
	return nil
}

// finalise writes the lowest speculative block with its certificate, and that of the
// checkpoint before it if there is one.
func (c *Chain) finalise(cert *consensus.CommitCertificate, link *consensus.CheckpointCertificate, sync bool) error {
	s := c.stack[0]
	if s.sealed.hash != cert.BlockHash {
		return &Divergence{Number: s.sealed.number(), Own: s.sealed.Header, Hash: cert.BlockHash, Certificate: cert}
	}
	sealed := &Sealed{Header: s.sealed.Header, BatchHeader: s.sealed.BatchHeader, Certificate: cert, hash: s.sealed.hash}
	b := c.db.NewBatch()
	defer b.Close()
	if link != nil {
		if err := b.Set(store.LinkKey(uint64(link.Seq)), mustRLP(link)); err != nil {
			return err
		}
	}
	sizes, err := c.stage(b, sealed, s)
	if err != nil {
		return fmt.Errorf("chain: write block %d: %w", sealed.number(), err)
	}
	if err := c.db.Apply(b, sync); err != nil {
		return fmt.Errorf("chain: write block %d: %w", sealed.number(), err)
	}
	c.state.Publish(s.layer)
	c.stack[0] = nil
	c.stack = c.stack[1:]
	n := sealed.number()
	c.headers.Add(n, sealed)
	c.blocks.add(n, s.layer.Block, sizes.body)
	c.receipt.add(n, s.layer.Receipts, sizes.receipts)
	c.enter(s.outcome) // before the head: who sees the head may ask for the epoch above it
	c.head.Store(sealed)
	reached := c.reach()
	c.subscribers.send(Event{Block: s.layer.Block, Receipts: s.layer.Receipts, Skipped: s.layer.Skipped, Sealed: sealed})
	return reached
}

// rowSizes are what the caches charge for a block, in bytes.
type rowSizes struct{ body, receipts int }

// cost of a cached value beside its bytes.
const (
	blockOverhead   = 2 << 10 // header, slices, list element
	txOverhead      = 512     // a decoded transaction beside its bytes
	receiptOverhead = 640     // a decoded receipt: bloom, numbers, pointers
)

// stage puts everything that belongs to a block into the batch.
func (c *Chain) stage(b *store.Batch, s *Sealed, x *spec) (rowSizes, error) {
	l := x.layer
	n, txs := s.number(), l.Block.Transactions()
	if len(txs) > maxTransactions || len(txs) != len(l.Receipts) {
		return rowSizes{}, fmt.Errorf("%d transactions and %d receipts; at most %d fit a lookup", len(txs), len(l.Receipts), maxTransactions)
	}
	header, err := encodeSealed(s)
	if err != nil {
		return rowSizes{}, err
	}
	body, receipts := mustRLP(txs), encodeReceipts(l.Receipts)
	rows := []struct{ key, value []byte }{
		{store.HeaderKey(n), header},
		{store.BodyKey(n), body},
		{store.ReceiptsKey(n), receipts},
		{store.NumberKey(s.hash), encodeNumber(n)},
	}
	for _, r := range rows {
		if err := b.Set(r.key, r.value); err != nil {
			return rowSizes{}, err
		}
	}
	for i, tx := range txs {
		if err := b.Set(store.LookupKey(tx.Hash(), n, uint64(i)), nil); err != nil {
			return rowSizes{}, err
		}
	}
	if next := x.opens; next != nil {
		if err := b.Set(store.EpochKey(uint64(next.Epoch)), encodeEpoch(next)); err != nil {
			return rowSizes{}, err
		}
	}
	if err := c.state.Stage(b, l); err != nil {
		return rowSizes{}, err
	}
	final := &index.Final{Block: l.Block, Receipts: l.Receipts, Created: creationsOf(l)}
	if len(final.Created) > 0 {
		if err := b.Set(store.CreationsKey(n), mustRLP(final.Created)); err != nil {
			return rowSizes{}, err
		}
	}
	for _, x := range c.indexers {
		if err := x.Stage(b, final); err != nil {
			return rowSizes{}, err
		}
	}
	return costs(len(txs), len(body), len(receipts)), nil
}

func costs(txs, body, receipts int) rowSizes {
	return rowSizes{
		body:     blockOverhead + txs*txOverhead + body,
		receipts: blockOverhead + txs*receiptOverhead + receipts,
	}
}

func encodeNumber(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func mustRLP(v any) []byte {
	enc, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic(fmt.Sprintf("chain: encoding %T: %v", v, err)) // headers and transactions always encode
	}
	return enc
}
