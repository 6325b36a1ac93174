package archive

import (
	"context"

	"github.com/quorate/quorate/rpc/stream"
)

// All are the parts of a block that a file of lines has.
const All = stream.Transactions | stream.Receipts | stream.Certificate

// Source has blocks as lines: a data directory or a node that runs.
type Source interface {
	// Head returns the number of the last block.
	Head(ctx context.Context) (uint64, error)
	// Lines calls take with each block from one number to another, both included, in
	// order. The line, without its end, is good until take returns.
	Lines(ctx context.Context, from, to uint64, take func(number uint64, line []byte) error) error
}

// Local is the source of a chain that is open here.
type Local struct{ stream.Objects }

// Head implements Source.
func (l Local) Head(context.Context) (uint64, error) { return l.Chain.Head().Number.Uint64(), nil }

// Lines implements Source.
func (l Local) Lines(ctx context.Context, from, to uint64, take func(number uint64, line []byte) error) (err error) {
	var line []byte
	for n := from; n <= to && err == nil; n++ {
		if err = ctx.Err(); err != nil {
			return err
		}
		if line, err = l.Append(line[:0], n, All); err == nil {
			err = take(n, line)
		}
	}
	return err
}
