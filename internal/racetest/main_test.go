package main

import (
	"slices"
	"testing"
)

const crash = "ThreadSanitizer: CHECK failed: tsan_rtl.cpp:346 \"((exiting || thr->fast_state.epoch() == kEpochLast)) != (0)\" (0x0, 0x0) (tid=985)\n"

const (
	fault    = "SIGSEGV: segmentation violation\nPC=0x288aa59 m=0 sigcode=1 addr=0x0\n\ngoroutine 0 gp=0x47fbec0 m=0 mp=0x47fdc00 [idle]:\nruntime: g 0 gp=0x47fbec0: unknown pc 0x288aa59\n"
	detector = "00007ffe9b4ed290: 000000c0 00196a90  00000000 0046d2f7  .j........F.....\n                                     ^ <runtime.raceacquirectx+0x57>\n"
)

// TestJudge: only a package in which the detector broke down, and in which it
// found nothing before, is run again.
func TestJudge(t *testing.T) {
	const (
		ok     = "ok  \texample.org/a\t1.0s\n"
		none   = "?   \texample.org/none\t[no test files]\n"
		bubble = "FAIL\texample.org/bubble\t67.5s\n"
	)
	for name, row := range map[string]struct {
		output string
		broken []string
		failed bool
	}{
		"all pass":          {ok + none, nil, false},
		"breakdown":         {ok + crash + bubble + none + "FAIL\n", []string{"example.org/bubble"}, false},
		"fault of it":       {ok + fault + detector + bubble + none + "FAIL\n", []string{"example.org/bubble"}, false},
		"fault of C":        {ok + fault + bubble + "FAIL\n", nil, true},
		"fault, race":       {"WARNING: DATA RACE\n" + fault + detector + bubble + "FAIL\n", nil, true},
		"race":              {ok + "WARNING: DATA RACE\n" + bubble + "FAIL\n", nil, true},
		"race, breakdown":   {"WARNING: DATA RACE\n" + crash + bubble + "FAIL\n", nil, true},
		"failed, breakdown": {"--- FAIL: TestX (0.00s)\n" + crash + bubble + "FAIL\n", nil, true},
		"another failed":    {crash + bubble + "--- FAIL: TestX (0.00s)\nFAIL\nFAIL\texample.org/b\t1.0s\nFAIL\n", []string{"example.org/bubble"}, true},
		"does not build":    {"FAIL\texample.org/b [build failed]\nFAIL\n", nil, false},
	} {
		broken, failed := judge(row.output)
		if !slices.Equal(broken, row.broken) || failed != row.failed {
			t.Errorf("%s: again %v, failed %v; want %v, %v", name, broken, failed, row.broken, row.failed)
		}
	}
}

// TestSplit: flags come first, packages begin with a dot.
func TestSplit(t *testing.T) {
	flags, packages := split([]string{"-short", "-timeout", "20m", "./a/...", "./b"})
	if !slices.Equal(flags, []string{"-short", "-timeout", "20m"}) || !slices.Equal(packages, []string{"./a/...", "./b"}) {
		t.Errorf("%v, %v", flags, packages)
	}
}
