package index

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A run is a set of consecutive logs of a block, by their ordinals: from ≤ i <
// to. Lists of runs ascend and do not touch.
type run struct{ from, to uint32 }

// everywhere is what an empty value stands for: somewhere in the block.
var everywhere = []run{{0, math.MaxUint32}}

// maxRunsBytes bounds the value of a row, in bytes. Contracts that log in turns
// have many short runs: beyond 200 of them a reader looks into the block instead.
// It also bounds what a query holds in memory.
const maxRunsBytes = 256

// A value is one run after the other, each
//
//	gap   uvarint: logs since the run before, times two, plus 1 if it has more than one log
//	more  uvarint, only then: its logs beyond the second
//
// so that a term that one of a block's first 64 logs has takes one byte.
type runsEncoder struct {
	out     []byte
	end     uint32 // of the last run in out
	current run    // not in out yet; empty at first
}

// add appends an ordinal that is not below those before.
func (e *runsEncoder) add(i uint32) {
	switch {
	case e.current.from == e.current.to:
		e.current = run{i, i + 1}
	case i == e.current.to:
		e.current.to++
	case i > e.current.to:
		e.flush()
		e.current = run{i, i + 1}
	}
}

func (e *runsEncoder) flush() {
	gap, length := uint64(e.current.from-e.end), e.current.to-e.current.from
	if length == 1 {
		e.out = binary.AppendUvarint(e.out, gap<<1)
	} else {
		e.out = binary.AppendUvarint(e.out, gap<<1|1)
		e.out = binary.AppendUvarint(e.out, uint64(length-2))
	}
	e.end = e.current.to
}

// whole returns the bytes, however many; it ends the use of the encoder.
func (e *runsEncoder) whole() []byte {
	e.flush()
	return e.out
}

// value returns the bytes, or nothing if they are too many; it ends the use of the
// encoder.
func (e *runsEncoder) value() []byte {
	e.flush()
	if len(e.out) > maxRunsBytes {
		return nil
	}
	return e.out
}

// decodeRuns appends the runs of a value to out.
func decodeRuns(out []run, value []byte) ([]run, error) {
	if len(value) == 0 {
		return append(out, everywhere...), nil
	}
	var end uint64
	for rest := value; len(rest) > 0; {
		gap, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, fmt.Errorf("index: damaged row %x", value)
		}
		rest = rest[n:]
		length := uint64(1)
		if gap&1 == 1 {
			more, n := binary.Uvarint(rest)
			if n <= 0 || more > math.MaxUint32 {
				return nil, fmt.Errorf("index: damaged row %x", value)
			}
			rest, length = rest[n:], more+2
		}
		from := end + gap>>1
		end = from + length
		if from > math.MaxUint32 || end > math.MaxUint32 {
			return nil, fmt.Errorf("index: damaged row %x", value)
		}
		out = append(out, run{uint32(from), uint32(end)})
	}
	return out, nil
}

// meet reports whether a and b have an ordinal in common, and returns those
// that they have.
func meet(a, b []run) []run {
	var out []run
	for len(a) > 0 && len(b) > 0 {
		if both := (run{max(a[0].from, b[0].from), min(a[0].to, b[0].to)}); both.from < both.to {
			out = append(out, both)
		}
		if a[0].to < b[0].to {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

// join returns the ordinals that a or b has.
func join(a, b []run) []run {
	out := make([]run, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var next run
		if len(b) == 0 || len(a) > 0 && a[0].from <= b[0].from {
			next, a = a[0], a[1:]
		} else {
			next, b = b[0], b[1:]
		}
		if last := len(out) - 1; last >= 0 && next.from <= out[last].to {
			out[last].to = max(out[last].to, next.to)
		} else {
			out = append(out, next)
		}
	}
	return out
}
