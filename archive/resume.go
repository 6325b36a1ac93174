package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/chain"
)

// ErrOther says that a file is not a beginning of what an export would write. It was not
// touched.
var ErrOther = errors.New("is there already and is no beginning of this export, so that it stays as it is: name another file, or remove this one")

func other(f *os.File, format string, args ...any) error {
	return fmt.Errorf("%s %w (%w)", f.Name(), ErrOther, fmt.Errorf(format, args...))
}

// Place is where a file of blocks goes on.
type Place struct {
	Some        bool   // it holds a whole block
	First, Last uint64 // its blocks, if it does
	End         int64  // of what is whole, in bytes; what is behind is the beginning of the next block
}

// Next is the first block that is missing.
func (p Place) Next(from uint64) uint64 {
	if p.Some {
		return p.Last + 1
	}
	return from
}

// Cut ends the file there, and goes there.
func (p Place) Cut(f *os.File) error {
	if err := f.Truncate(p.End); err != nil {
		return err
	}
	_, err := f.Seek(p.End, io.SeekStart)
	return err
}

// ResumeLines finds where a file of lines goes on that would begin with a block, and
// changes nothing. The first and the last line must be blocks of the source, and what is
// behind must be the beginning of the next one, but for the certificates: nodes have
// different ones. Lines in between are not read.
func ResumeLines(ctx context.Context, f *os.File, s Source, from uint64) (p Place, err error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return p, err
	}
	stop, err := lastIndex(f, size)
	if err != nil {
		return p, err
	}
	head, err := s.Head(ctx)
	if err != nil {
		return p, err
	}
	check := lineCheck{f, s, head}
	if stop >= 0 {
		if p, err = check.whole(ctx, stop); err != nil {
			return p, err
		}
	}
	if p.End == size {
		return p, nil
	}
	tail, err := piece(f, p.End, size)
	if err != nil {
		return p, err
	}
	return p, check.begins(ctx, p.Next(from), tail)
}

// lineCheck compares lines of a file with those of a source.
type lineCheck struct {
	f    *os.File
	s    Source
	head uint64
}

// whole checks the first and the last line; the last ends at a position.
func (c lineCheck) whole(ctx context.Context, stop int64) (p Place, err error) {
	p = Place{Some: true, End: stop + 1}
	start, err := lastIndex(c.f, stop)
	if err != nil {
		return p, err
	}
	if p.Last, err = c.line(ctx, start+1, stop); err != nil || start < 0 {
		p.First = p.Last
		return p, err
	}
	end, err := firstIndex(c.f)
	if err != nil {
		return p, err
	}
	if p.First, err = c.line(ctx, 0, end); err == nil && p.First >= p.Last {
		err = other(c.f, "it begins with block %d and ends with block %d", p.First, p.Last)
	}
	return p, err
}

// line checks one line and returns its number.
func (c lineCheck) line(ctx context.Context, from, to int64) (uint64, error) {
	line, err := piece(c.f, from, to)
	if err != nil {
		return 0, err
	}
	n, err := numberOf(line)
	if err != nil {
		return 0, other(c.f, "a line is %w", err)
	}
	return n, c.begins(ctx, n, line)
}

// begins fails if a block of the source does not begin like this, as far as nodes agree:
// up to the certificate.
func (c lineCheck) begins(ctx context.Context, number uint64, have []byte) error {
	if number > c.head {
		return other(c.f, "it holds something of block %d, the head of the node is block %d", number, c.head)
	}
	return c.s.Lines(ctx, number, number, func(_ uint64, line []byte) error {
		if i := bytes.Index(line, []byte(`,"certificate":`)); i >= 0 {
			line = line[:i]
		}
		if n := min(len(have), len(line)); !bytes.Equal(have[:n], line[:n]) {
			return other(c.f, "it has %.100q where block %d of the node is %.100q: something else, another range or another network", have, number, line)
		}
		return nil
	})
}

// piece reads a part of a file that may be one block.
func piece(f *os.File, from, to int64) ([]byte, error) {
	if to-from > MaxLine {
		return nil, other(f, "a line of %d bytes, the most is %d", to-from, MaxLine)
	}
	out := make([]byte, to-from)
	_, err := f.ReadAt(out, from)
	return out, err
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

// firstIndex finds the first line end of a file that has one.
func firstIndex(f *os.File) (int64, error) {
	buf := make([]byte, bufferBytes)
	for at := int64(0); ; {
		n, err := f.ReadAt(buf, at)
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return at + int64(i), nil
		}
		if err != nil {
			return 0, err
		}
		at += int64(n)
	}
}

