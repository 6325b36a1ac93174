package statesync

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// task is a part of the account space. One goroutine at a time works on it, one
// request at a time: accounts, then the code and the slots that they need, then
// everything of these accounts counts as fetched and the next range follows.
type task struct {
	index       int
	first, last common.Hash // of its part
	row         taskRow     // as in the database
	pending     *accounts   // whose code and slots are being fetched; nil: none
}

// taskRow is how far a task is, durable with the rows that it has fetched.
type taskRow struct {
	Done    bool
	Next    common.Hash // account from which on nothing is fetched but:
	Account common.Hash // slots of the accounts from Next on to before this one,
	Slot    common.Hash // and of this one to before this slot
}

// accounts are a verified range of which something is still missing.
type accounts struct {
	keys   []common.Hash
	list   []*types.StateAccount
	more   bool          // others follow in the task's part
	codes  []common.Hash // still to fetch
	stores []int         // indices of the accounts whose slots are still to fetch
	slot   common.Hash   // from which on, of the first of them
}

func taskKey(index int) []byte { return store.SyncKey('t', byte(index)) }

// resume reads how far the tasks are.
func (r *run) resume() error {
	size := new(big.Int).Rsh(new(big.Int).Lsh(common.Big1, 256), 4) // 2^256 / tasks
	for i := range tasks {
		first := common.BigToHash(new(big.Int).Mul(size, big.NewInt(int64(i))))
		end := new(big.Int).Mul(size, big.NewInt(int64(i)+1))
		t := &task{index: i, first: first, last: common.BigToHash(end.Sub(end, common.Big1))}
		t.row.Next = first
		v, err := r.c.db.Get(taskKey(i))
		if err == nil {
			err = rlp.DecodeBytes(v, &t.row)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("statesync: row of task %d: %w", i, err)
		}
		r.tasks = append(r.tasks, t)
		r.parts[i] = t.part()
	}
	return nil
}

// save puts the task's row into the batch that brings it there.
func (t *task) save(b *store.Batch) error {
	v, err := rlp.EncodeToBytes(&t.row)
	if err != nil {
		return err
	}
	return b.Direct().Set(taskKey(t.index), v)
}

// part is how much of its accounts the task has fetched, 0 to 1.
func (t *task) part() float64 {
	if t.row.Done {
		return 1
	}
	whole, _ := new(big.Float).SetInt(new(big.Int).Sub(t.last.Big(), t.first.Big())).Float64()
	got, _ := new(big.Float).SetInt(new(big.Int).Sub(t.row.Next.Big(), t.first.Big())).Float64()
	return got / whole
}

// question returns the next request of a task.
func (r *run) question(t *task) *request {
	q := &request{Pivot: r.anchor.Hash, Bytes: uint64(r.cfg.RangeBytes)}
	switch x := t.pending; {
	case x == nil:
		q.Ask, q.From = askAccounts, t.row.Next
	case len(x.codes) > 0:
		q.Ask, q.Keys = askCode, x.codes[:min(len(x.codes), maxKeys)]
	default:
		q.Ask, q.From = askSlots, x.slot
		for _, i := range x.stores[:min(len(x.stores), maxKeys)] {
			q.Keys = append(q.Keys, x.keys[i])
		}
	}
	return q
}

// take takes the answer to the task's question and writes what it brings.
func (r *run) take(t *task, q *request, data []byte) error {
	var err error
	switch q.Ask {
	case askAccounts:
		err = r.takeAccounts(t, q, data)
	case askCode:
		err = r.takeCode(t, q, data)
	case askSlots:
		err = r.takeSlots(t, q, data)
	}
	if err != nil {
		return err
	}
	if x := t.pending; len(x.codes) == 0 && len(x.stores) == 0 {
		return r.finish(t)
	}
	return nil
}

func (r *run) takeAccounts(t *task, q *request, data []byte) error {
	got, err := decode[state.Range](data)
	if err != nil {
		return err
	}
	list, more, err := state.VerifyAccounts(r.anchor.Root, q.From, got)
	if err != nil {
		return err
	}
	x := &accounts{keys: got.Keys, list: list, more: more}
	for i, k := range got.Keys {
		if k.Cmp(t.last) > 0 { // of the next task
			x.keys, x.list, x.more = x.keys[:i], x.list[:i], false
			break
		}
	}
	for i, a := range x.list {
		if a.Root != types.EmptyRootHash && x.keys[i].Cmp(t.row.Account) >= 0 {
			if len(x.stores) == 0 && x.keys[i] == t.row.Account {
				x.slot = t.row.Slot
			}
			x.stores = append(x.stores, i)
		}
		if err := r.want(x, common.BytesToHash(a.CodeHash)); err != nil {
			return err
		}
	}
	t.pending = x
	return nil
}

