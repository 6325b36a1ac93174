package access

import (
	"slices"
	"strings"
	"testing"
)

func TestPermissions(t *testing.T) {
	methods := []string{"eth_call", "eth_subscribe", "eth_unsubscribe", "net_version", "debug_traceCall", "debug_traceBlock", "debug_getRawBlock", "eth_x_subscribe", "ethx_call", "call", "", "_", "eth_", "ETH_call", "eth_Call"}
	for _, row := range []struct {
		list  string
		allow string
	}{
		{"", ""},
		{"*:*", "all"},
		{"eth:*", "eth_call eth_subscribe eth_unsubscribe eth_x_subscribe eth_ eth_Call"},
		{"eth:call", "eth_call"},
		{"eth:call net:version", "eth_call net_version"},
		{"eth:subscribe", "eth_subscribe eth_unsubscribe eth_x_subscribe"}, // go-ethereum's server takes the last for the first
		{"eth:unsubscribe", "eth_unsubscribe"},
		{"eth:x", ""},
		{"debug:trace*", "debug_traceCall debug_traceBlock"},
		{"debug:traceCall", "debug_traceCall"},
		{"nothing:*", ""},
	} {
		p, err := ParsePermissions(strings.Fields(row.list))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range methods {
			if p.Allows(m) {
				got = append(got, m)
			}
		}
		want := strings.Fields(row.allow)
		if row.allow == "all" {
			want = methods
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q allows %q, want %q", row.list, got, want)
		}
		if p.Full() != (row.list == "*:*") || p.None() != (row.list == "") {
			t.Errorf("%q: full %v, none %v", row.list, p.Full(), p.None())
		}
	}
	for _, bad := range []string{"eth_call", "eth", "", ":", "eth:", ":call", "*", "*:call", "e*:call", "eth:**", "eth:ca*ll", "eth: call", "eth:call,net:*", "eth:call\n", strings.Repeat("x", 10_000)} {
		if _, err := ParsePermissions([]string{bad}); err == nil || !strings.Contains(err.Error(), "is no permission") || len(err.Error()) > 500 {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if _, err := ParsePermissions(make([]string, maxPermissions+1)); err == nil {
		t.Error("any number of permissions is read")
	}
}
