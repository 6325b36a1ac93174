package cores

import "runtime"

// count is GOMAXPROCS as it was found: the processors, the limit of the container,
// or what the environment says.
var count = runtime.GOMAXPROCS(0)

// Count returns how many goroutines can run at once without taking turns.
func Count() int { return count }

// Beside lets n threads of low priority run beside Count others. The last call holds.
func Beside(n int) { runtime.GOMAXPROCS(count + n) }