// want notes code that nobody has fetched yet. Two tasks may fetch the same: that
// is harmless, and seldom.
func (r *run) want(x *accounts, hash common.Hash) error {
	if hash == types.EmptyCodeHash {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.codes[hash] {
		return nil
	}
	have, err := r.c.db.StagedRows().Has(store.CodeKey(hash))
	if err != nil {
		return err
	}
	if have {
		r.codes[hash] = true
		return nil
	}
	for _, c := range x.codes {
		if c == hash {
			return nil
		}
	}
	x.codes = append(x.codes, hash)
	return nil
}

func (r *run) takeCode(t *task, q *request, data []byte) error {
	got, err := decode[[][]byte](data)
	if err != nil {
		return err
	}
	if len(*got) == 0 || len(*got) > len(q.Keys) {
		return fmt.Errorf("%w: %d pieces of code for %d hashes", ErrLie, len(*got), len(q.Keys))
	}
	b := r.c.db.NewStagedBatch()
	defer b.Close()
	for i, c := range *got {
		if hash := crypto.Keccak256Hash(c); hash != q.Keys[i] {
			return fmt.Errorf("%w: code %x for %x", ErrLie, hash, q.Keys[i])
		}
		if err := state.StageCode(b, q.Keys[i], c); err != nil {
			return err
		}
	}
	if err := r.c.db.Apply(b, false); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range *got {
		r.codes[q.Keys[i]] = true
	}
	t.pending.codes = t.pending.codes[len(*got):]
	return nil
}

func (r *run) takeSlots(t *task, q *request, data []byte) error {
	got, err := decode[ranges](data)
	if err != nil {
		return err
	}
	if len(*got) == 0 || len(*got) > len(q.Keys) {
		return fmt.Errorf("%w: slots of %d accounts, asked for %d", ErrLie, len(*got), len(q.Keys))
	}
	x := t.pending
	b := r.c.db.NewStagedBatch()
	defer b.Close()
	from, n, slots := x.slot, 0, 0
	for i, s := range *got {
		more, err := state.VerifySlots(x.list[x.stores[i]].Root, from, s)
		if err != nil {
			return err
		}
		if more && i < len(*got)-1 {
			return fmt.Errorf("%w: a part of the slots of an account, and then another account", ErrLie)
		}
		if err := state.StageSlots(b, q.Keys[i], s); err != nil {
			return err
		}
		slots += len(s.Keys)
		from = common.Hash{}
		if more {
			from = next(s.Keys[len(s.Keys)-1])
		} else {
			n++
		}
	}
	if n < len(x.stores) {
		t.row.Account, t.row.Slot = x.keys[x.stores[n]], from
	} else {
		t.row.Account, t.row.Slot = next(x.keys[x.stores[n-1]]), common.Hash{}
	}
	if err := errors.Join(t.save(b), r.c.db.Apply(b, false)); err != nil {
		return err
	}
	x.stores, x.slot = x.stores[n:], from
	r.c.report(func(p *Progress) { p.Slots += uint64(slots) })
	return nil
}

// finish writes the accounts of which nothing is missing any more.
func (r *run) finish(t *task) error {
	x := t.pending
	b := r.c.db.NewStagedBatch()
	defer b.Close()
	if err := state.StageAccounts(b, x.keys, x.list, t.last); err != nil {
		return err
	}
	t.row.Account, t.row.Slot = common.Hash{}, common.Hash{}
	if t.row.Done = !x.more; x.more {
		t.row.Next = next(x.keys[len(x.keys)-1])
	}
	if err := errors.Join(t.save(b), r.c.db.Apply(b, false)); err != nil {
		return err
	}
	t.pending = nil
	r.mu.Lock()
	r.parts[t.index] = t.part()
	part := 0.0
	for _, x := range r.parts {
		part += x / tasks
	}
	r.mu.Unlock()
	r.c.report(func(p *Progress) { p.Accounts, p.Part = p.Accounts+uint64(len(x.keys)), part })
	return nil
}

// next is the key after k; k is not the last of all.
func next(k common.Hash) common.Hash {
	for i := len(k) - 1; i >= 0; i-- {
		if k[i]++; k[i] != 0 {
			break
		}
	}
	return k
}
