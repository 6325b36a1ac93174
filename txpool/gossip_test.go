package txpool

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

func bodies(t testing.TB, txs ...*types.Transaction) [][]byte {
	t.Helper()
	out, err := EncodeBodies(txs)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// start runs the pool; the returned function stops it and waits.
func start(t testing.TB, p *Pool) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// wire connects pools by name: gossip that forgets duplicates by content, as
// gossipsub does, and fetches. It can be cut.
type wire struct {
	mu    sync.Mutex
	pools map[Peer]*Pool
	seen  map[common.Hash]bool
	cut   bool
	sent  []sentMessage
	asked int
}

type sentMessage struct {
	data []byte
	at   time.Time
}

type port struct {
	w    *wire
	self Peer
}

func (w *wire) pool(t testing.TB, name Peer, h Head, change func(*Config)) *Pool {
	cfg := Default(testChain)
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg, h, port{w, name}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.pools[name] = p
	return p
}

func newWire() *wire { return &wire{pools: make(map[Peer]*Pool), seen: make(map[common.Hash]bool)} }

func (x port) Broadcast(data []byte) error {
	x.w.mu.Lock()
	id := crypto.Keccak256Hash(data)
	dup := x.w.seen[id]
	x.w.seen[id] = true
	x.w.sent = append(x.w.sent, sentMessage{data, time.Now()})
	cut := x.w.cut
	x.w.mu.Unlock()
	if dup {
		return errors.New("duplicate")
	}
	if cut {
		return nil
	}
	for name, p := range x.w.pools {
		if name != x.self {
			if err := p.HandleGossip(x.self, data); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
}

// messages returns what was broadcast so far.
func (w *wire) messages() []sentMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

func (x port) Peers() []Peer { return nil }

func (x port) Fetch(_ context.Context, from Peer, hashes []common.Hash) ([][]byte, error) {
	x.w.mu.Lock()
	x.w.asked++
	x.w.mu.Unlock()
	if x.w.pools[from] == nil {
		return nil, errors.New("unreachable")
	}
	return x.w.pools[from].ServeFetch(hashes), nil
}

func TestLoneTransactionLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWire(), newHead()
		a, b := w.pool(t, "a", h, nil), w.pool(t, "b", h, nil)
		stop := start(t, a)
		tx := transfer(0, 0, 0)
		began := time.Now()
		add(t, a, tx)
		synctest.Wait()
		if b.Get(tx.Hash()) == nil || time.Since(began) != 0 {
			t.Fatalf("not at the other after %v", time.Since(began))
		}
		// Ten more within a millisecond make one message, an interval later.
		for n := range uint64(10) {
			add(t, a, transfer(0, n+1, 0))
		}
		time.Sleep(a.cfg.GossipInterval)
		synctest.Wait()
		if len(w.messages()) != 2 || w.messages()[1].at.Sub(began) != a.cfg.GossipInterval {
			t.Fatalf("%d messages", len(w.messages()))
		}
		if e, _ := b.Stats(); e != 11 {
			t.Errorf("%d at the other", e)
		}
		stop()
		mustHold(t, b)
	})
}

func TestOnlyLocalIsBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWire(), newHead()
		a, b := w.pool(t, "a", h, nil), w.pool(t, "b", h, nil)
		stopA, stopB := start(t, a), start(t, b)
		add(t, a, transfer(0, 0, 0))
		synctest.Wait()
		time.Sleep(2 * b.cfg.GossipInterval)
		synctest.Wait()
		if len(w.messages()) != 1 {
			t.Errorf("%d messages for one transaction", len(w.messages()))
		}
		if err := b.Add(t.Context(), transfer(0, 0, 0)); !errors.Is(err, ErrAlreadyKnown) {
			t.Errorf("at the other: %v", err)
		}
		stopA()
		stopB()
	})
}

func TestRebroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWire(), newHead()
		a, b := w.pool(t, "a", h, nil), w.pool(t, "b", h, nil)
		stop := start(t, a)
		w.setCut(true)
		tx := transfer(0, 0, 0)
		add(t, a, tx)
		time.Sleep(time.Second)
		synctest.Wait()
		w.setCut(false)
		time.Sleep(a.cfg.RebroadcastAfter + Tick)
		synctest.Wait()
		if b.Get(tx.Hash()) == nil {
			t.Fatalf("lost gossip was not repeated (%d messages)", len(w.messages()))
		}
		number, block, _ := h.mine([]*types.Transaction{tx})
		a.Committed(number, block, nil)
		n := len(w.messages())
		time.Sleep(5 * a.cfg.RebroadcastAfter)
		synctest.Wait()
		if len(w.messages()) != n {
			t.Errorf("a mined one was repeated")
		}
		stop()
	})
}

func TestMessagesAreBounded(t *testing.T) {
	w, h := newWire(), newHead()
	a := w.pool(t, "a", h, func(c *Config) { c.GossipBytes = 1000 })
	b := w.pool(t, "b", h, nil)
	big := types.MustSignNewTx(key(1), testSigner, &types.LegacyTx{Gas: 1_000_000, Data: make([]byte, 5000), GasPrice: zeroTip})
	txs := []*types.Transaction{big}
	for n := range uint64(30) {
		txs = append(txs, transfer(0, n, 0))
	}
	a.broadcast(txs, 0)
	for i, m := range w.messages() {
		if len(m.data) > 1000 && i != 0 {
			t.Errorf("message %d has %d bytes", i, len(m.data))
		}
	}
	if e, _ := b.Stats(); e != 31 {
		t.Errorf("%d arrived in %d messages", e, len(w.messages()))
	}
}

func TestSyncOnConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWire(), newHead()
		small := func(c *Config) { c.FetchHashes = 3; c.AnnounceHashes = 20 }
		a, b := w.pool(t, "a", h, small), w.pool(t, "b", h, small)
		w.setCut(true)
		for k := range 4 {
			for n := range uint64(2) {
				add(t, a, transfer(k, n, 0))
			}
		}
		add(t, b, transfer(4, 0, 0), transfer(0, 0, 0))
		stopA, stopB := start(t, a), start(t, b)
		b.OnPeer("a")
		a.OnPeer("b")
		synctest.Wait()
		for name, p := range w.pools {
			if e, _ := p.Stats(); e != 9 {
				t.Errorf("%s has %d", name, e)
			}
			mustHold(t, p)
		}
		if w.asked > 10 {
			t.Errorf("%d requests", w.asked)
		}
		stopA()
		stopB()
	})
}

// TestSyncAgain: what is broadcast right after a connection, before gossip
// reaches the peer, does not wait for the rebroadcast.
func TestSyncAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWire(), newHead()
		a, b := w.pool(t, "a", h, nil), w.pool(t, "b", h, nil)
		w.setCut(true) // gossip; requests go through
		stopA, stopB := start(t, a), start(t, b)
		b.OnPeer("a")
		synctest.Wait()
		add(t, a, transfer(0, 0, 0))
		synctest.Wait()
		if e, _ := b.Stats(); e != 0 {
			t.Fatalf("gossip is not cut: %d arrived", e)
		}
		time.Sleep(askAgainAfter)
		synctest.Wait()
		if e, _ := b.Stats(); e != 1 {
			t.Errorf("%d arrived", e)
		}
		asked := w.asked
		time.Sleep(a.cfg.RebroadcastAfter / 2)
		if w.asked != asked {
			t.Errorf("%d more requests", w.asked-asked)
		}
		stopA()
		stopB()
	})
}

func TestUnknownTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWire(), newHead()
		p := w.pool(t, "p", h, nil)
		fromA, fresh := transfer(0, 0, 0), transfer(1, 0, 0)
		if err := p.HandleGossip("a", (&message{kind: kindBodies, items: bodies(t, fromA)}).encode()); err != nil {
			t.Fatal(err)
		}
		add(t, p, fresh)
		all := []*types.Transaction{fromA, fresh, transfer(2, 0, 0)}
		unknown := func(peer Peer) int { return len(p.UnknownTo(peer, all)) }
		if unknown("a") != 2 || unknown("b") != 3 {
			t.Errorf("a lacks %d, b lacks %d", unknown("a"), unknown("b"))
		}
		p.broadcast(all[:2], 0)
		time.Sleep(p.cfg.GossipGrace)
		if unknown("a") != 1 || unknown("b") != 1 {
			t.Errorf("after the grace period a lacks %d, b lacks %d", unknown("a"), unknown("b"))
		}
		time.Sleep(time.Second)
		p.OnPeer("a") // it restarted and knows nothing
		if unknown("a") != 3 || unknown("b") != 1 {
			t.Errorf("after a reconnect a lacks %d, b lacks %d", unknown("a"), unknown("b"))
		}
	})
}

