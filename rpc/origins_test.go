package rpc

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"
)

// TestOwnPages: a page of the server itself may open a WebSocket, one of another port,
// scheme or name may not.
func TestOwnPages(t *testing.T) {
	check := originCheck([]string{"http://elsewhere.example"})
	for _, row := range []struct {
		host, origin string
		tls          bool
		want         bool
	}{
		{"127.0.0.1:8545", "http://127.0.0.1:8545", false, true},
		{"127.0.0.1:8545", "http://127.0.0.1:8546", false, false},
		{"127.0.0.1:8545", "https://127.0.0.1:8545", false, false},
		{"node.example", "https://node.example", true, true},
		{"node.example", "http://node.example", true, false},
		{"Node.example:8545", "http://node.EXAMPLE:8545", false, true},
		{"127.0.0.1:8545", "http://evil.example:8545", false, false},
		{"127.0.0.1:8545", "null", false, false},
		{"127.0.0.1:8545", "", false, true}, // no browser
		{"127.0.0.1:8545", "http://elsewhere.example", false, true},
	} {
		r := httptest.NewRequest("GET", "http://"+row.host+"/", nil)
		r.Host = row.host
		if row.tls {
			r.TLS = new(tls.ConnectionState)
		}
		if row.origin != "" {
			r.Header.Set("Origin", row.origin)
		}
		if got := check(r); got != row.want {
			t.Errorf("%s from %q, TLS %v: %v", row.host, row.origin, row.tls, got)
		}
	}
}
