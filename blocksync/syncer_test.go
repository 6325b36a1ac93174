package blocksync_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
)

type list = []blocksync.Peer

// TestSync500: everything from one honest peer with the default limits, and
// nothing more than the target.
func TestSync500(t *testing.T) {
	n := node(t)
	net := network(map[blocksync.Peer]behaviour{"a": honest(sourceBlocks)})
	s := newSyncer(t, n.Chain, net, blocksync.Config{})
	cert := must[*consensus.CommitCertificate](t)(s.SyncTo(ctx, 490, list{"a"}))
	at(t, n.Chain, 490)
	if cert.Seq != 490 || cert.BlockHash != n.Chain.Head().Hash() {
		t.Fatalf("the certificate is for block %d %s", cert.Seq, cert.BlockHash)
	}
	if p := s.Progress(); p.Running || p.Start != 0 || p.Current != 490 || p.Target != 490 {
		t.Fatalf("progress %+v", p)
	}
	head, err := s.Sync(ctx, list{"a"}, 400) // below the head: nothing to do
	if asked := net.asked("a"); err != nil || head != 490 || asked != 490/8+1 {
		t.Fatalf("head %d after %d requests, %v", head, asked, err)
	}
}

// lies are what no honest peer sends, told at block 30. number is the block
// that must be found to be wrong.
var lies = map[string]struct {
	peer   behaviour
	number uint64
	reason error
}{
	"damaged bytes":     {at30(func(raw []byte) [][]byte { return [][]byte{flip(raw, 40)} }), 30, chain.ErrInvalid},
	"truncated":         {at30(func(raw []byte) [][]byte { return [][]byte{raw[:len(raw)-1]} }), 30, chain.ErrInvalid},
	"trailing bytes":    {at30(func(raw []byte) [][]byte { return [][]byte{append(raw[:len(raw):len(raw)], 0)} }), 30, chain.ErrInvalid},
	"empty chunk":       {at30(func(raw []byte) [][]byte { return [][]byte{{}} }), 30, chain.ErrInvalid},
	"missing block":     {at30(func(raw []byte) [][]byte { return nil }), 30, blocksync.ErrOrder},
	"block twice":       {at30(func(raw []byte) [][]byte { return [][]byte{raw, raw} }), 31, blocksync.ErrOrder},
	"older block":       {at30(func(raw []byte) [][]byte { return [][]byte{source().raw[7]} }), 30, blocksync.ErrOrder},
	"too large":         {at30(func(raw []byte) [][]byte { return [][]byte{make([]byte, 64<<10+1)} }), 30, blocksync.ErrTooLarge},
	"forged signature":  {at30(sealed(func(b *chain.SealedBlock) { b.Certificate.Signatures[0][9]++ })), 30, chain.ErrInvalid},
	"signature of none": {at30(sealed(func(b *chain.SealedBlock) { b.Certificate.Signatures[2] = consensus.Signature{} })), 30, chain.ErrInvalid},
	"too few signers": {at30(sealed(func(b *chain.SealedBlock) {
		b.Certificate.Signers, b.Certificate.Signatures = consensus.Bitset{3}, b.Certificate.Signatures[:2]
	})), 30, chain.ErrInvalid},
	"other view":   {at30(sealed(func(b *chain.SealedBlock) { b.Certificate.View++ })), 30, chain.ErrInvalid},
	"other signed": {at30(sealed(func(b *chain.SealedBlock) { b.Certificate = chaintest.New(5, 0).Certify(b.Header) })), 30, chain.ErrInvalid},
	"other state root": {at30(sealed(func(b *chain.SealedBlock) {
		b.Header.Root[3]++
		b.Certificate.BlockHash = b.Header.Hash()
	})), 30, chain.ErrInvalid},
	"other batch time": {at30(sealed(func(b *chain.SealedBlock) {
		b.BatchHeader.TimeMs += 5
		b.Header.MixDigest = b.BatchHeader.Digest()
		b.Certificate.BatchDigest, b.Certificate.BlockHash = b.Header.MixDigest, b.Header.Hash()
	})), 30, chain.ErrInvalid},
	"transaction missing": {at30(sealed(func(b *chain.SealedBlock) { b.Transactions = b.Transactions[1:] })), 30, chain.ErrInvalid},
	"transaction twice":   {at30(sealed(func(b *chain.SealedBlock) { b.Transactions = append(b.Transactions, b.Transactions[0]) })), 30, chain.ErrInvalid},
	"other transaction": {at30(sealed(func(b *chain.SealedBlock) {
		u := *source().net.Users[1]
		b.Transactions[0] = u.Transfer(u.Address, 77)
	})), 30, chain.ErrInvalid},
	"too many": {func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
		for i := range count + 1 {
			if err := onBlock(source().raw[from+i]); err != nil {
				return nil // a fetcher that hides our error changes nothing
			}
		}
		return nil
	}, 9, blocksync.ErrTooMuch},
}

