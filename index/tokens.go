package index

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"

	"github.com/quorate/quorate/store"
)

const (
	// tokenCacheRows is the number of sums kept in memory, some 250 bytes each, 4 MB
	// together in the Go heap: those that the present traffic changes, for a read costs
	// as much as a write.
	tokenCacheRows = 1 << 14
	// batchGas is the least gas that one transfer of a TransferBatch costs: whoever keeps
	// a balance for each id changes two slots, 5,000 each, less what an empty one gives
	// back. Where there is less, the event is no token's, and nothing of it is told: for
	// 512 gas each, what the bytes of the event cost, one block could have the index
	// write 390,000 rows. Events that tell of one transfer cost 1,750 gas themselves.
	batchGas = 2_000
	// daySeconds is the length of a day in Unix time.
	daySeconds = 24 * 60 * 60
)

// Tokens is the index of tokens, as their events tell: transfers by token and by
// address, balances, holders, and what happened on each day. Stage, Begin, CatchUp and
// Forget are for one writer at a time; reads are safe for concurrent use at any time.
type Tokens struct {
	base
	cache   *lru.Cache[string, []byte] // rows as they are in the database; nil: absent
	staged  []sum                      // in a batch that may have been applied
	stagedN uint64                     // the block of that batch
}

// NewTokens returns the index in db. It reads nothing.
func NewTokens(db *store.DB) *Tokens {
	x := &Tokens{cache: lru.NewCache[string, []byte](tokenCacheRows), base: base{
		db: db, kind: store.IndexTokens, name: "token",
		spaces: []byte{
			store.IndexTokenTransfers, store.IndexPartyTransfers, store.IndexToken, store.IndexTokenBorn,
			store.IndexBalance, store.IndexHolder, store.IndexHeld, store.IndexDay,
		},
	}}
	x.work = func() work {
		x.forgetSums()
		return tokenWork{newLedger(x.get)}
	}
	return x
}

// Stage puts the rows of a block into its batch. The block must follow the last
// indexed one; otherwise CatchUp has been forgotten.
func (x *Tokens) Stage(b *store.Batch, f *Final) error {
	n := f.number()
	if err := x.follows(n); err != nil {
		return err
	}
	x.settle(n - 1)
	written, err := x.stage(b, f, x.cached)
	if err != nil {
		return err
	}
	x.staged, x.stagedN = written, n
	return x.mark(b, n)
}

// Begin puts the rows of the first block of a chain that does not begin with block 0
// into its batch: nothing before it will be indexed, and nobody has anything.
func (x *Tokens) Begin(b *store.Batch, f *Final) error {
	x.forgetSums()
	if _, err := x.stage(b, f, func([]byte) ([]byte, error) { return nil, nil }); err != nil {
		return err
	}
	return x.mark(b, f.number())
}

func (x *Tokens) stage(b *store.Batch, f *Final, read func([]byte) ([]byte, error)) ([]sum, error) {
	l := newLedger(read)
	if err := stageTokens(b, l, f); err != nil {
		return nil, err
	}
	return l.flush(b)
}

// settle takes what was staged last into the cache, if its block is the last indexed
// one; a batch that was dropped leaves nothing.
func (x *Tokens) settle(last uint64) {
	if x.stagedN == last {
		for _, s := range x.staged {
			x.cache.Add(string(s.key), s.value)
		}
	}
	x.staged, x.stagedN = nil, 0
}

// forgetSums empties the cache, when others than Stage write.
func (x *Tokens) forgetSums() {
	x.cache.Purge()
	x.staged, x.stagedN = nil, 0
}

// cached reads a sum.
func (x *Tokens) cached(key []byte) ([]byte, error) {
	if row, ok := x.cache.Get(string(key)); ok {
		return row, nil
	}
	return x.get(key)
}

// get reads a sum from the database.
func (x *Tokens) get(key []byte) ([]byte, error) {
	row, err := x.db.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return row, err
}

// tokenWork indexes tokens afterwards.
type tokenWork struct{ l *ledger }

// block implements work.
func (w tokenWork) block(b *store.Batch, from Source, number uint64) error {
	f, err := final(from, number)
	if err != nil {
		return err
	}
	return stageTokens(b, w.l, f)
}

// flush implements work.
func (w tokenWork) flush(b *store.Batch) error {
	_, err := w.l.flush(b)
	return err
}

// stageTokens writes in which logs of a block each token and each party is, and adds
// the block to the sums.
func stageTokens(b *store.Batch, l *ledger, f *Final) error {
	day, err := l.day(uint32(f.Block.Time() / daySeconds))
	if err != nil {
		return err
	}
	day.Blocks++
	day.Transactions += uint64(len(f.Block.Transactions()))
	day.GasUsed += f.Block.GasUsed()
	for i := range f.Created {
		if !f.Created[i].Destroyed {
			day.Contracts++
		}
	}
	byToken, byParty := newOwned(store.IndexTokenTransfers, 0), newOwned(store.IndexPartyTransfers, 0)
	ordinal := uint64(0)
	for _, r := range f.Receipts {
		affordable := r.GasUsed / batchGas
		for _, log := range r.Logs {
			at := ordinal
			ordinal++
			if minTransfers(log) > max(affordable, 1) {
				continue
			}
			s, list, ok := Transfers(log)
			if !ok || len(list) == 0 || len(list) > 1 && uint64(len(list)) > affordable {
				continue
			}
			if len(list) > 1 {
				affordable -= uint64(len(list))
			}
			t, err := l.token(b, log.Address, s, f.number())
			if err != nil {
				return err
			}
			if err := l.move(t, s, list); err != nil {
				return err
			}
			day.Transfers += uint64(len(list))
			byToken.add(log.Address, at, nil)
			for _, a := range []common.Address{list[0].From, list[0].To} { // all of a batch have the same
				if a != (common.Address{}) {
					byParty.add(a, at, nil)
				}
			}
		}
	}
	return errors.Join(byToken.stage(b, f.number()), byParty.stage(b, f.number()))
}
