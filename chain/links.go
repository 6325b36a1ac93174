package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/recovery"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/store"
)

// ErrNoLink says that this node did not see how an epoch ended, and nobody who
// served it the block after told.
var ErrNoLink = errors.New("chain: this node has no checkpoint certificate of a change of the validators; another node may have it")

// Link is a change of the validator set: what ends an epoch, a certificate or a
// recovery, and what follows.
type Link struct {
	Certificate *consensus.CheckpointCertificate // nil if Recovery ended the epoch
	Recovery    *recovery.Document
	Next        *consensus.EpochRules
}

// Links returns the changes of the set from the first epoch to e, oldest first. They
// begin with the newest recovery, which the genesis alone proves. It fails with
// ErrNotFound if e has not begun, and with ErrNoLink.
func (c *Chain) Links(e consensus.Epoch) ([]Link, error) {
	x, err := c.Epoch(e)
	if err != nil {
		return nil, err
	}
	var out []Link
	for x.SetSince > 0 {
		if x, err = c.Epoch(x.SetSince); err != nil {
			return nil, err
		}
		if x.Recovery != (common.Hash{}) {
			by := c.recoveryAt(x.First - 1)
			if by == nil {
				return nil, fmt.Errorf("chain: the recovery %s of block %d is missing: the database is damaged", x.Recovery, x.First-1)
			}
			out = append(out, Link{Recovery: by.Document, Next: x.EpochRules})
			break
		}
		cert, err := c.link(uint64(x.First - 1))
		if err != nil {
			return nil, err
		}
		out = append(out, Link{Certificate: cert, Next: x.EpochRules})
		if x, err = c.before(x); err != nil {
			return nil, err
		}
	}
	slices.Reverse(out)
	return out, nil
}

// before returns an epoch whose set is that of the epoch before x, with which
// another set began. Where the chain of this node began later, the rows of epochs
// are here only where sets began, and the one that precedes x is meant.
func (c *Chain) before(x *registry.Epoch) (e *registry.Epoch, err error) {
	if o := c.origin.Load(); o.Number == 0 || x.Epoch > o.Epoch {
		return c.Epoch(x.Epoch - 1)
	}
	it, err := c.db.NewIter(store.EpochKey(0), store.EpochKey(uint64(x.Epoch)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.Last() {
		return nil, errors.Join(fmt.Errorf("chain: no row of an epoch before %d: the database is damaged", x.Epoch), it.Error())
	}
	return c.Epoch(consensus.Epoch(binary.BigEndian.Uint64(it.Key()[1:])))
}

// link reads the certificate of an epoch's last block.
func (c *Chain) link(number uint64) (*consensus.CheckpointCertificate, error) {
	row, err := c.db.Get(store.LinkKey(number))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: of block %d", ErrNoLink, number)
	}
	if err != nil {
		return nil, err
	}
	cert := new(consensus.CheckpointCertificate)
	if err := rlp.DecodeBytes(row, cert); err != nil {
		return nil, fmt.Errorf("chain: damaged checkpoint certificate of block %d: %w", number, err)
	}
	return cert, nil
}

// verifyLink checks the checkpoint certificate beside the first block of an epoch.
func (c *Chain) verifyLink(b *SealedBlock, epoch *registry.Epoch) error {
	l := b.Link
	if b.BatchHeader.Seq != epoch.First || epoch.SetSince != epoch.Epoch || epoch.Epoch == 0 {
		return fmt.Errorf("no other set begins with block %d", b.BatchHeader.Seq)
	}
	before, err := c.Epoch(epoch.Epoch - 1)
	if err != nil {
		return err
	}
	if l.Epoch != before.Epoch || l.Seq != before.Last() || l.BlockHash != b.Header.ParentHash || l.NextSet != epoch.Hash() {
		return fmt.Errorf("it is of epoch %d, block %d %s with what follows %s; here it is epoch %d, block %d %s with %s",
			l.Epoch, l.Seq, l.BlockHash, l.NextSet, before.Epoch, before.Last(), b.Header.ParentHash, epoch.Hash())
	}
	return l.Verify(c.domain, before.Set)
}
