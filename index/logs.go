package index

import (
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/store"
)

// Logs is the index of logs. Stage, Begin and CatchUp are for one writer at a time;
// reads are safe for concurrent use at any time.
type Logs struct{ base }

// NewLogs returns the index in db. It reads nothing.
func NewLogs(db *store.DB) *Logs {
	x := &Logs{base{db: db, kind: store.IndexLogs, name: "log", spaces: []byte{store.IndexLogs}}}
	x.work = func() work { return logWork{} }
	return x
}

// Stage puts the rows of a block into its batch. The block must follow the last
// indexed one; otherwise CatchUp has been forgotten.
func (x *Logs) Stage(b *store.Batch, f *Final) error {
	if err := x.follows(f.number()); err != nil {
		return err
	}
	return x.Begin(b, f)
}

// Begin puts the rows of the first block of a chain that does not begin with block 0
// into its batch: nothing before it will be indexed.
func (x *Logs) Begin(b *store.Batch, f *Final) error {
	if err := stageLogs(b, f.number(), f.Receipts); err != nil {
		return err
	}
	return x.mark(b, f.number())
}

// logWork indexes logs afterwards.
type logWork struct{}

// block implements work.
func (logWork) block(b *store.Batch, from Source, number uint64) error {
	h, err := from.Header(number)
	if err != nil || h.Bloom == (types.Bloom{}) {
		return err
	}
	receipts, err := from.Receipts(number)
	if err != nil {
		return err
	}
	return stageLogs(b, number, receipts)
}

// flush implements work.
func (logWork) flush(*store.Batch) error { return nil }

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
