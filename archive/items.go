package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/chain"
)

// items reads a file in RLP.
type items struct {
	in      *counter
	stream  *rlp.Stream
	genesis common.Hash
	read    int64 // bytes of whole items
}

// item is one encoded block.
type item []byte

func (i item) decode() (*chain.SealedBlock, error) { return chain.DecodeSealedBlock(i) }

// counter counts what the stream has taken: an rlp.Stream reads no byte ahead from an
// io.ByteReader.
type counter struct {
	*bufio.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.Reader.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// newItems reads how the file begins.
func newItems(r io.Reader) (*items, error) {
	c := &counter{Reader: bufio.NewReaderSize(r, bufferBytes)}
	i := &items{in: c, stream: rlp.NewStream(c, 0)}
	var m magic
	if err := i.stream.Decode(&m); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		return nil, fmt.Errorf("not a file of blocks in RLP: %w", err)
	}
	if m.Format != formatName || m.Version != formatVersion {
		return nil, fmt.Errorf("not a file of blocks in RLP of version %d: %.40q %d", formatVersion, m.Format, m.Version)
	}
	i.genesis, i.read = m.Genesis, c.n
	return i, nil
}

// next returns the next block. io.EOF is the end, io.ErrUnexpectedEOF an end in the
// middle of a block.
func (i *items) next() (item, error) {
	_, size, err := i.stream.Kind()
	if err != nil {
		return nil, err
	}
	if size > MaxLine {
		return nil, fmt.Errorf("a block of %d bytes, the most is %d", size, MaxLine)
	}
	raw, err := i.stream.Bytes()
	if err != nil {
		return nil, err
	}
	i.read = i.in.n
	return raw, nil
}
