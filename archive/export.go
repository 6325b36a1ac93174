package archive

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
)

// Encoded has blocks as nodes send them to each other; *chain.Chain is one.
type Encoded interface {
	EncodedBlock(number uint64) ([]byte, error)
	Genesis() common.Hash
}

// Progress hears of each block. It may be nil.
type Progress func(number uint64)

func (p Progress) tell(number uint64) {
	if p != nil {
		p(number)
	}
}

// WriteLines writes blocks as lines.
func WriteLines(ctx context.Context, w io.Writer, s Source, from, to uint64, p Progress) error {
	out := bufio.NewWriterSize(w, bufferBytes)
	err := s.Lines(ctx, from, to, func(number uint64, line []byte) error {
		if _, err := out.Write(line); err != nil {
			return err
		}
		p.tell(number)
		return out.WriteByte('\n')
	})
	return errors.Join(err, out.Flush())
}

// bufferBytes is how much of a file is read or written at once, in bytes.
const bufferBytes = 1 << 20

// magic is the first item of a file in RLP.
type magic struct {
	Format  string
	Version uint64
	Genesis common.Hash
}

const (
	formatName    = "quorate blocks"
	formatVersion = 1
)

// WriteRLP writes blocks in RLP, after the item that begins a file if begin is set.
func WriteRLP(ctx context.Context, w io.Writer, c Encoded, begin bool, from, to uint64, p Progress) error {
	out := bufio.NewWriterSize(w, bufferBytes)
	if begin {
		if err := rlp.Encode(out, &magic{formatName, formatVersion, c.Genesis()}); err != nil {
			return err
		}
	}
	var err error
	for n := from; n <= to && err == nil; n++ {
		if err = ctx.Err(); err != nil {
			break
		}
		var block []byte
		if block, err = c.EncodedBlock(n); err != nil {
			break
		}
		err = rlp.Encode(out, block)
		p.tell(n)
	}
	return errors.Join(err, out.Flush())
}
