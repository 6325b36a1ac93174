package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

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

// ResumeLines cuts a file of lines after its last whole block, to go on there, and
// returns the next number; some is false for a file without a whole block.
func ResumeLines(f *os.File) (next uint64, some bool, err error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, false, err
	}
	stop, err := lastIndex(f, end)
	if err != nil {
		return 0, false, err
	}
	if stop < 0 {
		return 0, false, cut(f, 0)
	}
	start, err := lastIndex(f, stop)
	if err != nil {
		return 0, false, err
	}
	line := make([]byte, stop-start-1)
	if _, err := f.ReadAt(line, start+1); err != nil {
		return 0, false, err
	}
	n, err := numberOf(line)
	if err != nil {
		return 0, false, fmt.Errorf("%s was not written by quorate export --format ndjson: %w", f.Name(), err)
	}
	return n + 1, true, cut(f, stop+1)
}

// Continues fails if a file of lines, which ResumeLines has cut, ends with another block
// than the source has there: it is of another network.
func Continues(ctx context.Context, f *os.File, s Source, next uint64) error {
	end, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	start, err := lastIndex(f, end-1)
	if err != nil {
		return err
	}
	return s.Lines(ctx, next-1, next-1, func(_ uint64, line []byte) error {
		head := line[:bytes.Index(line, []byte(`,"block":`))] // number and hash
		have := make([]byte, len(head))
		if _, err := f.ReadAt(have, start+1); err != nil {
			return err
		}
		if !bytes.Equal(have, head) {
			return fmt.Errorf("%s ends with block %s, the node has %s there: the file is of another network", f.Name(), have, head)
		}
		return nil
	})
}

// lastIndex finds the last line end before a position, or -1.
func lastIndex(f *os.File, before int64) (int64, error) {
	buf := make([]byte, bufferBytes)
	for before > 0 {
		n := min(before, bufferBytes)
		before -= n
		if _, err := f.ReadAt(buf[:n], before); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return before + int64(i), nil
		}
	}
	return -1, nil
}

// cut ends a file at a length and goes there.
func cut(f *os.File, length int64) error {
	if err := f.Truncate(length); err != nil {
		return err
	}
	_, err := f.Seek(length, io.SeekStart)
	return err
}

// ResumeRLP is ResumeLines for a file in RLP, which must be of the same network.
func ResumeRLP(f *os.File, genesis common.Hash) (next uint64, some bool, err error) {
	in, err := newItems(f)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // killed at once
		return 0, false, cut(f, 0)
	}
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if in.genesis != genesis {
		return 0, false, fmt.Errorf("%s holds blocks of the network with genesis %s, this one has %s", f.Name(), in.genesis, genesis)
	}
	whole := in.read
	for {
		item, err := in.next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return next, some, cut(f, whole)
		}
		if err != nil {
			return 0, false, fmt.Errorf("%s: %w", f.Name(), err)
		}
		b, err := item.decode()
		if err != nil {
			return 0, false, fmt.Errorf("%s: %w", f.Name(), err)
		}
		whole, next, some = in.read, b.Header.Number.Uint64()+1, true
	}
}
