package index

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/store"
)

// Query asks for logs by one of these addresses that have one of these topics at
// each position. An empty list matches anything.
type Query struct {
	Addresses []common.Address
	Topics    [][]common.Hash
}

// terms returns what a log must have: one of each list. Where nothing is asked
// for, it is the term that every log has.
func (q *Query) terms() [][]store.LogTerm {
	var out [][]store.LogTerm
	if len(q.Addresses) > 0 {
		list := make([]store.LogTerm, len(q.Addresses))
		for i, a := range q.Addresses {
			list[i] = termOfAddress(a)
		}
		out = append(out, list)
	}
	for position, topics := range q.Topics {
		if len(topics) == 0 {
			continue
		}
		list := make([]store.LogTerm, len(topics))
		for i, t := range topics {
			list[i] = termOfTopic(position, t)
		}
		out = append(out, list)
	}
	if len(out) == 0 {
		out = append(out, []store.LogTerm{termOfAny})
	}
	return out
}

// Blocks calls visit, in ascending order, with every block from ≤ n ≤ to that
// has a log which the query matches, and rarely with another one: who needs to
// be exact looks into the block. It stops at the first error of visit, of the
// database, or of ctx. The blocks below done have been dealt with: without an
// error done is to + 1. Blocks committed after the call may be missed.
func (x *Logs) Blocks(ctx context.Context, q Query, from, to uint64, visit func(number uint64) error) (done uint64, err error) {
	s, err := x.open(q.terms(), to)
	if err != nil {
		return from, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for done = from; done <= to; done++ {
		number, ok, err := s.next(ctx, &done)
		if err != nil {
			return done, err
		}
		if !ok {
			break
		}
		if err := visit(number); err != nil {
			return number, err
		}
	}
	return to + 1, nil
}

// search is one query at work: an AND of ORs.
type search []*anyOf

// open makes the lists; they share the rows that a query may read ahead.
func (x *Logs) open(terms [][]store.LogTerm, to uint64) (search, error) {
	count := 0
	for _, list := range terms {
		count += len(list)
	}
	most := max(1, readAhead/count)
	lower := []byte{store.PrefixIndex, store.IndexLogs}
	var s search
	for _, alternatives := range terms {
		it, err := x.db.NewIter(lower, store.After(lower))
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		u := &anyOf{it: it}
		for _, t := range alternatives {
			u.lists = append(u.lists, &list{term: t, last: to, most: most, chunk: min(firstChunk, most)})
		}
		s = append(s, u)
	}
	return s, nil
}

func (s search) close() error {
	var errs []error
	for _, u := range s {
		errs = append(errs, u.it.Close())
	}
	return errors.Join(errs...)
}

// next returns the first block at or above *target with a log that has a term of
// each list, and moves *target up to it; ok is false if there is none.
func (s search) next(ctx context.Context, target *uint64) (number uint64, ok bool, err error) {
	for steps := 0; ; steps++ {
		if steps%stepsPerCheck == 0 && ctx.Err() != nil {
			return 0, false, ctx.Err()
		}
		agreed := true
		for _, u := range s {
			n, ok, err := u.seek(*target)
			if err != nil || !ok {
				return 0, false, err
			}
			if n > *target {
				agreed = u == s[0] // then the others have not been asked for n yet
				*target = n
			}
		}
		if !agreed {
			continue
		}
		if together, err := s.together(); err != nil || together {
			return *target, together, err
		}
		*target++
	}
}

// stepsPerCheck is the number of steps of a search between two looks whether it
// is still wanted: some 100 µs.
const stepsPerCheck = 256

// together reports whether, in the block where all lists stand, one log has a
// term of each.
func (s search) together() (bool, error) {
	if len(s) == 1 {
		return true, nil
	}
	all, err := s[0].runs()
	for _, u := range s[1:] {
		if err != nil || len(all) == 0 {
			return false, err
		}
		var own []run
		own, err = u.runs()
		all = meet(all, own)
	}
	return len(all) > 0, err
}
