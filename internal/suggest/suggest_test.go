package suggest

import "testing"

func TestClosest(t *testing.T) {
	words := []string{"chainId", "alloc", "validators", "rpc.port"}
	for in, want := range map[string]string{
		"chianId": "chainId", "chainid": "chainId", "aloc": "alloc", "rpc.prot": "rpc.port",
		"validator": "validators", "zzz": "", "": "",
	} {
		if got := Closest(in, words); got != want {
			t.Errorf("Closest(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHint(t *testing.T) {
	if got := Hint("aloc", []string{"alloc", "forks"}); got != `, did you mean "alloc"?` {
		t.Error(got)
	}
	if got := Hint("qqqqqq", []string{"alloc", "forks"}); got != ", known are: alloc, forks" {
		t.Error(got)
	}
}
