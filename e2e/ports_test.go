package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports come from below those that the kernel gives to outgoing connections
// (from 32768 on Linux), and above those of a developer's devnet.
const (
	lowestPort  = 10_500
	highestPort = 30_000
)

// ports are the first of a network's three ranges.
type ports struct{ rpc, p2p, admin int }

func (p ports) flags() []string {
	return []string{"--rpc-port", strconv.Itoa(p.rpc), "--p2p-port", strconv.Itoa(p.p2p), "--admin-port", strconv.Itoa(p.admin)}
}

var (
	portsMu  sync.Mutex
	nextPort = lowestPort + rand.IntN(highestPort-lowestPort)
)

// freePorts returns three ranges of n ports that nobody listens on, and that
// no other test of this process got.
func freePorts(t testing.TB, n int) ports {
	t.Helper()
	return ports{rpc: freeRange(t, n), p2p: freeRange(t, n), admin: freeRange(t, n)}
}

func freeRange(t testing.TB, n int) int {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range highestPort - lowestPort {
		first := nextPort
		if nextPort += n; nextPort > highestPort {
			nextPort = lowestPort
			continue
		}
		if allFree(first, n) {
			return first
		}
	}
	t.Fatalf("no %d free ports between %d and %d", n, lowestPort, highestPort)
	return 0
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
