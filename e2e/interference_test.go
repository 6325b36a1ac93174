package e2e

import (
	"cmp"
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
// taskset, chrt, and two processors.
//
// The clients share the machine with the network, as those of a real one do not, and
// a virtual machine whose processors are never idle is interrupted by its host. So
// the processors are never idle in the quiet phases either: a process of the crowd's
// priority keeps them busy there, and what differs is what the node does for clients.

// What is promised, and the sizes.
const (
	crowdSize      = 50
	crowdGrowth    = 1.20 // of the attacked validator's p99
	othersGrowth   = 1.05 // of the others': "not at all", and the grain of a measurement
	crowdBlocks    = 1000 // of each phase: p99 is the tenth of the worst
	crowdPause     = 20 * time.Millisecond
	crowdMemory    = "1GiB" // the default of a node; a devnet's have a quarter
	phasesPerBatch = 500    // pbft_blockPhases in one batch
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

// busy keeps all processors busy until it is told to end.
func busy(ctx context.Context) {
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() {
			for ctx.Err() == nil {
			}
		})
	}
	all.Wait()
}

// crowd calls a node, or with no calls keeps the processors busy, until it is told to end, and prints how many calls of each kind
// were answered.
func crowd(text string) int {
	var orders crowdOrders
	if err := json.Unmarshal([]byte(text), &orders); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if len(orders.Calls) == 0 {
		busy(ctx)
		return 0
	}
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
	w := newTown(t, "QUORATE_MEMORY="+crowdMemory)
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
	before := beside(t, background(t, crowdOrders{}), w, door)
	p := background(t, w.crowdOrders(victim))
	attacked := beside(t, p, w, door)
	if said := p.out.String(); !strings.HasSuffix(said, " 0 failures\n") || strings.HasPrefix(said, "0 ") || strings.Contains(said, ", 0 eth") || strings.Contains(said, ", 0 debug") {
		t.Errorf("the crowd: %s", said)
	}
	after := beside(t, background(t, crowdOrders{}), w, door)
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

// crowdOrders are an execution, a scan and a trace, in turns.
func (w *town) crowdOrders(victim *node) crowdOrders {
	var paid *deed
	for _, d := range w.deeds {
		if d.kind == "pay" {
			paid = d
		}
	}
	return crowdOrders{URL: victim.RPC, Calls: []request{
		{"eth_call", []any{map[string]any{"to": w.nester, "from": w.people[0].address, "value": "0x14"}, "latest", map[string]any{w.nester.Hex(): map[string]any{"code": hexutil.Bytes(payerCode(w.friend, w.refuser, w.library))}}}},
		{"eth_getLogs", []any{map[string]any{"address": w.payer, "fromBlock": "0x0", "toBlock": "latest"}}},
		{"debug_traceTransaction", []any{paid.tx.Hash(), map[string]any{"tracer": "callTracer"}}},
	}}
}

// background starts a process that runs when nobody else wants a processor.
func background(t *testing.T, orders crowdOrders) *process {
	t.Helper()
	text, err := json.Marshal(orders)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command("chrt", "--idle", "0", self), out: &output{}, errs: &output{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.errs
	p.cmd.Env = append(os.Environ(), crowdVariable+"="+string(text))
	p.run()
	return p
}

// beside measures commits while a process runs, and ends it.
func beside(t *testing.T, p *process, w *town, door *node) map[*node][]time.Duration {
	t.Helper()
	out := commits(t, w, door)
	if code := p.stop(); code != 0 {
		t.Fatalf("it has ended with %d: %s", code, p.errs)
	}
	return out
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
// clock. It prints where the slowest hundredth have spent theirs.
func blockTimes(t *testing.T, n *node, from, to uint64) (out []time.Duration) {
	t.Helper()
	var all []phases
	var calls []rpc.BatchElem
	for number := from; number <= to; number++ {
		calls = append(calls, rpc.BatchElem{Method: "pbft_blockPhases", Args: []any{hexutil.Uint64(number)}, Result: new(phases)})
	}
	for part := range slices.Chunk(calls, phasesPerBatch) {
		must(t, n, part)
		for _, c := range part {
			if p := *c.Result.(*phases); p.Accepted != nil && p.Durable != nil {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b phases) int { return cmp.Compare(a.whole(), b.whole()) })
	for _, p := range all {
		out = append(out, p.whole())
	}
	t.Logf("%s: the slowest of %d: %s; the middle: %s", n.Name, len(all), spent(all[len(all)*99/100:]), spent(all[len(all)*45/100:len(all)*55/100]))
	return out
}

// phases are moments of a block, in microseconds by the node's clock.
type phases struct {
	Accepted   *int64 `json:"acceptedUs"`
	Prepared   *int64 `json:"preparedUs"`
	Executed   *int64 `json:"executedUs"`
	CommitSent *int64 `json:"commitSentUs"`
	Committed  *int64 `json:"committedUs"`
	Durable    *int64 `json:"durableUs"`
}

func (p phases) whole() time.Duration {
	return time.Duration(*p.Durable-*p.Accepted) * time.Microsecond
}

// spent says how long blocks were, on average, in each phase. Phases that a node was
// told of by others have no moment of their own.
func spent(blocks []phases) string {
	var sums [5]time.Duration
	for _, p := range blocks {
		last := *p.Accepted
		for i, at := range []*int64{p.Prepared, p.Executed, p.CommitSent, p.Committed, p.Durable} {
			if at != nil && *at > last {
				sums[i] += time.Duration(*at-last) * time.Microsecond
				last = *at
			}
		}
	}
	var b strings.Builder
	for i, name := range []string{"prepared", "executed", "own COMMIT", "committed", "durable"} {
		fmt.Fprintf(&b, "%s %s ", name, us(sums[i]/time.Duration(len(blocks))))
	}
	return b.String()
}

func p50(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }
func p99(sorted []time.Duration) time.Duration { return sorted[len(sorted)*99/100] }

// us is a duration for people, in tenths of a millisecond.
func us(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
