package gethbackend

import (
	"testing"
	"time"

	"github.com/quorate/quorate/rpc"
)

// TestTimeout: a trace has the limit's time, or less if its client says so.
func TestTimeout(t *testing.T) {
	tracers := &Tracers{limits: rpc.DefaultLimits()}
	tracers.limits.TraceTimeout = 20 * time.Second
	if got := *tracers.timeout(nil); got != "20s" {
		t.Errorf("without a wish: %s", got)
	}
	for given, want := range map[string]string{"1ns": "1ns", "20s": "20s", "21s": "20s", "9h": "20s", "never": "never"} {
		if got := *tracers.timeout(&given); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}
