package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

// This file: reads must not disturb consensus. A crowd of clients calls one validator
// in loops; how long each validator takes for a block, by its own clock from the
// proposal until it is on the disk, is compared with a quiet network before and
// afterwards.
//
// On one machine all nodes share the processors, which those of a real network do
// not. So the attacked validator has one for itself here, the other validators have
// the rest, and the crowd is a process of the lowest priority. It needs Linux's
// taskset, nice, and two processors.

// What is promised, and the sizes.
const (
	crowdSize      = 50
	crowdGrowth    = 1.20 // of the attacked validator's p99
	othersGrowth   = 1.05 // of the others': "not at all", and the grain of a measurement
	crowdBlocks    = 1000 // of each phase: p99 is the tenth of the worst
	crowdPause     = 20 * time.Millisecond
	phasesPerBatch = 500 // pbft_blockPhases in one batch
)

// crowdVariable holds the orders of a crowd, as JSON. With it the test's binary is
// one.
const crowdVariable = "E2E_CROWD"

// crowdOrders say whom a crowd calls, and what.
type crowdOrders struct {
	URL   string    `json:"url"`
	Calls []request `json:"calls"`
}

type request struct {
	Method string `json:"method"`
	Params []any  `json:"params"`
}

// crowd calls a node until it is told to end, and prints how many calls of each kind
// were answered.
func crowd(text string) int {
	var orders crowdOrders
	if err := json.Unmarshal([]byte(text), &orders); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	answered := make([]atomic.Int64, len(orders.Calls))
	var failures atomic.Int64
	var clients sync.WaitGroup
	for i := range crowdSize {
		clients.Go(func() {
			c, err := rpc.DialContext(ctx, orders.URL)
			for turn := i; err == nil && ctx.Err() == nil; turn++ {
				kind := turn % len(orders.Calls)
				var out json.RawMessage
				call := orders.Calls[kind]
				if failed := c.CallContext(ctx, &out, call.Method, call.Params...); failed == nil && len(out) > len(`null`) {
					answered[kind].Add(1)
				} else if ctx.Err() == nil {
					failures.Add(1)
				}
			}
		})
	}
	clients.Wait()
	for i, call := range orders.Calls {
		fmt.Printf("%d %s, ", answered[i].Load(), call.Method)
	}
	fmt.Printf("%d failures\n", failures.Load())
	return 0
}

// TestInterference has the crowd call a backup, and then the primary.
func TestInterference(t *testing.T) {
	full(t)
	if !*long {
		t.Skip("measures for minutes: -long")
	}
	if runtime.GOOS != "linux" || runtime.NumCPU() < 2 {
		t.Skip("needs Linux and two processors to give the attacked validator one for itself")
	}
	w := newTown(t)
	w.round(t, 0)
	primary, backups := w.primary()
	t.Run("backup", func(t *testing.T) { interference(t, w, backups[0], backups[1]) })
	t.Run("primary", func(t *testing.T) { interference(t, w, primary, backups[1]) })
	w.stop()
}

// interference measures quiet, attacked, and quiet again. Transactions come in
// through another node.
func interference(t *testing.T, w *town, victim, door *node) {
	apart(t, w, victim)
	before := commits(t, w, door)
	p := gather(t, w, victim)
	attacked := commits(t, w, door)
	if code := p.stop(); code != 0 {
		t.Fatalf("the crowd has ended with %d: %s", code, p.errs)
	}
	if said := p.out.String(); !strings.HasSuffix(said, " 0 failures\n") || strings.HasPrefix(said, "0 ") || strings.Contains(said, ", 0 eth") || strings.Contains(said, ", 0 debug") {
		t.Errorf("the crowd: %s", said)
	}
	after := commits(t, w, door)
	for _, n := range w.Validators {
		base, now, bound := max(p99(before[n]), p99(after[n])), p99(attacked[n]), othersGrowth
		if n == victim {
			bound = crowdGrowth
		}
		t.Logf("%s%s: quiet p50 %s p99 %s; attacked p50 %s p99 %s; quiet again p50 %s p99 %s", n.Name, map[bool]string{true: " (attacked)"}[n == victim],
			us(p50(before[n])), us(p99(before[n])), us(p50(attacked[n])), us(now), us(p50(after[n])), us(p99(after[n])))
		if float64(now) > float64(base)*bound {
			t.Errorf("%s: p99 grows by %.0f %%, at most %.0f %% is promised", n.Name, 100*(float64(now)/float64(base)-1), 100*(bound-1))
		}
	}
	t.Logf("the crowd of %d: %s", crowdSize, p.out)
}

