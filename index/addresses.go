package index

import (
	"encoding/binary"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/internal/cores"
	"github.com/quorate/quorate/store"
)

// Addresses is the index of addresses: which transactions they have sent and
// received, and who has made contracts, also those that are gone. Stage, Begin, CatchUp and Forget are for one
// writer at a time; reads are safe for concurrent use at any time.
type Addresses struct {
	base
	signer types.Signer
}

// NewAddresses returns the index in db. The signer must be the chain's, whose senders
// transactions remember. It reads nothing.
func NewAddresses(db *store.DB, signer types.Signer) *Addresses {
	x := &Addresses{signer: signer, base: base{
		db: db, kind: store.IndexAddresses, name: "address", spaces: []byte{store.IndexSent, store.IndexReceived, store.IndexCreator, store.IndexDestroyed},
	}}
	x.work = func() work { return addressWork{x} }
	return x
}

// Stage puts the rows of a block into its batch. The block must follow the last
// indexed one; otherwise CatchUp has been forgotten.
func (x *Addresses) Stage(b *store.Batch, f *Final) error {
	if err := x.follows(f.number()); err != nil {
		return err
	}
	return x.Begin(b, f)
}

// Begin puts the rows of the first block of a chain that does not begin with block 0
// into its batch: nothing before it will be indexed.
func (x *Addresses) Begin(b *store.Batch, f *Final) error {
	if err := x.stage(b, f); err != nil {
		return err
	}
	return x.mark(b, f.number())
}

// addressWork indexes addresses afterwards.
type addressWork struct{ x *Addresses }

// block implements work.
func (w addressWork) block(b *store.Batch, from Source, number uint64) error {
	f, err := final(from, number)
	if err != nil {
		return err
	}
	recoverSenders(w.x.signer, f.Block.Transactions())
	return w.x.stage(b, f)
}

// flush implements work.
func (addressWork) flush(*store.Batch) error { return nil }

// recoverSenders recovers senders on all processors; the transactions remember them.
func recoverSenders(signer types.Signer, txs []*types.Transaction) {
	parts := cores.Count()
	var wg sync.WaitGroup
	for p := range parts {
		wg.Go(func() {
			for i := p; i < len(txs); i += parts {
				_, _ = types.Sender(signer, txs[i]) // asked for again, where an error counts
			}
		})
	}
	wg.Wait()
}

// stage writes one row for every sender and every recipient in the block, and one for
// each contract made.
func (x *Addresses) stage(b *store.Batch, f *Final) error {
	txs := f.Block.Transactions()
	sent, received := newOwned(store.IndexSent, len(txs)), newOwned(store.IndexReceived, len(txs))
	var nonce [binary.MaxVarintLen64]byte
	for i, tx := range txs {
		from, err := types.Sender(x.signer, tx)
		if err != nil {
			return err
		}
		sent.add(from, uint64(i), append([]byte(nil), nonce[:binary.PutUvarint(nonce[:], tx.Nonce())]...))
		to := tx.To()
		if to == nil && f.Receipts[i].Status == types.ReceiptStatusSuccessful {
			to = &f.Receipts[i].ContractAddress
		}
		if to != nil && *to != from {
			received.add(*to, uint64(i), nil)
		}
	}
	if err := sent.stage(b, f.number()); err != nil {
		return err
	}
	if err := received.stage(b, f.number()); err != nil {
		return err
	}
	for i := range f.Created {
		if err := x.stageCreation(b, f, &f.Created[i]); err != nil {
			return err
		}
	}
	return nil
}

// stageCreation writes who has made a contract. One that has destroyed itself may be made
// again, many times: its rows have numbers, so that the one of a contract that stays is
// never written over, and rows above the head can be passed over.
func (x *Addresses) stageCreation(b *store.Batch, f *Final, c *Creation) error {
	from, err := types.Sender(x.signer, f.Block.Transactions()[c.Tx])
	if err != nil {
		return err
	}
	value := binary.AppendUvarint(binary.AppendUvarint(nil, f.number()), c.Tx)
	if c.Creator != from {
		value = append(value, c.Creator[:]...)
	}
	key := store.IndexPrefix(store.IndexCreator, c.Contract)
	if c.Destroyed {
		key = store.OwnedKey(store.IndexDestroyed, c.Contract, f.number())
	}
	return b.Set(key, value)
}

// parseCreator reads a row of IndexCreator or IndexDestroyed.
func parseCreator(row []byte) (at Place, creator common.Address, ok bool) {
	number, n := binary.Uvarint(row)
	if n <= 0 {
		return at, creator, false
	}
	row = row[n:]
	tx, n := binary.Uvarint(row)
	if n <= 0 || len(row) != n && len(row) != n+common.AddressLength {
		return at, creator, false
	}
	return Place{number, tx}, common.BytesToAddress(row[n:]), true
}
