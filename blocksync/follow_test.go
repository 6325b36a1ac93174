package blocksync_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/store"
)

// follow runs a follower in a bubble; the returned function stops it and
// returns Run's error.
func follow(t *testing.T, c blocksync.Chain, net blocksync.Fetcher) (*blocksync.Follower, func() error) {
	f := blocksync.NewFollower(newSyncer(t, c, net, small()))
	run, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(run) }()
	return f, func() error {
		cancel()
		return <-done
	}
}

// TestFollow: the chain goes where the peers are, from whoever has it.
func TestFollow(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		net := network(map[blocksync.Peer]behaviour{"a": honest(20), "b": honest(33)})
		f, stop := follow(t, n.Chain, net)
		synctest.Wait()
		at(t, n.Chain, 0)
		f.Notify("a", 20)
		synctest.Wait()
		at(t, n.Chain, 20)
		f.Notify("b", 33)
		f.Notify("a", 20)
		synctest.Wait()
		at(t, n.Chain, 33)
		asked := net.asked("a") + net.asked("b")
		f.Notify("b", 33) // nothing new
		f.Notify("a", 4)
		<-time.After(time.Minute)
		if got := net.asked("a") + net.asked("b"); got != asked {
			t.Fatalf("%d requests although nothing is missing", got-asked)
		}
		fatal(t, stop())
	})
}

// TestFollowRetries: a peer that cannot be reached is tried again, a boaster
// only when it boasts again.
func TestFollowRetries(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		net := network(map[blocksync.Peer]behaviour{"boaster": honest(10)})
		f, stop := follow(t, n.Chain, net)
		f.Notify("boaster", 1<<40)
		synctest.Wait()
		at(t, n.Chain, 10)
		asked := net.asked("boaster")
		<-time.After(time.Minute) // by now it was asked four times for what it has not
		again := net.asked("boaster")
		if again == asked || again > asked+3 {
			t.Fatalf("the boaster was asked %d times more, want 1 to 3", again-asked)
		}
		<-time.After(time.Minute)
		if got := net.asked("boaster"); got != again {
			t.Fatalf("the boaster was asked %d times more after that", got-again)
		}
		f.Notify("early", 11) // it passes the announcement on before it has the block
		net.set("early", honest(10))
		<-time.After(time.Millisecond)
		net.set("early", honest(11))
		<-time.After(time.Second)
		at(t, n.Chain, 11)
		f.Notify("away", 15)
		<-time.After(10*time.Second + time.Millisecond)
		if got := net.asked("away"); got < 10 || got > 12 {
			t.Fatalf("the peer that is away was tried %d times in 10 seconds", got)
		}
		net.set("away", honest(15))
		<-time.After(2 * time.Second)
		at(t, n.Chain, 15)
		f.Notify("away", 16)
		f.Forget("away")
		fatal(t, stop())
	})
}

// TestFollowLiar: a liar is not asked again before it has disconnected.
func TestFollowLiar(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		net := network(map[blocksync.Peer]behaviour{"liar": lies["forged signature"].peer})
		f, stop := follow(t, n.Chain, net)
		f.Notify("liar", 50)
		<-time.After(time.Minute)
		at(t, n.Chain, 29)
		asked := net.asked("liar")
		f.Notify("liar", 60)
		<-time.After(time.Minute)
		if net.asked("liar") != asked {
			t.Fatal("the liar was asked again")
		}
		net.set("liar", honest(sourceBlocks)) // it was repaired
		f.Forget("liar")
		f.Notify("liar", 60)
		synctest.Wait()
		at(t, n.Chain, 60)
		fatal(t, stop())
	})
}

// TestFollowEndsOnDivergence: there is nothing to follow any more.
func TestFollowEndsOnDivergence(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		f, stop := follow(t, &forked{n.Chain, 5}, network(map[blocksync.Peer]behaviour{"a": honest(20)}))
		f.Notify("a", 20)
		synctest.Wait()
		var d *chain.Divergence
		if err := stop(); !errors.As(err, &d) {
			t.Fatalf("Run ended with %v", err)
		}
		at(t, n.Chain, 4)
	})
}

// full is a chain on a disk that is nearly full until the time is over.
type full struct {
	*chain.Chain
	until time.Time
}

func (f *full) ImportVerified(ctx context.Context, v *chain.Verified) error {
	if time.Now().Before(f.until) {
		return &store.ErrDiskLow{Free: 1, Reserve: 2}
	}
	return f.Chain.ImportVerified(ctx, v)
}

// TestFollowWaitsForDisk: a disk that is nearly full is waited for, and nobody
// is blamed.
func TestFollowWaitsForDisk(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		f, stop := follow(t, &full{n.Chain, time.Now().Add(time.Minute)}, network(map[blocksync.Peer]behaviour{"a": honest(20)}))
		f.Notify("a", 20)
		<-time.After(59 * time.Second)
		at(t, n.Chain, 0)
		<-time.After(2 * time.Second)
		synctest.Wait()
		at(t, n.Chain, 20)
		fatal(t, stop())
	})
}