// apart gives the victim the first processor, and the others the rest.
func apart(t *testing.T, w *town, victim *node) {
	t.Helper()
	for _, n := range w.Validators {
		cpus := fmt.Sprintf("1-%d", runtime.NumCPU()-1)
		if n == victim {
			cpus = "0"
		}
		if out, err := exec.Command("taskset", "-a", "-c", "-p", cpus, fmt.Sprint(n.PID)).CombinedOutput(); err != nil {
			t.Fatalf("taskset: %v\n%s", err, out)
		}
	}
}

// gather starts the crowd, of the lowest priority.
func gather(t *testing.T, w *town, victim *node) *process {
	t.Helper()
	var paid *deed
	for _, d := range w.deeds {
		if d.kind == "pay" {
			paid = d
		}
	}
	orders, err := json.Marshal(crowdOrders{URL: victim.RPC, Calls: []request{
		{"eth_call", []any{map[string]any{"to": w.nester, "from": w.people[0].address, "value": "0x14"}, "latest", map[string]any{w.nester.Hex(): map[string]any{"code": hexutil.Bytes(payerCode(w.friend, w.refuser, w.library))}}}},
		{"eth_getLogs", []any{map[string]any{"address": w.payer, "fromBlock": "0x0", "toBlock": "latest"}}},
		{"debug_traceTransaction", []any{paid.tx.Hash(), map[string]any{"tracer": "callTracer"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command("nice", "-n", "19", self), out: &output{}, errs: &output{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.errs
	p.cmd.Env = append(os.Environ(), crowdVariable+"="+string(orders))
	p.run()
	return p
}

// commits sends transfers at a steady pace, and returns how long each validator took
// for each of the blocks, in rising order.
func commits(t *testing.T, w *town, door *node) map[*node][]time.Duration {
	t.Helper()
	first, err := door.head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := w.people[0]
	for head := first; head < first+crowdBlocks; {
		for range 50 {
			send(t, door, a.transfer(w.friend, 1))
			pause(t, crowdPause)
		}
		if head, err = door.head(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	last := settled(t, w.Validators, recoverLimit)
	out := map[*node][]time.Duration{}
	for _, n := range w.Validators {
		if out[n] = blockTimes(t, n, first+1, last); len(out[n]) == 0 {
			t.Fatalf("%s has seen none of %d blocks through the protocol", n.Name, last-first)
		}
		if seen := uint64(len(out[n])); seen < (last-first)*99/100 { // it got the others later, from its peers
			t.Errorf("%s has seen %d of %d blocks through the protocol", n.Name, seen, last-first)
		}
	}
	return out
}

// blockTimes are those of a range of blocks from proposal to disk, by the node's own
// clock.
func blockTimes(t *testing.T, n *node, from, to uint64) (out []time.Duration) {
	t.Helper()
	type phases struct {
		Accepted *int64 `json:"acceptedUs"`
		Durable  *int64 `json:"durableUs"`
	}
	var calls []rpc.BatchElem
	for number := from; number <= to; number++ {
		calls = append(calls, rpc.BatchElem{Method: "pbft_blockPhases", Args: []any{hexutil.Uint64(number)}, Result: new(phases)})
	}
	for part := range slices.Chunk(calls, phasesPerBatch) {
		must(t, n, part)
		for _, c := range part {
			if p := c.Result.(*phases); p.Accepted != nil && p.Durable != nil {
				out = append(out, time.Duration(*p.Durable-*p.Accepted)*time.Microsecond)
			}
		}
	}
	slices.Sort(out)
	return out
}

func p50(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }
func p99(sorted []time.Duration) time.Duration { return sorted[len(sorted)*99/100] }

// us is a duration for people, in tenths of a millisecond.
func us(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
