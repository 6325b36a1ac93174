package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// This file: a validator is dead for good. It costs its turns until the end of
// the epoch, and nothing from then on.

// deadRates are loads in transactions per second that four validators carry
// with ease.
var deadRates = []int{100, 500}

// TestDeadValidator: one of four dies and stays dead. After the epoch in which
// it fails to propose it is no primary any more, so no view changes; the load is
// carried as before; and an idle network writes nothing.
func TestDeadValidator(t *testing.T) {
	fault(t)
	f := startFleet(t, 4)
	alive, dead := f.Validators[:3], f.Validators[3]
	var whole float64 // what four carry
	if *long {
		whole = f.saturated(alive, deadTime())
	}
	l := startLoad(f.devnet, f.Validators, 4)
	f.served(l, 50)
	f.kill(dead)
	first := f.headOf(alive[0])/epoch + 1 // begins with the dead one in the schedule, or without
	f.reaches(alive[0], (first+1)*epoch+1)
	before := f.votes.asked()
	f.reaches(alive[0], (first+3)*epoch+1)
	if after := f.votes.asked(); after != before {
		t.Errorf("%d VIEW-CHANGEs in two epochs after the one that suspended %s\n%s", after-before, dead.Name, f)
	}
	for number := (first+1)*epoch + 1; number <= (first+3)*epoch; number += epoch / 8 {
		if c := certificateOf(t, alive[0], number); c.View != 0 {
			t.Errorf("block %d was ordered in view %d: a view has changed", number, c.View)
		}
	}
	l.finish()
	t.Logf("%d VIEW-CHANGEs until the boundary that suspends %s, none in the two epochs after it", before, dead.Name)

	suspended := f.headOf(alive[0])
	for _, rate := range deadRates {
		f.carries(alive, rate, deadTime())
	}
	if *long {
		if three := f.saturated(alive, deadTime()); three < 0.9*whole {
			t.Errorf("saturated: %.0f transactions per second, %.0f when all were there\n%s", three, whole, f)
		}
	}
	f.blames(dead, alive[0], suspended)
	f.idles(alive, dead)
	f.start(dead)
	f.answer(dead)
	f.catchesUp(dead, alive[0])
	f.finish(l)
}

// blames checks that all views that a node has left since a block were left for
// the dead one: a suspension ends, after 64 epochs at first and twice as many each
// time, and it is tried again.
func (f *fleet) blames(dead, asked *node, since uint64) {
	f.t.Helper()
	type change struct {
		Reason string  `json:"reason"`
		Stuck  *uint64 `json:"stuckSeq"`
	}
	var changes []change
	if err := asked.raw.CallContext(f.t.Context(), &changes, "pbft_viewChanges", nil, 1000); err != nil {
		f.t.Fatal(err)
	}
	tried := 0
	for _, c := range changes {
		if c.Stuck == nil || *c.Stuck <= since {
			continue
		}
		if tried++; f.isSuspended(asked, dead, *c.Stuck) {
			f.t.Errorf("a view was left at %d (%s), when %s was suspended\n%s", *c.Stuck, c.Reason, dead.Name, f)
		}
	}
	f.t.Logf("%d views were left after block %d under a steady load", tried, since)
}

// isSuspended reports whether a validator may not be primary for a sequence number.
func (f *fleet) isSuspended(asked, of *node, seq uint64) bool {
	f.t.Helper()
	type member struct {
		Address   common.Address `json:"address"`
		Suspended bool           `json:"suspended"`
	}
	var at struct {
		Validators []member `json:"validators"`
	}
	if err := asked.raw.CallContext(f.t.Context(), &at, "pbft_validators", seq); err != nil {
		f.t.Fatal(err)
	}
	i := slices.IndexFunc(at.Validators, func(m member) bool { return m.Address == of.Address })
	if i < 0 {
		f.t.Fatalf("%s is no validator at %d", of.Name, seq)
	}
	return at.Validators[i].Suspended
}

// catchesUp waits for as long as a node that was away comes nearer to another.
func (f *fleet) catchesUp(n, to *node) {
	f.t.Helper()
	for at := f.headOf(n); at < f.headOf(to); {
		f.within(recoverLimit, fmt.Sprintf("%s comes further than block %d", n.Name, at), func(ctx context.Context) error {
			head, err := n.head(ctx)
			if err == nil && head <= at {
				return errors.New("it does not")
			}
			at = head
			return err
		})
	}
}

