package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/internal/cores"
	"github.com/quorate/quorate/registry"
)

// Verified is a SealedBlock that Verify has accepted. Only Verify makes one.
type Verified struct {
	block *SealedBlock
	hash  common.Hash
}

// Number returns the block's number.
func (v *Verified) Number() uint64 { return uint64(v.block.BatchHeader.Seq) }

// Certificate returns the block's commit certificate.
func (v *Verified) Certificate() *consensus.CommitCertificate { return v.block.Certificate }

// Verify checks everything about a sealed block that needs no state and no
// parent: the batch header hashes to the header's mix digest and the
// certificate's digest, the header to the certificate's block hash, the
// transactions to the header's transactions root; the certificate is by a
// quorum of the epoch's set; every transaction is signed for this chain. What
// fails is ErrInvalid; ErrNotFound says that its epoch has not begun here: the
// blocks before must be imported first. It uses all cores for the signatures, remembers the
// senders in the transactions, and is safe for concurrent use: most of the work
// of an import is here.
func (c *Chain) Verify(b *SealedBlock) (*Verified, error) {
	if b == nil || b.Header == nil || b.BatchHeader == nil || b.Certificate == nil {
		return nil, invalid("header, batch header or certificate is missing")
	}
	h, cert, seq := b.Header, b.Certificate, b.BatchHeader.Seq
	hash, digest := h.Hash(), b.BatchHeader.Digest()
	switch {
	case !h.Number.IsUint64() || h.Number.Uint64() != uint64(seq) || seq == 0:
		return nil, invalid("header of block %v beside the batch header of %d", h.Number, seq)
	case h.MixDigest != digest:
		return nil, invalid("block %d: the header names batch %s, the batch header hashes to %s", seq, h.MixDigest, digest)
	case cert.Seq != seq || cert.BatchDigest != digest || cert.BlockHash != hash:
		return nil, invalid("block %d: header %s of batch %s, the certificate is for block %d %s of batch %s", seq, hash, digest, cert.Seq, cert.BlockHash, cert.BatchDigest)
	case b.BatchHeader.Epoch != cert.Epoch:
		return nil, invalid("block %d: the batch header is of epoch %d, the certificate of %d", seq, b.BatchHeader.Epoch, cert.Epoch)
	case uint64(len(b.Transactions)) > b.BatchHeader.TxCount:
		return nil, invalid("block %d has %d transactions, its batch had %d", seq, len(b.Transactions), b.BatchHeader.TxCount)
	}
	if root := types.DeriveSha(types.Transactions(b.Transactions), trie.NewStackTrie(nil)); root != h.TxHash {
		return nil, invalid("block %d: transactions hash to root %s, the header says %s", seq, root, h.TxHash)
	}
	epoch, err := c.epochFor(b)
	if err != nil {
		return nil, err
	}
	if !epoch.Owns(seq) {
		return nil, invalid("block %d is not of epoch %d, which has %d … %d", seq, epoch.Epoch, epoch.First, epoch.Last())
	}
	if err := c.notOver(epoch, seq); err != nil {
		return nil, err
	}
	if err := c.trusted.CheckBlock(uint64(seq), hash); err != nil {
		return nil, invalid("%w", err)
	}
	if err := cert.Verify(c.domain, epoch.Set); err != nil {
		return nil, invalid("certificate of block %d: %w", seq, err)
	}
	if b.Link != nil {
		if err := c.verifyLink(b, epoch); err != nil {
			return nil, invalid("the checkpoint certificate before block %d: %w", seq, err)
		}
	}
	if err := c.recoverSenders(b.Transactions); err != nil {
		return nil, invalid("block %d: %w", seq, err)
	}
	return &Verified{block: b, hash: hash}, nil
}

// epochFor returns the epoch that decides a sealed block: one that has begun here, or
// the one that the recovery beside it opens.
func (c *Chain) epochFor(b *SealedBlock) (*registry.Epoch, error) {
	if b.Recovery != nil {
		return c.verifyRecovered(b)
	}
	return c.Epoch(b.Certificate.Epoch)
}

// recoverSenders recovers every sender once; the transactions remember it.
func (c *Chain) recoverSenders(txs []*types.Transaction) error {
	parts := min(cores.Count(), (len(txs)+parallelSenders-1)/parallelSenders)
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for p := range parts {
		wg.Go(func() {
			for i := p; i < len(txs) && errs[p] == nil; i += parts {
				if _, err := types.Sender(c.signer, txs[i]); err != nil {
					errs[p] = fmt.Errorf("transaction %d %s: %w", i, txs[i].Hash(), err)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Import verifies a sealed block, executes it on the head and makes it durable.
// ErrInvalid accuses whoever sent it; ErrGap says that it is not the next one;
// a *Divergence is a certified block that this node cannot agree with. A block
// that is final already is accepted and changes nothing.
func (c *Chain) Import(ctx context.Context, b *SealedBlock) error {
	v, err := c.Verify(b)
	if err != nil {
		return err
	}
	if err := c.ImportVerified(ctx, v); err != nil {
		return err
	}
	return c.db.Sync()
}

// ImportVerified is Import for a verified block, without waiting for the disk:
// a power cut may take the newest imported blocks away, whole and from the end,
// until Flush returns. Blocks that a quorum holds can be had again.
func (c *Chain) ImportVerified(ctx context.Context, v *Verified) error {
	if err := c.db.Writable(); err != nil {
		return err
	}
	c.write.Lock()
	defer c.write.Unlock()
	head, b := c.head.Load(), v.block
	switch n := v.Number(); {
	case n <= head.number():
		own, err := c.sealed(n)
		if err == nil && own.hash != v.hash {
			err = c.diverged(v, own.Header)
		}
		return err
	case n > head.number()+1:
		return fmt.Errorf("%w: block %d, the head is %d", ErrGap, n, head.number())
	case b.Header.ParentHash != head.hash || b.BatchHeader.ParentDigest != head.digest():
		return c.diverged(v, head.Header) // a quorum signed a child of another block
	}
	if b.Recovery != nil {
		if err := c.recover(b.Recovery); err != nil {
			return err
		}
	}
	if now := c.epoch.Load().Epoch; b.BatchHeader.Epoch != now { // the epoch has ended since it was verified
		return invalid("block %d is of epoch %d, here it is of epoch %d", v.Number(), b.BatchHeader.Epoch, now)
	}
	s, err := c.speculate(ctx, b.BatchHeader, head.hash, b.Transactions)
	if err != nil {
		return err
	}
	if s.sealed.hash != v.hash {
		c.cut(0)
		return c.diverged(v, s.sealed.Header)
	}
	return c.finalise(b.Certificate, b.Link, false)
}

// Flush makes every imported block durable.
func (c *Chain) Flush() error { return c.db.Sync() }

func (c *Chain) diverged(v *Verified, own *types.Header) error {
	return &Divergence{Number: v.Number(), Own: own, Hash: v.hash, Certified: v.block.Header, Certificate: v.block.Certificate}
}
