package index

import (
	"bytes"
	"sort"

	"github.com/quorate/quorate/store"
)

// Limits of reading ahead, in rows.
const (
	// readAhead bounds the rows that a query holds, over all its lists, beyond
	// one for each; with 256 bytes of value at most it is 1 MiB.
	readAhead = 4096
	// firstChunk is what a list reads after a jump: eight steps cost about what
	// the jump did.
	firstChunk = 8
)

// row says that a block has a term, and in which logs.
type row struct {
	number uint64
	value  []byte
}

// list walks over the blocks of one term. It reads ahead, more and more while it
// is used row by row, and little after a jump.
type list struct {
	term   store.LogTerm
	last   uint64 // no row above matters
	rows   []row
	at     int
	next   uint64 // rows below it have been read
	chunk  int    // rows to read at once
	most   int    // the greatest chunk
	ended  bool   // there is no row from next on
	values []byte // memory of rows
}

// valid reports whether the list stands on a row.
func (l *list) valid() bool { return l.at < len(l.rows) }

// number is the block that the list stands on.
func (l *list) number() uint64 { return l.rows[l.at].number }

// runs appends the logs of the block that have the term.
func (l *list) runs(out []run) ([]run, error) { return decodeRuns(out, l.rows[l.at].value) }

// seek moves to the first row at or above target, which must not fall.
func (l *list) seek(it *store.Iterator, target uint64) error {
	if l.at < len(l.rows) && l.rows[l.at].number < target {
		rest := l.rows[l.at:]
		l.at += sort.Search(len(rest), func(i int) bool { return rest[i].number >= target })
	}
	if l.at < len(l.rows) || l.ended {
		return nil
	}
	if target > l.next {
		l.chunk = min(firstChunk, l.most)
	} else {
		l.chunk = min(2*l.chunk, l.most)
	}
	return l.fill(it, max(target, l.next))
}

// fill reads the next rows from a block on.
func (l *list) fill(it *store.Iterator, from uint64) error {
	l.rows, l.at, l.values = l.rows[:0], 0, l.values[:0]
	prefix := store.LogPrefix(l.term)
	for ok := it.SeekGE(store.LogKey(l.term, from)); len(l.rows) < l.chunk; ok = it.Next() {
		if !ok || !bytes.HasPrefix(it.Key(), prefix) {
			l.ended = true
			return it.Error()
		}
		number, err := store.ParseLogKey(it.Key())
		if err != nil {
			return err
		}
		if number > l.last {
			l.ended = true
			return nil
		}
		start := len(l.values)
		l.values = append(l.values, it.Value()...) // older rows keep the memory that they point to
		l.rows = append(l.rows, row{number, l.values[start:len(l.values):len(l.values)]})
		l.next = number + 1
	}
	return nil
}
