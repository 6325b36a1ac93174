package statesync_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/statesync"
	"github.com/quorate/quorate/store"
)

// question is a request of the protocol, as it is on the wire.
type question struct {
	Ask         uint64
	Pivot, From common.Hash
	Bytes       uint64
	Keys        []common.Hash
}

// What a question asks for.
const (
	offer = iota + 1
	recent
	accounts
	slots
	code
)

// spoil changes the answers to one kind of question.
func spoil(b behaviour, ask uint64, how func(answer []byte) [][]byte) behaviour {
	return func(ctx context.Context, request []byte, onChunk func([]byte) error) error {
		var q question
		if err := rlp.DecodeBytes(request, &q); err != nil {
			return err
		}
		return b(ctx, request, func(answer []byte) error {
			if q.Ask != ask {
				return onChunk(answer)
			}
			for _, chunk := range how(answer) {
				if err := onChunk(chunk); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// edit changes a decoded answer.
func edit[T any](change func(*T)) func([]byte) [][]byte {
	return func(answer []byte) [][]byte {
		v := new(T)
		if err := rlp.DecodeBytes(answer, v); err != nil {
			panic(err)
		}
		change(v)
		out, err := rlp.EncodeToBytes(v)
		if err != nil {
			panic(err)
		}
		return [][]byte{out}
	}
}

func garbage([]byte) [][]byte    { return [][]byte{{1, 2, 3}} }
func giant([]byte) [][]byte      { return [][]byte{make([]byte, 17<<20)} }
func twice(a []byte) [][]byte    { return [][]byte{a, a} }
func cutOff(a []byte) [][]byte   { return [][]byte{a[:len(a)-1]} }
func oneMore(a []byte) [][]byte  { return [][]byte{append(slices.Clone(a), 0)} }
func emptyOne(_ []byte) [][]byte { return [][]byte{nil} }

// lies is what no honest peer does, each once.
var lies = map[string]struct {
	ask uint64
	how func([]byte) [][]byte
}{
	"offer: garbage":        {offer, garbage},
	"offer: giant":          {offer, giant},
	"offer: twice":          {offer, twice},
	"offer: a wrong height": {offer, edit(func(p *chain.Pivot) { p.Certificate.Seq += 10 })},
	"offer: a wrong state":  {offer, edit(func(p *chain.Pivot) { p.Certificate.StateRoot[0]++ })},
	"offer: a forged one": {offer, edit(func(p *chain.Pivot) {
		p.Certificate.StateRoot = common.Hash{1}
		forger := chaintest.New(4, 0, func(g *genesis.Genesis) { g.Params.EpochLength = epochLength })
		*p.Certificate = *forger.CertifyCheckpoint(chain.CheckpointData{Seq: p.Certificate.Seq, BlockHash: p.Certificate.BlockHash, StateRoot: p.Certificate.StateRoot, NextSet: p.Certificate.NextSet})
		p.Certificate.Epoch = consensus.Epoch(0)
	})},
	"recent: garbage":             {recent, garbage},
	"recent: cut off":             {recent, cutOff},
	"accounts: garbage":           {accounts, garbage},
	"accounts: nothing":           {accounts, emptyOne},
	"accounts: giant":             {accounts, giant},
	"accounts: twice":             {accounts, twice},
	"accounts: a byte too many":   {accounts, oneMore},
	"accounts: one left out":      {accounts, edit(func(r *state.Range) { r.Keys, r.Values = slices.Delete(r.Keys, 1, 2), slices.Delete(r.Values, 1, 2) })},
	"accounts: a changed row":     {accounts, edit(func(r *state.Range) { r.Values[1][1]++ })},
	"accounts: no proof":          {accounts, edit(func(r *state.Range) { r.Proof = nil })},
	"slots: garbage":              {slots, garbage},
	"slots: none":                 {slots, edit(func(r *[]*state.Range) { *r = nil })},
	"slots: a changed row":        {slots, edit(func(r *[]*state.Range) { (*r)[0].Values[0][0] ^= 0x7f })},
	"slots: of too many accounts": {slots, edit(func(r *[]*state.Range) { *r = slices.Repeat(*r, 300) })},
	"code: garbage":               {code, garbage},
	"code: none":                  {code, edit(func(c *[][]byte) { *c = nil })},
	"code: another":               {code, edit(func(c *[][]byte) { (*c)[0][0]++ })},
	"code: too much":              {code, edit(func(c *[][]byte) { *c = slices.Repeat(*c, 300) })},
}

// TestLiars: each is found out at once, named once and not asked again, and the state
// comes from the others.
func TestLiars(t *testing.T) {
	w := newWorld(t, tiny, 10, small())
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			n := w.Node(t)
			var mu sync.Mutex
			var named []*statesync.PeerError
			cfg := small()
			cfg.OnLiar = func(e *statesync.PeerError) {
				mu.Lock()
				defer mu.Unlock()
				named = append(named, e)
			}
			told := false // lies once: then it would be honest again, and must not be asked
			liar := spoil(w.honest(), lie.ask, func(answer []byte) [][]byte {
				mu.Lock()
				first := !told
				told = true
				mu.Unlock()
				if first {
					return lie.how(answer)
				}
				return [][]byte{answer}
			})
			net := newNetwork(map[statesync.Peer]behaviour{"a liar": liar, "honest": w.honest()})
			cfg.Parallel = 1
			fatal(t, newClient(t, n, net, cfg).Run(ctx, always))
			if len(named) != 1 || named[0].Peer != "a liar" || !named[0].Lied {
				t.Fatalf("named: %v", named)
			}
			asked := net.asked("a liar")
			if lie.ask == offer && asked != 1 || lie.ask == recent && asked != 2 {
				t.Errorf("the liar was asked %d times", asked)
			}
			w.arrived(t, n, 10)
		})
	}
}

// TestStalled: who accepts requests and never answers costs seconds.
func TestStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tiny, 10, small())
		n := w.Node(t)
		cfg := small()
		cfg.OnLiar = func(e *statesync.PeerError) { t.Errorf("called a liar: %v", e) }
		stalled := func(ctx context.Context, req []byte, onChunk func([]byte) error) error {
			var q question
			if err := rlp.DecodeBytes(req, &q); err != nil {
				return err
			}
			if q.Ask <= recent {
				return w.honest()(ctx, req, onChunk)
			}
			<-ctx.Done()
			return ctx.Err()
		}
		net := newNetwork(map[statesync.Peer]behaviour{"stalled": stalled, "a": w.honest(), "b": w.honest()})
		began := time.Now()
		fatal(t, newClient(t, n, net, cfg).Run(ctx, always))
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %v", took)
		}
		w.arrived(t, n, 10)
	})
}

