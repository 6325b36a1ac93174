package rpc

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkCallers is what it costs to know a caller: one small call over HTTP,
// without the network.
func BenchmarkCallers(b *testing.B) {
	key := filepath.Join(b.TempDir(), "hs")
	newSecret(b, key)
	everything, some := newToken(b, key, time.Hour, "*:*"), newToken(b, key, time.Hour, "echo:*")
	for _, mode := range []struct {
		name, token string
		change      func(*Config)
	}{
		{"everybody, everything", "", nil},
		{"everybody, counted", "", func(c *Config) { c.Limits.CallerRate, c.Limits.CallerBurst = maxRate, 1<<30 }},
		{"everybody, some methods", "", func(c *Config) { c.Access.Anonymous = []string{"echo:*"} }},
		{"token, everything", everything, func(c *Config) { c.Access.TokenKeys = []string{key} }},
		{"token, some methods", some, func(c *Config) { c.Access.TokenKeys = []string{key} }},
	} {
		b.Run(mode.name, func(b *testing.B) {
			s, _ := newEcho(b, mode.change)
			benchmarkPosts(b, s, say, mode.token)
		})
	}
	b.Run("batch of 100, everything", func(b *testing.B) {
		s, _ := newEcho(b, nil)
		benchmarkPosts(b, s, "["+strings.Repeat(say+",", 99)+say+"]", "")
	})
	b.Run("batch of 100, some methods", func(b *testing.B) {
		s, _ := newEcho(b, func(c *Config) { c.Access.Anonymous = []string{"echo:*"} })
		benchmarkPosts(b, s, "["+strings.Repeat(say+",", 99)+say+"]", "")
	})
}

func benchmarkPosts(b *testing.B, s *Server, body, token string) {
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "http://localhost:8545/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", token)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
