package reference

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/rpc/rpctest"
)

// TestExamplesAreValid: parameters and answers are those that the document
// promises, and the document promises enough: an answer with a member too many or
// too few, or with an object in the place of a value, is refused wherever that is.
func TestExamplesAreValid(t *testing.T) {
	s := rpctest.Documented(t)
	spoilt := 0
	for name, all := range examplesOf(t, describe(t)) {
		for _, e := range all {
			if err := s.Answer(e.Method, e.Result, e.Error); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			params := e.Params
			if e.Notification != nil {
				params = params[1:] // behind the name
			}
			if err := s.Params(name, params); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if e.Notification != nil {
				spoilt += tight(t, s, name, e.Notification)
			} else if e.Error == nil && name != "rpc_discover" { // which is open
				spoilt += tight(t, s, name, e.Result)
			}
		}
	}
	t.Logf("%d spoilt answers were refused", spoilt)
	if spoilt < 2000 {
		t.Errorf("%d answers were spoilt: the examples are too small", spoilt)
	}
}

// tight spoils an answer at every place, once at each. It returns how often.
func tight(t *testing.T, s *rpctest.Schemas, name string, raw json.RawMessage) int {
	t.Helper()
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	count := 0
	spoil(value, "", func(bad any, at string) {
		count++
		out, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if s.Result(name, out) == nil && !(loose(name) && strings.HasSuffix(at, leftOutMark)) {
			t.Errorf("%s: spoilt at %q, it is still valid", name, at)
		}
	}, func(bad any) any { return bad })
	return count
}

// leftOutMark ends the place of a member that a copy lacks.
const leftOutMark = " left out"

// loose are methods in whose answers members may be missing, or whose keys are
// data.
func loose(name string) bool {
	for _, begin := range []string{
		"debug_trace", "eth_capabilities", "eth_config", "eth_feeHistory", "eth_fillTransaction", "eth_getStorageValues",
		"pbft_subscribe(\"blocks\")", "pbft_validators", "rpc_modules", "txpool_",
	} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

// foreign is in no answer.
var foreign = map[string]any{"foreign": true}

// spoil calls try with every spoilt copy of a value; whole puts a copy into what
// surrounds it.
func spoil(value any, at string, try func(bad any, at string), whole func(any) any) {
	try(whole(foreign), at)
	switch v := value.(type) {
	case map[string]any:
		more := maps.Clone(v)
		more["foreign"] = foreign
		try(whole(more), at+"/foreign")
		for _, k := range slices.Sorted(maps.Keys(v)) {
			less := maps.Clone(v)
			delete(less, k)
			try(whole(less), at+"/"+k+leftOutMark)
			spoil(v[k], at+"/"+k, try, func(bad any) any {
				copied := maps.Clone(v)
				copied[k] = bad
				return whole(copied)
			})
		}
	case []any:
		for i := range v {
			spoil(v[i], at+"/#", try, func(bad any) any {
				copied := slices.Clone(v)
				copied[i] = bad
				return whole(copied)
			})
		}
	}
}
