package index

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// ordinals draws a set of ordinals, ascending, in clusters.
func ordinals(t *rapid.T, label string) (out []uint32) {
	var at uint32
	for _, gap := range rapid.SliceOfN(rapid.SampledFrom([]uint32{1, 1, 1, 2, 3, 200, 70_000}), 0, 40).Draw(t, label) {
		at += gap
		out = append(out, at-1)
	}
	return out
}

func encode(set []uint32) []byte {
	var e runsEncoder
	for _, i := range set {
		e.add(i)
		e.add(i) // a term twice in one log
	}
	return e.value()
}

func expand(runs []run) (out []uint32) {
	for _, r := range runs {
		for i := r.from; i < r.to; i++ {
			out = append(out, i)
		}
	}
	return out
}

// TestRuns: sets come back, and are joined and met as sets are.
func TestRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := ordinals(t, "a"), ordinals(t, "b")
		if len(a) == 0 || len(b) == 0 {
			return // a row has a log
		}
		decode := func(set []uint32) []run {
			runs, err := decodeRuns(nil, encode(set))
			if err != nil || !slices.Equal(expand(runs), set) {
				t.Fatalf("%v came back as %v, %v", set, runs, err)
			}
			return runs
		}
		ra, rb := decode(a), decode(b)
		var both []uint32
		for _, i := range a {
			if slices.Contains(b, i) {
				both = append(both, i)
			}
		}
		if got := expand(meet(ra, rb)); !slices.Equal(got, both) {
			t.Fatalf("%v and %v meet in %v", a, b, got)
		}
		either := append(slices.Clone(a), b...)
		slices.Sort(either)
		if got := expand(join(ra, rb)); !slices.Equal(got, slices.Compact(either)) {
			t.Fatalf("%v and %v join to %v", a, b, got)
		}
		if got := meet(ra, everywhere); !slices.Equal(got, ra) {
			t.Fatalf("%v meets everywhere in %v", ra, got)
		}
		if got := join(ra, everywhere); !slices.Equal(got, everywhere) {
			t.Fatalf("%v joins everywhere to %v", ra, got)
		}
	})
}

// TestRunsBytes: what is common is short, and what is long is left out.
func TestRunsBytes(t *testing.T) {
	all := make([]uint32, 10_000)
	odd := make([]uint32, 300)
	for i := range all {
		all[i] = uint32(i)
	}
	for i := range odd {
		odd[i] = uint32(2*i + 1)
	}
	for _, c := range []struct {
		set  []uint32
		want int
	}{{all[:1], 1}, {all[63:64], 1}, {all[64:65], 2}, {all[:2], 2}, {all[:100], 2}, {all, 3}, {odd[:256], 256}, {odd, 0}} {
		if got := len(encode(c.set)); got != c.want {
			t.Errorf("%d logs from %d on take %d bytes, want %d", len(c.set), c.set[0], got, c.want)
		}
	}
}

// FuzzRuns: whatever a row holds, it is read as a set or refused.
func FuzzRuns(f *testing.F) {
	f.Add([]byte{})
	f.Add(encode([]uint32{1, 2, 3, 70, 80}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x05})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		runs, err := decodeRuns(nil, value)
		if err != nil {
			return
		}
		for i, r := range runs {
			if r.from >= r.to || i > 0 && r.from < runs[i-1].to {
				t.Fatalf("%x is read as %v", value, runs)
			}
		}
	})
}