// TestNobodyLeft: when all fail for long enough the run ends and names them; what was
// fetched is gone on with.
func TestNobodyLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tiny, 10, small())
		n := w.Node(t)
		k := 0
		net := newNetwork(map[statesync.Peer]behaviour{"a": func(ctx context.Context, req []byte, onChunk func([]byte) error) error {
			if k++; k > 20 {
				return errUnreachable
			}
			return w.honest()(ctx, req, onChunk)
		}})
		cfg := small()
		cfg.Parallel = 1
		c := newClient(t, n, net, cfg)
		began := time.Now()
		err := c.Run(ctx, always)
		if !errors.Is(err, statesync.ErrNoPeers) || !errors.Is(err, errUnreachable) {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 2*time.Minute || took > 3*time.Minute {
			t.Errorf("it took %v", took)
		}
		net.set("b", w.honest())
		fatal(t, c.Run(ctx, always))
		if !c.Progress().Resumed {
			t.Error("it has begun anew")
		}
		w.arrived(t, n, 10)
	})
}

// TestRequests: what a server does not answer.
func TestRequests(t *testing.T) {
	w := newWorld(t, tiny, 10, small())
	pivot := w.node.Chain.GetHash(10)
	ask := func(q question) (chunks int, err error) {
		req := must[[]byte](t)(rlp.EncodeToBytes(&q))
		err = w.honest()(ctx, req, func([]byte) error { chunks++; return nil })
		return chunks, err
	}
	for name, q := range map[string]question{
		"nothing":         {},
		"what is unknown": {Ask: 6, Pivot: pivot, Bytes: 1},
		"no bytes":        {Ask: accounts, Pivot: pivot},
		"no slots":        {Ask: slots, Pivot: pivot, Bytes: 1},
		"no code":         {Ask: code, Pivot: pivot, Bytes: 1},
		"too much":        {Ask: code, Pivot: pivot, Bytes: 1, Keys: make([]common.Hash, 257)},
		"giant":           {Ask: code, Pivot: pivot, Bytes: 1, Keys: make([]common.Hash, 5000)},
		"foreign slots":   {Ask: slots, Pivot: pivot, Bytes: 1, Keys: make([]common.Hash, 1)},
		"foreign code":    {Ask: code, Pivot: pivot, Bytes: 1, Keys: make([]common.Hash, 1)},
	} {
		if n, err := ask(q); n != 0 || !errors.Is(err, statesync.ErrRequest) {
			t.Errorf("%s: %d chunks, %v", name, n, err)
		}
	}
	if n, err := ask(question{Ask: accounts, Pivot: common.Hash{1}, Bytes: 1}); n != 0 || err != nil {
		t.Errorf("of an unknown block: %d chunks, %v", n, err)
	}
	if err := w.honest()(ctx, []byte{1}, nil); !errors.Is(err, statesync.ErrRequest) {
		t.Errorf("garbage: %v", err)
	}
}

// TestForeignRow: what lies among the fetched rows and no peer has proved, as after damage,
// is found by the certified root: nothing is adopted, all is dropped, and the next run has
// the state.
func TestForeignRow(t *testing.T) {
	w := newWorld(t, tiny, 10, small())
	n := w.Node(t)
	var once sync.Once
	net := newNetwork(map[statesync.Peer]behaviour{"a": func(ctx context.Context, req []byte, onChunk func([]byte) error) error {
		var q question
		if err := rlp.DecodeBytes(req, &q); err != nil {
			return err
		}
		if q.Ask == recent {
			once.Do(func() {
				b := n.DB.NewStagedBatch()
				defer b.Close()
				row := types.SlimAccountRLP(types.StateAccount{Nonce: 1, Balance: new(uint256.Int), Root: types.EmptyRootHash, CodeHash: types.EmptyCodeHash[:]})
				fatal(t, b.Set(store.AccountKey(common.Hash{5}), row))
				fatal(t, n.DB.Apply(b, true))
			})
		}
		return w.honest()(ctx, req, onChunk)
	}})
	c := newClient(t, n, net, small())
	if err := c.Run(ctx, always); err == nil || !strings.Contains(err.Error(), "is not the certified one") {
		t.Fatalf("with a row of nobody: %v", err)
	}
	if head := n.Chain.Head().Number.Uint64(); head != 0 {
		t.Fatalf("the head is %d", head)
	}
	fatal(t, c.Run(ctx, always))
	if c.Progress().Resumed {
		t.Error("the rows were kept")
	}
	w.arrived(t, n, 10)
}
