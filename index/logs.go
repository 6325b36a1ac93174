package index

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/store"
)

// Logs is the index of logs. Stage and CatchUp are for one writer at a time;
// reads are safe for concurrent use at any time.
type Logs struct {
	db *store.DB
}

// NewLogs returns the index in db. It reads nothing.
func NewLogs(db *store.DB) *Logs { return &Logs{db} }

// Indexed returns the number of the last block whose logs are indexed. It is 0
// in a new database: block 0 has no logs.
func (x *Logs) Indexed() (uint64, error) {
	row, err := x.db.Get(store.IndexedKey(store.IndexLogs))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, used := binary.Uvarint(row)
	if used <= 0 || used != len(row) {
		return 0, fmt.Errorf("index: damaged row of the last indexed block: %x", row)
	}
	return n, nil
}

// Stage puts the rows of a block into its batch. The block must follow the last
// indexed one; otherwise CatchUp has been forgotten.
func (x *Logs) Stage(b *store.Batch, block *types.Block, receipts types.Receipts) error {
	n := block.NumberU64()
	last, err := x.Indexed()
	if err != nil {
		return err
	}
	if n != last+1 {
		return fmt.Errorf("index: logs are indexed to block %d, block %d cannot be next", last, n)
	}
	return x.Begin(b, block, receipts)
}

// Begin puts the rows of the first block of a chain that does not begin with block 0
// into its batch: nothing before it will be indexed.
func (x *Logs) Begin(b *store.Batch, block *types.Block, receipts types.Receipts) error {
	n := block.NumberU64()
	if err := stageLogs(b, n, receipts); err != nil {
		return err
	}
	return markIndexed(b, n)
}

func markIndexed(b *store.Batch, n uint64) error {
	return b.Set(store.IndexedKey(store.IndexLogs), binary.AppendUvarint(nil, n))
}

// stageLogs writes one row for each term that a log of the block has.
func stageLogs(b *store.Batch, number uint64, receipts types.Receipts) error {
	var p postings
	for _, r := range receipts {
		for _, l := range r.Logs {
			p.log(l)
		}
	}
	for i, t := range p.terms {
		if err := b.Set(store.LogKey(t, number), p.runs[i].value()); err != nil {
			return err
		}
	}
	return nil
}

// postings are the rows of one block, in the order in which terms come up: the
// same on every node.
type postings struct {
	count uint32 // logs so far
	of    map[store.LogTerm]int
	terms []store.LogTerm
	runs  []runsEncoder
}

// log adds the terms of the next log.
func (p *postings) log(l *types.Log) {
	p.add(termOfAny)
	p.add(termOfAddress(l.Address))
	for i, t := range l.Topics {
		p.add(termOfTopic(i, t))
	}
	p.count++
}

func (p *postings) add(t store.LogTerm) {
	i, ok := p.of[t]
	if !ok {
		if p.of == nil {
			p.of = make(map[store.LogTerm]int)
		}
		i = len(p.terms)
		p.of[t] = i
		p.terms = append(p.terms, t)
		p.runs = append(p.runs, runsEncoder{})
	}
	p.runs[i].add(p.count)
}
