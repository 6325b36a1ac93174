package pbfttest

import "testing"

// BenchmarkHeights measures the simulator where it is used most: four honest
// validators in a well network.
func BenchmarkHeights(b *testing.B) {
	heights := 0
	for i := range b.N {
		r, failed := Run{Seed: uint64(i), Options: Options{N: 4, Faults: []string{}, Villains: []string{}}}.Do()
		if failed != nil {
			b.Fatal(failed)
		}
		heights += r.Counts.Get("heights")
	}
	b.ReportMetric(float64(heights)/b.Elapsed().Seconds(), "heights/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "seeds/s")
}
