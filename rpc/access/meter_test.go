package access

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestRate: ten at once and two a second after, each caller for itself; a batch
// counts per call, all or none.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := testLimits()
		limits.Rate = 2
		g := newGuard(t, Config{}, limits)
		spend := func(remote string, n int) *Refusal {
			c, refused := ask(g, remote)
			if refused != nil {
				t.Fatal(refused)
			}
			return c.Spend(n)
		}
		for i := range 10 {
			if r := spend(client, 1); r != nil {
				t.Fatalf("call %d: %+v", i, r)
			}
		}
		if r := spend("10.0.0.7:9", 1); r == nil || r.Status != http.StatusTooManyRequests || r.RetryAfter != 500*time.Millisecond {
			t.Errorf("call 11, from another port: %+v", r)
		}
		if r := spend("10.0.0.8:4711", 10); r != nil {
			t.Errorf("another address: %+v", r)
		}
		if r := spend(client, 11); r == nil || r.RetryAfter != 0 {
			t.Errorf("more than ever fits: %+v", r)
		}
		time.Sleep(2 * time.Second)
		if r := spend(client, 5); r == nil || r.RetryAfter != 500*time.Millisecond {
			t.Errorf("five after two seconds: %+v", r)
		}
		if r := spend(client, 4); r != nil {
			t.Errorf("four after two seconds, nothing having been taken by the five: %+v", r)
		}
	})
}

// TestSignaturesCount: who tries tokens spends the calls of the address, so that
// guesses cost the node no more than calls.
func TestSignaturesCount(t *testing.T) {
	path := write(t, t.TempDir(), "hs", secret(t))
	synctest.Test(t, func(t *testing.T) {
		limits := testLimits()
		limits.Rate = 1
		g := newGuard(t, Config{TokenKeys: []string{path}}, limits)
		for i := range 12 {
			_, refused := ask(g, client, fmt.Sprintf("Bearer guess.%d.x", i))
			want := http.StatusUnauthorized
			if i >= 10 {
				want = http.StatusTooManyRequests
			}
			if refused == nil || refused.Status != want {
				t.Errorf("guess %d: %+v", i, refused)
			}
		}
	})
}

// TestHeavy: places come back, and each caller has its own.
func TestHeavy(t *testing.T) {
	limits := testLimits()
	limits.Heavy = 2
	g := newGuard(t, Config{}, limits)
	a, _ := ask(g, client)
	b, _ := ask(g, "10.0.0.8:1")
	again, _ := ask(g, client) // another request of the first
	one, err1 := a.Heavy()
	_, err2 := again.Heavy()
	if _, err3 := a.Heavy(); err1 != nil || err2 != nil || err3 == nil {
		t.Fatal(err1, err2, err3)
	}
	if _, err := b.Heavy(); err != nil {
		t.Errorf("another caller: %v", err)
	}
	one()
	if _, err := again.Heavy(); err != nil {
		t.Errorf("a place that was given back: %v", err)
	}
}

// TestForgetting: strangers do not fill the memory.
func TestForgetting(t *testing.T) {
	limits := testLimits()
	limits.Rate = 1
	g := newGuard(t, Config{}, limits)
	for i := range 10 * limits.Callers {
		if _, refused := ask(g, fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)); refused != nil {
			t.Fatal(refused)
		}
	}
	if n := g.meters.known.Len(); n != limits.Callers {
		t.Errorf("%d callers remembered, the limit is %d", n, limits.Callers)
	}
}

func TestHost(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.7:1":                "10.0.0.7",
		"[::ffff:10.0.0.7]:1":       "10.0.0.7",
		"[2001:db8:1:2:3:4:5:6]:99": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":          "fe80::/64",
		"@":                         "@",
	} {
		if got := host(remote); got != want {
			t.Errorf("%s counts as %s, want %s", remote, got, want)
		}
	}
}
