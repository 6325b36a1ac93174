package stream

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coding is a Content-Encoding.
type coding string

const (
	plain   coding = ""
	gzipped coding = "gzip"
	zstded  coding = "zstd"
)

// codingOf chooses by an Accept-Encoding: zstd, which is the fastest, if it may be, then
// gzip.
func codingOf(accepted string) coding {
	best := plain
	for item := range strings.SplitSeq(accepted, ",") {
		name, parameters, _ := strings.Cut(item, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			if v, err := strconv.ParseFloat(q, 64); err != nil || v == 0 {
				continue
			}
		}
		switch {
		case name == string(zstded):
			return zstded
		case name == string(gzipped), name == "x-gzip":
			best = gzipped
		}
	}
	return best
}

// squeezer codes what is written to it. Close ends the code.
type squeezer interface {
	io.WriteCloser
	Reset(to io.Writer)
}

// window is how far back zstd looks for what repeats, in bytes: some blocks of 1,000
// transactions; each answer at work takes about four times that.
const window = 1 << 20

// coders are made once and used again: making one costs a megabyte.
var coders = map[coding]*sync.Pool{
	gzipped: {New: func() any {
		w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level exists
		}
		return w
	}},
	zstded: {New: func() any {
		w, err := zstd.NewWriter(io.Discard, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
		if err != nil {
			panic(err) // the options are valid
		}
		return w
	}},
}

// writer returns a coder, and how to give it back; nil for what is not coded.
func (c coding) writer(to *bytes.Buffer) (w squeezer, put func()) {
	if c == plain {
		return nil, func() {}
	}
	w = coders[c].Get().(squeezer)
	w.Reset(to)
	return w, func() {
		w.Reset(io.Discard)
		coders[c].Put(w)
	}
}