// ResumeRLP is ResumeLines for a file in RLP. Every item must be a block, and the last
// one of this chain.
func ResumeRLP(f *os.File, c Encoded, from uint64) (p Place, err error) {
	begin, err := rlp.EncodeToBytes(&magic{formatName, formatVersion, c.Genesis()})
	if err != nil {
		return p, err
	}
	head := make([]byte, len(begin))
	n, err := f.ReadAt(head, 0)
	if errors.Is(err, io.EOF) && bytes.HasPrefix(begin, head[:n]) { // killed at once
		return p, nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return p, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return p, err
	}
	in, err := newItems(f)
	if err != nil {
		return p, other(f, "%w", err)
	}
	if in.genesis != c.Genesis() {
		return p, other(f, "it holds blocks of the network with genesis %s, this one has %s", in.genesis, c.Genesis())
	}
	p, last, err := wholeItems(f, in)
	if err != nil {
		return p, err
	}
	if p.Some {
		if err := ofChain(f, c, last); err != nil {
			return p, err
		}
	}
	tail := make([]byte, tailBytes)
	if n, err = f.ReadAt(tail, p.End); err != nil && !errors.Is(err, io.EOF) {
		return p, err
	}
	return p, beginsRLP(f, c, p.Next(from), tail[:n])
}

// wholeItems reads all blocks that are whole, and returns the header of the last.
func wholeItems(f *os.File, in *items) (p Place, last *types.Header, err error) {
	p.End = in.read
	for {
		item, err := in.next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return p, last, nil
		}
		var b *chain.SealedBlock
		if err == nil {
			b, err = item.decode()
		}
		if err != nil {
			return p, last, other(f, "behind byte %d: %w", p.End, err)
		}
		n := b.Header.Number.Uint64()
		switch {
		case !p.Some:
			p.Some, p.First = true, n
		case n != p.Last+1:
			return p, last, other(f, "block %d follows block %d", n, p.Last)
		}
		p.Last, p.End, last = n, in.read, b.Header
	}
}

// ofChain fails if a block is not one of the chain.
func ofChain(f *os.File, c Encoded, h *types.Header) error {
	own, err := c.EncodedBlock(h.Number.Uint64())
	if errors.Is(err, chain.ErrNotFound) {
		return other(f, "its last block is %d: %w", h.Number, err)
	}
	if err != nil {
		return err
	}
	b, err := chain.DecodeSealedBlock(own)
	if err != nil {
		return err
	}
	if b.Header.Hash() != h.Hash() {
		return other(f, "its block %d is %s, the node has %s", h.Number, h.Hash(), b.Header.Hash())
	}
	return nil
}

// tailBytes is enough of an item to see four hashes of its block, in bytes.
const tailBytes = 256

// tailEqual is how many bytes of an item, behind what hashesOf leaves out, are the same on
// all nodes: four hashes.
const tailEqual = 4 * (1 + common.HashLength)

// beginsRLP fails if a block of the chain does not begin like this.
func beginsRLP(f *os.File, c Encoded, number uint64, tail []byte) error {
	if len(tail) == 0 {
		return nil
	}
	block, err := c.EncodedBlock(number)
	if errors.Is(err, chain.ErrNotFound) {
		return other(f, "it holds something behind its last block: %w", err)
	}
	if err != nil {
		return err
	}
	own, err := rlp.EncodeToBytes(block)
	if err != nil {
		return err
	}
	have, want := hashesOf(tail), hashesOf(own)
	if n := min(len(have), len(want), tailEqual); tail[0] < 0xb8 || tail[0] > 0xbf || !bytes.Equal(have[:n], want[:n]) {
		return other(f, "what is behind its last block is not how block %d begins", number)
	}
	return nil
}

// hashesOf leaves out what depends on the length of a certificate: the lengths of the
// item, its list, the row in it, and the list in that behind the byte for its kind.
func hashesOf(item []byte) []byte {
	for range 3 {
		item = behindLength(item)
	}
	return behindLength(item[min(1, len(item)):])
}

// behindLength is what is left of data that begins with a long string or list.
func behindLength(data []byte) []byte {
	switch {
	case len(data) == 0:
		return nil
	case data[0] >= 0xf8:
		return data[min(len(data), 1+int(data[0]-0xf7)):]
	case data[0] >= 0xb8 && data[0] < 0xc0:
		return data[min(len(data), 1+int(data[0]-0xb7)):]
	}
	return data[1:]
}