// at30 lies at block 30, which has two transactions.
func at30(f func(raw []byte) [][]byte) behaviour {
	return altered(func(n uint64, raw []byte) [][]byte {
		if n == 30 {
			return f(raw)
		}
		return [][]byte{raw}
	})
}

func flip(raw []byte, i int) []byte {
	out := append([]byte(nil), raw...)
	out[i] ^= 0x10
	return out
}

// sealed changes a block and encodes it again.
func sealed(f func(b *chain.SealedBlock)) func(raw []byte) [][]byte {
	return func(raw []byte) [][]byte {
		b, err := chain.DecodeSealedBlock(raw)
		if err != nil {
			panic(err)
		}
		f(b)
		out, err := b.Encode()
		if err != nil {
			panic(err)
		}
		return [][]byte{out}
	}
}

// TestLiars: each lie is found, told and not imported; everything before it is;
// the next peer goes on from there.
func TestLiars(t *testing.T) {
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			n := node(t)
			var told []*blocksync.PeerError
			cfg := small()
			cfg.OnLiar = func(e *blocksync.PeerError) { told = append(told, e) }
			net := network(map[blocksync.Peer]behaviour{"liar": lie.peer, "honest": honest(sourceBlocks)})
			s := newSyncer(t, n.Chain, net, cfg)

			head, err := s.Sync(ctx, list{"liar", "liar"}, 40)
			var fault *blocksync.PeerError
			if !errors.Is(err, blocksync.ErrNoPeers) || !errors.As(err, &fault) {
				t.Fatalf("sync from the liar alone: %v", err)
			}
			if fault.Peer != "liar" || !fault.Lied || fault.Number != lie.number || !errors.Is(fault, lie.reason) {
				t.Fatalf("fault %+v, want a lie at %d: %v", fault, lie.number, lie.reason)
			}
			if len(told) != 1 || told[0] != fault {
				t.Fatalf("OnLiar heard %v", told)
			}
			if head != lie.number-1 {
				t.Fatalf("the head is %d after a lie at %d", head, lie.number)
			}
			at(t, n.Chain, head)

			if head, err = s.Sync(ctx, list{"liar", "honest"}, 40); err != nil || head != 40 {
				t.Fatalf("with an honest peer: head %d, %v", head, err)
			}
			at(t, n.Chain, 40)
			if len(told) == 0 || told[len(told)-1].Peer != "liar" {
				t.Fatalf("OnLiar heard %v", told)
			}
		})
	}
}

// TestTooLargeResponse: a peer that goes on after the bytes it was asked for.
func TestTooLargeResponse(t *testing.T) {
	n := node(t)
	cfg := small()
	cfg.ResponseBytes = 2 * len(source().raw[1])                                            // two empty blocks, or a bit more
	s := newSyncer(t, n.Chain, network(map[blocksync.Peer]behaviour{"a": honest(20)}), cfg) // it ignores the limit
	head, err := s.Sync(ctx, list{"a"}, 20)
	var fault *blocksync.PeerError
	if !errors.As(err, &fault) || !fault.Lied || !errors.Is(fault, blocksync.ErrTooLarge) || head != fault.Number-1 || head == 0 {
		t.Fatalf("head %d, %v", head, err)
	}
}

