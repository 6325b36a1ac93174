package state

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/quorate/quorate/store"
)

// View is a state to read, pinned: commits do not change it. Its StateDB may be
// written to (a call needs that), but never committed. It must be closed. One
// View is for one goroutine.
type View struct {
	Number  uint64
	Root    common.Hash
	StateDB *gstate.StateDB

	snapshot *store.Snapshot
	past     *past
}

// Close releases the view.
func (v *View) Close() error {
	if v.past != nil {
		return errors.Join(v.past.close(), v.snapshot.Close())
	}
	return v.snapshot.Close()
}

// Latest returns the state at the head.
func (s *State) Latest() (*View, error) {
	snapshot := s.db.NewSnapshot()
	head, err := s.pinned(snapshot)
	if err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	return s.present(snapshot, head)
}

// At returns the state after a block: *ErrPruned if it is no longer kept.
func (s *State) At(number uint64) (*View, error) {
	snapshot := s.db.NewSnapshot()
	v, err := s.at(snapshot, number)
	if err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	return v, nil
}

// Speculative returns the state after the head or a live layer, by block hash.
func (s *State) Speculative(hash common.Hash) (*View, error) {
	s.mu.RLock()
	snapshot := s.db.NewSnapshot()
	b, top, err := s.on(hash, snapshot, nil)
	s.mu.RUnlock()
	if err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	return open(snapshot, top, &readOnly{overlay{base: b, root: top.Root}})
}

// pinned reads the head marker of a snapshot.
func (s *State) pinned(snapshot store.Reader) (Head, error) {
	head, ok, err := readHead(snapshot)
	if err == nil && !ok {
		err = ErrNoGenesis
	}
	return head, err
}

// present opens the head of a snapshot.
func (s *State) present(snapshot *store.Snapshot, head Head) (*View, error) {
	b := newBase(nil, snapshot, nil, s.code)
	return open(snapshot, head, &readOnly{overlay{base: b, root: head.Root}})
}

// open makes a StateDB; it closes the snapshot on failure.
func open(snapshot *store.Snapshot, head Head, db gstate.Database) (*View, error) {
	sdb, err := gstate.New(head.Root, db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("state: open the state of block %d: %w", head.Number, err), snapshot.Close())
	}
	return &View{Number: head.Number, Root: head.Root, StateDB: sdb, snapshot: snapshot}, nil
}

func (s *State) at(snapshot *store.Snapshot, number uint64) (*View, error) {
	head, err := s.pinned(snapshot)
	if err != nil {
		return nil, err
	}
	if number > head.Number {
		return nil, fmt.Errorf("state: there is no block %d yet, the head is block %d", number, head.Number)
	}
	if number == head.Number {
		return s.present(snapshot, head)
	}
	extent, err := readHistory(snapshot)
	if err != nil {
		return nil, err
	}
	if oldest := extent.limit(head.Number, s.keep); number < oldest {
		return nil, &ErrPruned{number, oldest}
	}
	nodes, err := readTrail(snapshot)
	if err != nil {
		return nil, err
	}
	p := &past{history: extent, number: number, head: head.Number, trail: nodes, present: newBase(nil, snapshot, nil, s.code), snapshot: snapshot}
	root, err := p.root()
	if err == nil {
		var sdb *gstate.StateDB
		if sdb, err = gstate.New(root, &historical{past: p, root: root, code: s.code}); err == nil {
			return &View{Number: number, Root: root, StateDB: sdb, snapshot: snapshot, past: p}, nil
		}
	}
	return nil, errors.Join(err, p.close())
}

// readOnly is an overlay that refuses a commit.
type readOnly struct{ overlay }

// Commit implements state.Database.
func (*readOnly) Commit(*gstate.StateUpdate) error { return ErrReadOnly }
