package pbft_test

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

var twinScenarios = flag.Int("twins", 200, "number of Twins scenarios")

// TestTwins plays enumerated scenarios with one or two validators that run
// twice. Nine in ten have four validators and one twin, the others seven and
// two. Make target: make twins.
func TestTwins(t *testing.T) {
	start := time.Now()
	seven := *twinScenarios / 10
	list := pbfttest.TwinScenarios(4, 1, 4, 0, *twinScenarios-seven)
	list = append(list, pbfttest.TwinScenarios(7, 2, 3, 0, seven)...)
	var (
		next atomic.Int64
		bad  atomic.Int64
		wg   sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				if err := list[i].Play(); err != nil && bad.Add(1) <= 3 {
					t.Errorf("scenario %d, %s: %v", i, list[i], err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start).Seconds()
	t.Logf("%d scenarios in %.1f s, %.0f a second, %d failed", len(list), took, float64(len(list))/took, bad.Load())
}