// TestFailOver: peers that fail in the middle, have too little or are not there
// are passed over without being called liars.
func TestFailOver(t *testing.T) {
	n := node(t)
	breaks := func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
		if err := honest(sourceBlocks)(ctx, from, min(count, 3), onBlock); err != nil || from < 20 {
			return err
		}
		return errUnreachable
	}
	net := network(map[blocksync.Peer]behaviour{"short": honest(11), "breaks": breaks, "none": honest(0), "full": honest(sourceBlocks)})
	cfg := small()
	cfg.OnLiar = func(e *blocksync.PeerError) { t.Errorf("called a liar: %v", e) }
	s := newSyncer(t, n.Chain, net, cfg)
	head, err := s.Sync(ctx, list{"gone", "none", "short", "breaks"}, 60)
	if !errors.Is(err, blocksync.ErrNoPeers) || !errors.Is(err, errUnreachable) || !errors.Is(err, blocksync.ErrNoBlocks) {
		t.Fatalf("four bad peers: %v", err)
	}
	at(t, n.Chain, head)
	if head != 23 { // short to 11, breaks to 20 and once more
		t.Fatalf("head %d, want 23", head)
	}
	if head, err = s.Sync(ctx, list{"gone", "none", "short", "full"}, 60); err != nil || head != 60 {
		t.Fatalf("with a full peer: %d, %v", head, err)
	}
	at(t, n.Chain, 60)
	if head, err = s.Sync(ctx, nil, 70); head != 60 || !errors.Is(err, blocksync.ErrNoPeers) {
		t.Fatalf("without peers: %d, %v", head, err)
	}
}

// TestSilentPeer: who says nothing for BlockTimeout loses its turn.
func TestSilentPeer(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		silent := func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
			if err := honest(10)(ctx, from, count, onBlock); err != nil || from <= 3 {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}
		cfg := small()
		cfg.BlockTimeout = 7 * time.Second
		s := newSyncer(t, n.Chain, network(map[blocksync.Peer]behaviour{"silent": silent, "b": honest(20)}), cfg)
		began := time.Now()
		head, err := s.Sync(ctx, list{"silent"}, 20)
		var fault *blocksync.PeerError
		if !errors.As(err, &fault) || fault.Lied || !errors.Is(fault, blocksync.ErrSilent) || head != 10 {
			t.Fatalf("head %d, %v", head, err)
		}
		if waited := time.Since(began); waited != 7*time.Second {
			t.Fatalf("waited %v", waited)
		}
		began = time.Now()
		if head, err := s.Sync(ctx, list{"silent", "b"}, 20); err != nil || head != 20 {
			t.Fatalf("with another peer: %d, %v", head, err)
		}
		if waited := time.Since(began); waited > 2*time.Second {
			t.Errorf("another peer was asked after %v", waited)
		}
	})
}

// TestSlowPeers: where nobody is fast, those who were passed over are asked once
// more, with all patience.
func TestSlowPeers(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		slow := func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(3 * time.Second):
				return honest(20)(ctx, from, count, onBlock)
			}
		}
		cfg := small()
		cfg.BlockTimeout = 7 * time.Second
		s := newSyncer(t, n.Chain, network(map[blocksync.Peer]behaviour{"a": slow, "b": slow}), cfg)
		if head, err := s.Sync(ctx, list{"a", "b"}, 20); err != nil || head != 20 {
			t.Fatalf("head %d, %v", head, err)
		}
	})
}

// TestResume: a sync that is cancelled keeps what it has imported, also over a
// power cut, and the next one begins there.
func TestResume(t *testing.T) {
	fs := vfs.NewCrashableMem()
	n := must[*chaintest.Node](t)(source().net.Open(fs, "node", chain.Options{}))
	cancelled, cancel := context.WithCancel(ctx)
	stops := func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
		if from > 100 {
			cancel()
		}
		return honest(sourceBlocks)(ctx, from, count, onBlock)
	}
	s := newSyncer(t, n.Chain, network(map[blocksync.Peer]behaviour{"a": stops}), small())
	head, err := s.Sync(cancelled, list{"a", "b"}, 300)
	if !errors.Is(err, context.Canceled) || errors.Is(err, blocksync.ErrNoPeers) || head == 0 || head > 200 {
		t.Fatalf("cancelled at %d: %v", head, err)
	}
	at(t, n.Chain, head)
	cut := fs.CrashClone(vfs.CrashCloneCfg{})
	fatal(t, n.DB.Close())

	n = must[*chaintest.Node](t)(source().net.Open(cut, "node", chain.Options{}))
	defer n.DB.Close()
	at(t, n.Chain, head)
	first := uint64(0)
	watch := func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
		if first == 0 {
			first = from
		}
		return honest(sourceBlocks)(ctx, from, count, onBlock)
	}
	s = newSyncer(t, n.Chain, network(map[blocksync.Peer]behaviour{"a": watch}), small())
	must[uint64](t)(s.Sync(ctx, list{"a"}, 300))
	at(t, n.Chain, 300)
	if first != head+1 {
		t.Fatalf("resumed at %d, the head was %d", first, head)
	}
}

