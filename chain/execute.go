package chain

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/state"
)

// spec is a block that was executed but is not final.
type spec struct {
	sealed *Sealed // without certificate until it is committed
	layer  *state.Layer
	outcome
}

// Execute runs a batch speculatively on the block with hash parent, which is
// the head or an executed one, and returns the header of its block. Executing
// the same batch on the same parent again returns the kept result; another
// batch of the same number replaces it and drops what stood on it. ErrFinal,
// ErrNoParent or ErrDepth say that the caller and the chain disagree about
// where they stand. A cancelled context leaves everything as it was.
func (c *Chain) Execute(ctx context.Context, h *consensus.BatchHeader, parent common.Hash, txs []*types.Transaction) (*types.Header, error) {
	c.write.Lock()
	defer c.write.Unlock()
	s, err := c.speculate(ctx, h, parent, txs)
	if err != nil {
		return nil, err
	}
	return types.CopyHeader(s.sealed.Header), nil
}

func (c *Chain) speculate(ctx context.Context, h *consensus.BatchHeader, parent common.Hash, txs []*types.Transaction) (*spec, error) {
	head := c.head.Load()
	n := uint64(h.Seq)
	if n <= head.number() {
		return nil, fmt.Errorf("%w: batch of block %d, the head is %d", ErrFinal, n, head.number())
	}
	at := n - head.number() - 1
	if at > uint64(len(c.stack)) {
		return nil, fmt.Errorf("%w: batch of block %d, executed are blocks to %d", ErrNoParent, n, head.number()+uint64(len(c.stack)))
	}
	under := head
	if at > 0 {
		under = c.stack[at-1].sealed
	}
	if under.hash != parent || under.digest() != h.ParentDigest {
		return nil, fmt.Errorf("%w: block %d is to stand on %s (batch %s), here block %d is %s (batch %s)", ErrNoParent, n, parent, h.ParentDigest, n-1, under.hash, under.digest())
	}
	digest := h.Digest()
	if at < uint64(len(c.stack)) && c.stack[at].sealed.Header.MixDigest == digest {
		return c.stack[at], nil
	}
	if at >= c.depth {
		return nil, fmt.Errorf("%w: block %d is %d above the head %d, at most %d are", ErrDepth, n, at+1, head.number(), c.depth)
	}
	c.cut(at)
	time := max(under.Header.Time, h.TimeMs/1000)
	ancestors := hashes{chain: c}
	now := c.epochAbove(at)
	if h.Epoch != now.Epoch {
		return nil, fmt.Errorf("%w: the batch of block %d is of epoch %d, here that block is of epoch %d", ErrEpoch, n, h.Epoch, now.Epoch)
	}
	if err := c.checkForks(now, c.forksAbove(at), n); err != nil {
		return nil, err
	}
	var out outcome
	by := c.opener(now, h.Seq)
	if by != nil {
		txs = nil // the block holds the recovery alone
	}
	baseFee := new(big.Int).SetUint64(now.Params.MinGasPrice)
	layer, err := c.state.Execute(ctx, newHeader(h, digest, parent, time, baseFee), txs, ancestors.get, c.systemWrite(h, now, by, &out))
	if err == nil && out.err != nil {
		c.state.Drop(n - 1)
		err = fmt.Errorf("chain: write the recovery of epoch %d into block %d: %w", now.Epoch-1, n, out.err)
	}
	if err == nil && ancestors.err != nil {
		c.state.Drop(n - 1) // it saw a hash that is none
		err = ancestors.err
	}
	if err != nil {
		return nil, err
	}
	batch := *h
	s := &spec{layer: layer, outcome: out, sealed: &Sealed{Header: layer.Block.Header(), BatchHeader: &batch, hash: layer.Block.Hash()}}
	c.stack = append(c.stack, s)
	return s, nil
}

// Rollback forgets the speculative blocks above seq; final ones stay whatever
// it says.
func (c *Chain) Rollback(seq uint64) {
	c.write.Lock()
	defer c.write.Unlock()
	if head := c.head.Load().number(); seq <= head {
		c.cut(0)
	} else {
		c.cut(seq - head)
	}
}

// cut keeps the lowest n speculative blocks.
func (c *Chain) cut(n uint64) {
	if n >= uint64(len(c.stack)) {
		return
	}
	clear(c.stack[n:])
	c.stack = c.stack[:n]
	c.state.Drop(c.head.Load().number() + n)
}

// hashes is BLOCKHASH for a speculative execution. The writer calls it, so the
// stack stands still. The EVM takes no error: it is kept, and voids the
// execution, since a zero hash in its place would be a divergence.
type hashes struct {
	chain *Chain
	err   error
}

func (a *hashes) get(number uint64) common.Hash {
	head := a.chain.head.Load().number()
	if number > head {
		if at := number - head - 1; at < uint64(len(a.chain.stack)) {
			return a.chain.stack[at].sealed.hash
		}
		a.err = fmt.Errorf("%w: hash of block %d, executed are blocks to %d", ErrNotFound, number, head+uint64(len(a.chain.stack)))
		return common.Hash{}
	}
	s, err := a.chain.sealed(number)
	if err != nil {
		a.err = err
		return common.Hash{}
	}
	return s.hash
}
