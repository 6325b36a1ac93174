package e2e

import (
	"fmt"
	"testing"
	"time"
)

// TestSizes: networks of other sizes are the same on one code path. With one
// validator a quorum is one; with seven it is five.
func TestSizes(t *testing.T) {
	full(t)
	sizes := []int{1, 2, 3, 7}
	if *long {
		sizes = append(sizes, 16)
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			d := startDevnet(t, n, 0)
			last := d.Validators[n-1]
			a := d.account(0)
			began := time.Now()
			blocks(t, a, last, 10)
			took := time.Since(began)
			head := settled(t, d.Validators, recoverLimit)
			certified(t, d, head)
			t.Logf("ready after %s, 10 blocks one at a time in %s, stopped in %s", ms(d.started), ms(took), ms(d.stop()))
		})
	}
}