// gated is a chain whose imports wait.
type gated struct {
	*chain.Chain
	gate    chan struct{}
	waiting atomic.Int64
}

func (g *gated) ImportVerified(ctx context.Context, v *chain.Verified) error {
	g.waiting.Add(1)
	<-g.gate
	return g.Chain.ImportVerified(ctx, v)
}

// TestBounded: while the chain is slow, the syncer loads ahead as far as its
// memory allows and no further, and never blocks a response.
func TestBounded(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		g := &gated{Chain: node(t).Chain, gate: make(chan struct{})}
		var sent atomic.Int64
		counting := func(ctx context.Context, from, count uint64, onBlock func([]byte) error) error {
			return honest(sourceBlocks)(ctx, from, count, func(raw []byte) error {
				sent.Add(1)
				began := time.Now()
				defer func() {
					if time.Since(began) > 0 {
						t.Error("onBlock blocked")
					}
				}()
				return onBlock(raw)
			})
		}
		cfg := small()
		s := newSyncer(t, g, network(map[blocksync.Peer]behaviour{"a": counting}), cfg)
		done := make(chan error)
		go func() {
			_, err := s.Sync(ctx, list{"a"}, sourceBlocks)
			done <- err
		}()
		synctest.Wait()
		ahead := sent.Load()
		if ahead < 40 || ahead > int64(cfg.MemoryBytes/4096) || g.waiting.Load() != 1 { // each counts 4 KiB beside its own bytes
			t.Errorf("loaded %d blocks ahead with %d bytes allowed, %d imports wait", ahead, cfg.MemoryBytes, g.waiting.Load())
		}
		if p := s.Progress(); !p.Running || p.Peer != "a" || p.Target != sourceBlocks || p.Current != 0 {
			t.Errorf("progress %+v", p)
		}
		close(g.gate)
		fatal(t, <-done)
		at(t, g.Chain, sourceBlocks)
	})
}

// TestOneAtATime: a second sync waits for the first, and gives up with its
// context.
func TestOneAtATime(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		g := &gated{Chain: node(t).Chain, gate: make(chan struct{})}
		s := newSyncer(t, g, network(map[blocksync.Peer]behaviour{"a": honest(20)}), small())
		done := make(chan error)
		go func() {
			_, err := s.Sync(ctx, list{"a"}, 10)
			done <- err
		}()
		synctest.Wait()
		late, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := s.Sync(late, list{"a"}, 20); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a second sync: %v", err)
		}
		close(g.gate)
		fatal(t, <-done)
		must[uint64](t)(s.Sync(ctx, list{"a"}, 20))
		at(t, g.Chain, 20)
	})
}

// forked is a chain that meets a certified block it cannot agree with.
type forked struct {
	*chain.Chain
	at uint64
}

func (f *forked) ImportVerified(ctx context.Context, v *chain.Verified) error {
	if v.Number() == f.at {
		return &chain.Divergence{Number: f.at, Own: f.Head()}
	}
	return f.Chain.ImportVerified(ctx, v)
}

// TestDivergence: it is nobody's lie, and no other peer is asked.
func TestDivergence(t *testing.T) {
	n := node(t)
	net := network(map[blocksync.Peer]behaviour{"a": honest(20), "b": honest(20)})
	cfg := small()
	cfg.OnLiar = func(e *blocksync.PeerError) { t.Errorf("called a liar: %v", e) }
	s := newSyncer(t, &forked{n.Chain, 5}, net, cfg)
	head, err := s.Sync(ctx, list{"a", "b"}, 20)
	var d *chain.Divergence
	if !errors.As(err, &d) || errors.Is(err, blocksync.ErrNoPeers) || head != 4 || net.asked("b") != 0 {
		t.Fatalf("head %d, b was asked %d times, %v", head, net.asked("b"), err)
	}
}
