package consensus

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultParams(t *testing.T) {
	if err := DefaultParams().Validate(); err != nil {
		t.Error(err)
	}
}

// TestEveryParamsFaultAtOnce: all that is wrong is said in one go.
func TestEveryParamsFaultAtOnce(t *testing.T) {
	want := []string{
		"epochLength: 0 is outside 1 … 65536",
		"pipelineDepth: 0 is outside 1 … 256",
		"baseTimeoutMs: 0 is outside 100 … 3600000",
		"maxTimeoutMs: 0 is outside 100 … 3600000",
		"statusIntervalMs: 0 is outside 100 … 3600000",
		"idleStatusIntervalMs: 0 is outside 100 … 3600000",
		"blockGasLimit: 0 is outside 16777216 … 9007199254740992",
		"maxBatchTransactions: 0 is outside 1 … 100000",
		"maxBatchBytes: 0 is outside 262144 … 8388608",
		"clockDriftMs: 0 is outside 10 … 3600000",
	}
	if d := cmp.Diff(want, faults(Params{})); d != "" {
		t.Error(d)
	}
	const most = 1<<64 - 1
	all := Params{most, most, most, most, most, most, most, most, most, most, most, most, most}
	if got := faults(all); len(got) != 13 {
		t.Errorf("%d faults of 13: %v", len(got), got)
	}
	p := DefaultParams()
	p.MaxTimeoutMs, p.IdleStatusIntervalMs = 500, 999
	want = []string{
		"maxTimeoutMs: 500 is below baseTimeoutMs 1000",
		"idleStatusIntervalMs: 999 is below statusIntervalMs 1000",
	}
	if d := cmp.Diff(want, faults(p)); d != "" {
		t.Error(d)
	}
}

func faults(p Params) []string {
	if err := p.Validate(); err != nil {
		return strings.Split(err.Error(), "\n")
	}
	return nil
}

// TestStablePrimaryNeedsLongEpochs: one that stays must not be able to fill whole
// epochs before it is replaced.
func TestStablePrimaryNeedsLongEpochs(t *testing.T) {
	p := DefaultParams()
	p.EpochLength, p.PipelineDepth = 8, 8
	if err := p.CheckStable(); err != nil {
		t.Errorf("primaries take turns: %v", err)
	}
	p.PrimarySpan = 0
	if err := p.CheckStable(); err == nil || !strings.HasPrefix(err.Error(), "epochLength: with a stable primary") {
		t.Errorf("8 in a window of 8: %v", err)
	}
	p.EpochLength = 9
	if err := p.CheckStable(); err != nil {
		t.Error(err)
	}
}
