package gethdiff

import (
	"context"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/google/go-cmp/cmp"
)

// apart are the members of answers in which two chains with other block hashes,
// times and beneficiaries must differ.
var apart = map[string]bool{
	"blockHash": true, "blockTimestamp": true, "parentHash": true, "timestamp": true,
	"stateRoot": true, "mixHash": true, "miner": true, "size": true, "extraData": true, "forkId": true,
	"accountProof": true, "activationTime": true,
}

// strip removes what is apart, at every level. A block's own hash goes, a
// transaction's stays.
func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, block := v["parentHash"]; block {
			delete(v, "hash")
		}
		for k := range v {
			if apart[k] {
				v[k] = "left out"
			} else {
				v[k] = strip(v[k])
			}
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	}
	return v
}

func comparableOf(t *testing.T, a answer) any {
	t.Helper()
	if a.Result == nil {
		return map[string]any{"code": a.Code, "text": a.Text, "data": a.Data}
	}
	var v any
	if err := json.Unmarshal(a.Result, &v); err != nil {
		t.Fatal(err)
	}
	return strip(v)
}

// unsigned is the hash in geth's text on a call that could not be applied: of a
// transaction that nobody signed and that no client can know.
var unsigned = regexp.MustCompile("(failed to apply transaction: )0x[0-9a-f]{64} ")

// same sends one request to both and wants one answer.
func (p *pair) same(t *testing.T, method string, params ...any) answer {
	t.Helper()
	ours, geths := p.ours.call(t, method, params...), p.geths.call(t, method, params...)
	geths.Text = unsigned.ReplaceAllString(geths.Text, "$1")
	if d := cmp.Diff(comparableOf(t, geths), comparableOf(t, ours)); d != "" {
		shown, _ := json.Marshal(params)
		t.Errorf("%s%.300s (-geth +ours)\n%s", method, shown, d)
	}
	return ours
}

// seal makes a block on both, of everything that was accepted.
func (p *pair) seal(t *testing.T) {
	t.Helper()
	p.settle(t)
	p.ours.seal(t)
	p.geths.seal(t)
	p.waiting = 0
}

// settle waits until geth's pool offers what it accepted since the last block, and
// nothing else: it forgets the last block's and promotes the next ones beside the
// calls. Otherwise the blocks of the two chains would differ.
func (p *pair) settle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settleTimeout)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		var status struct{ Pending, Queued hexutil.Uint }
		if err := p.geths.rpc.CallContext(ctx, &status, "txpool_status"); err != nil {
			t.Fatalf("geth's pool did not settle on %d transactions: %+v %v", p.waiting, status, err)
		}
		if int(status.Pending) == p.waiting && status.Queued == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("geth's pool did not settle on %d transactions: %+v", p.waiting, status)
		}
	}
}

// settleTimeout is far above the milliseconds that geth's pool takes.
const settleTimeout = 20 * time.Second
