package p2p

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

var errFrameForm = errors.New("p2p: frame length is not in its shortest form")

// byteReader is what a frame is read from: bufio.Reader over a stream.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// appendFrame appends uvarint(len(payload)) ‖ payload.
func appendFrame(dst, payload []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(payload)))
	return append(dst, payload...)
}

// readFrameLen reads the length of a frame and refuses it above limit, before
// anything is allocated. io.EOF means a clean end between frames. Encodings of
// more bytes than needed are refused: a length has one form.
func readFrameLen(r byteReader, limit int) (int, error) {
	var n uint64
	for i := 0; ; i++ {
		b, err := r.ReadByte()
		if err != nil {
			if i > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		if i == 4 && b > 0x0f || i > 4 {
			return 0, fmt.Errorf("%w: frame length needs more than 32 bits", ErrTooLarge)
		}
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if b == 0 && i > 0 {
				return 0, errFrameForm
			}
			break
		}
	}
	if n > uint64(limit) {
		return 0, fmt.Errorf("%w: frame of %d bytes, at most %d", ErrTooLarge, n, limit)
	}
	return int(n), nil
}

// readFrame reads one frame of at most limit bytes.
func readFrame(r byteReader, limit int) ([]byte, error) {
	n, err := readFrameLen(r, limit)
	if err != nil {
		return nil, err
	}
	return readBody(r, n)
}

// readBody reads the n announced bytes. Large bodies grow with what arrives: an
// announcement alone costs the peer as much as it costs us.
func readBody(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	if n <= step {
		buf := make([]byte, n)
		_, err := io.ReadFull(r, buf)
		return buf, noEOF(err)
	}
	buf := make([]byte, 0, step)
	for len(buf) < n {
		if len(buf) == cap(buf) {
			bigger := make([]byte, len(buf), min(n, 2*cap(buf)))
			copy(bigger, buf)
			buf = bigger
		}
		end := min(n, cap(buf))
		m, err := io.ReadFull(r, buf[len(buf):end])
		buf = buf[:len(buf)+m]
		if err != nil {
			return nil, noEOF(err)
		}
	}
	return buf, nil
}

// noEOF turns the end of the stream inside a frame into an error.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeFrame writes one frame to a buffered writer; the caller flushes.
func writeFrame(w *bufio.Writer, payload []byte) error {
	var head [binary.MaxVarintLen64]byte
	if _, err := w.Write(head[:binary.PutUvarint(head[:], uint64(len(payload)))]); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// bodyTime is how long the body of a frame of n bytes may take to arrive.
func (l *Limits) bodyTime(n int) time.Duration {
	return l.FrameTimeout + time.Duration(n)*time.Second/time.Duration(l.FrameRate)
}