// reaches waits for a block under load.
func (f *fleet) reaches(n *node, number uint64) {
	f.t.Helper()
	f.within(5*recoverLimit, fmt.Sprintf("block %d", number), func(ctx context.Context) error {
		head, err := n.head(ctx)
		if err == nil && head < number {
			err = fmt.Errorf("%s is at %d", n.Name, head)
		}
		return err
	})
}

func deadTime() time.Duration {
	if *long {
		return 10 * time.Minute
	}
	return 6 * time.Second
}

// carries puts a load on these nodes in transactions per second, and checks that
// it is carried.
func (f *fleet) carries(nodes []*node, rate int, during time.Duration) {
	f.t.Helper()
	if tps := f.bench(nodes, rate, rate*int(during/time.Second)); tps < 0.9*float64(rate) {
		f.t.Errorf("with one validator dead %.0f of %d transactions per second are carried\n%s", tps, rate, f)
	}
}

// saturated puts as much load on these nodes as goes, until so much time has
// passed under it, and returns how many transactions per second became final.
// It comes in portions: bench signs one before its clock starts, and looks all of
// it up after.
func (f *fleet) saturated(nodes []*node, during time.Duration) float64 {
	f.t.Helper()
	const portion = 200_000
	seconds, txs := 0.0, 0
	for seconds < during.Seconds() {
		seconds += portion / f.bench(nodes, 0, portion)
		txs += portion
	}
	f.t.Logf("%d transactions in %.0f s", txs, seconds)
	return float64(txs) / seconds
}

// bench runs the product's own load generator on these nodes, at a rate in
// transactions per second or, with 0, as fast as goes, and returns how many per
// second became final.
func (f *fleet) bench(nodes []*node, rate, txs int) float64 {
	f.t.Helper()
	var urls []string
	for _, n := range nodes {
		urls = append(urls, n.RPC)
	}
	p := spawn(f.t, "bench", "--json", "--rpc", strings.Join(urls, ","), "--rate", fmt.Sprint(rate), "--txs", fmt.Sprint(txs))
	if code := p.wait(2*deadTime() + 5*time.Minute); code != 0 {
		f.t.Fatalf("bench ends with code %d\n%s%s%s", code, p.out, p.errs, f)
	}
	var doc struct {
		TPS     float64 `json:"tps"`
		Latency struct {
			P50 float64 `json:"p50"`
			P99 float64 `json:"p99"`
		} `json:"latencyMs"`
	}
	if err := json.Unmarshal([]byte(p.out.String()), &doc); err != nil {
		f.t.Fatalf("what bench says: %v\n%s", err, p.out)
	}
	f.t.Logf("%d transactions at %d/s (0: as many as go): %.0f per second, p50 %.0f ms, p99 %.0f ms", txs, rate, doc.TPS, doc.Latency.P50, doc.Latency.P99)
	return doc.TPS
}

// idles checks that a network with a dead member and no load is as quiet as a
// whole one, and wakes up at once.
func (f *fleet) idles(alive []*node, dead *node) {
	f.t.Helper()
	during := 10 * time.Second
	if *long {
		during = time.Minute
	}
	head := settled(f.t, alive, commitLimit)
	pause(f.t, restTime) // compactions
	sizes := func() map[string]int64 {
		out := map[string]int64{}
		for _, n := range alive {
			for file, size := range fileSizes(f.t, n.Dir) {
				out[filepath.Join(n.Name, file)] = size
			}
		}
		return out
	}
	before, asked := sizes(), f.votes.asked()
	pause(f.t, during)
	after := sizes()
	for file, size := range after {
		if before[file] != size {
			f.t.Errorf("%s had %d bytes, has %d after %s without load", file, before[file], size, during)
		}
	}
	if now := settled(f.t, alive, commitLimit); now != head || f.votes.asked() != asked {
		f.t.Errorf("idle with %s dead: from block %d to %d, %d VIEW-CHANGEs\n%s", dead.Name, head, now, f.votes.asked()-asked, f)
	}
	a := f.account(9)
	tx := a.transfer(a.address, 1)
	sent := time.Now()
	send(f.t, alive[0], tx)
	final(f.t, alive[0], tx.Hash())
	took := time.Since(sent)
	if took > latencyLimit {
		f.t.Errorf("the first transaction after %s of silence is final after %s\n%s", during, ms(took), f)
	}
	f.t.Logf("idle for %s with %s dead: no block, no view change, no byte written; the next transaction is final after %s", during, dead.Name, ms(took))
}