func TestPeerSlotsAreReused(t *testing.T) {
	p := newPool(t, newHead(), func(c *Config) { c.Peers = 2 })
	tx := transfer(0, 0, 0)
	data := (&message{kind: kindBodies, items: bodies(t, tx)}).encode()
	for _, peer := range []Peer{"a", "b", "c"} {
		p.OnPeer(peer)
		if err := p.HandleForwarded(peer, data); err != nil {
			t.Fatal(err)
		}
	}
	one := []*types.Transaction{tx}
	if len(p.UnknownTo("a", one)) != 1 || len(p.UnknownTo("b", one)) != 0 || len(p.UnknownTo("c", one)) != 0 {
		t.Error("the peer that connected longest ago should have lost its slot, and only that")
	}
	mustHold(t, p)
}

func TestMalformedGossip(t *testing.T) {
	good := transfer(0, 0, 0)
	enc := func(items ...[]byte) []byte { return (&message{kind: kindBodies, items: items}).encode() }
	raw := bodies(t, good)[0]
	badSig := append([]byte(nil), raw...)
	badSig[len(badSig)-1] ^= 0xff
	badSig[len(badSig)-33] ^= 0xff
	other := types.MustSignNewTx(key(0), types.LatestSignerForChainID(common.Big1), &types.LegacyTx{To: &sink, Gas: 21_000, GasPrice: zeroTip})
	for name, data := range map[string][]byte{
		"empty": {}, "no list": {0x80}, "trailing": append(enc(raw), 0), "kind": (&message{kind: 9, items: [][]byte{raw}}).encode(),
		"short item": enc(raw[:20]), "cut transaction": enc(raw[:60]), "trailing in transaction": enc(append(append([]byte(nil), raw...), 0)),
		"other chain": enc(raw, bodies(t, other)[0]), "oversized": make([]byte, 1<<20),
		"zero signature": enc(bodies(t, types.NewTx(&types.LegacyTx{To: &sink, Gas: 21_000, GasPrice: zeroTip, V: big.NewInt(2709), R: common.Big0, S: common.Big1}))[0]),
	} {
		p := newPool(t, newHead(), nil)
		if err := p.HandleGossip("a", data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if e, q := p.Stats(); e+q != 0 {
			t.Errorf("%s: %d admitted", name, e+q)
		}
	}
	p := newPool(t, newHead(), nil)
	if err := p.HandleGossip("a", enc(raw, bodies(t, transfer(0, 0, 3))[0])); err != nil {
		t.Errorf("unaffordable and duplicate nonces are no fault: %v", err)
	}
	if txs, err := p.Decode([][]byte{raw}); err != nil || txs[0] == good || txs[0] != p.Get(good.Hash()) {
		t.Errorf("Decode must hand out the pool's pointer: %v", err)
	}
	if _, err := p.Decode([][]byte{raw, raw[1:]}); !errors.Is(err, ErrMalformed) {
		t.Errorf("Decode: %v", err)
	}
}

func TestSubscribeNew(t *testing.T) {
	p := newPool(t, newHead(), nil)
	s := p.SubscribeNew(1)
	tx := transfer(0, 0, 0)
	add(t, p, tx, transfer(0, 1, 0)) // the second is lost on this slow reader
	if got := <-s.C(); len(got) != 1 || got[0] != tx || p.Counts.SubscriberLost.Load() != 1 || s.Lost() != 1 {
		t.Errorf("got %v, %d lost", got, p.Counts.SubscriberLost.Load())
	}
	s.Close()
	s.Close()
	if _, open := <-s.C(); open {
		t.Error("still open")
	}
	add(t, p, transfer(0, 2, 0))
}
