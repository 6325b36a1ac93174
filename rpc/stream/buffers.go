package stream

import "sync"

// keptBytes is up to which capacity a buffer is kept for the next piece, in bytes: the
// object of a block of 1,000 transfers with receipts takes 1.6 MB. A larger one is made
// when it is needed.
const keptBytes = 4 << 20

// buffers are those of pieces that were written. A new one of two megabytes has to be
// cleared first, which takes as long as writing a block into it. The garbage collector
// takes those that nobody asks for.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// take returns an empty buffer, the caller's until it is given back.
func take() []byte { return (*buffers.Get().(*[]byte))[:0] }

// giveBack takes a buffer that nobody looks at any more.
func giveBack(b []byte) {
	if cap(b) > 0 && cap(b) <= keptBytes {
		buffers.Put(&b)
	}
}
