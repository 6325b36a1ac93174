package bubble

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/consensus/pbft"
	"github.com/quorate/quorate/store"
)

// send submits a transfer at a member and waits until the block is final on
// every node that runs.
func send(c *Cluster, at *Member, nonce uint64) {
	c.T.Helper()
	tx := c.Transfer(c.Users[0], nonce)
	if err := at.Node.Pool().Add(context.Background(), tx); err != nil {
		c.T.Fatal(err)
	}
	c.Within(20*time.Second, fmt.Sprintf("transfer %d final everywhere", nonce), func() bool {
		for _, m := range c.Members {
			if !m.HasPower() {
				continue
			}
			if _, _, ok, err := m.Node.Chain().Lookup(tx.Hash()); err != nil || !ok {
				return false
			}
		}
		return true
	})
}

// TestSyncsOfABlock counts the fsyncs that one transfer on an idle chain costs
// each node. protocol.md demands three: the proposal before PRE-PREPARE or
// PREPARE, the prepared certificate before COMMIT, and the block with its
// state before anybody hears of it.
func TestSyncsOfABlock(t *testing.T) {
	Run(t, Spec{}, func(c *Cluster) {
		c.StartAll(c.Members...)
		send(c, c.Members[1], 0) // the first vote of an epoch also writes beside the key
		for nonce := uint64(1); nonce <= 3; nonce++ {
			time.Sleep(10 * time.Second)
			before := make([]int64, 4)
			for i, m := range c.Members {
				before[i] = m.Disk.LogSyncs()
			}
			send(c, c.Members[nonce], nonce)
			time.Sleep(time.Second)
			for i, m := range c.Members {
				if n := m.Disk.LogSyncs() - before[i]; n != 3 {
					t.Errorf("block %d cost node %d %d fsyncs, want 3", nonce+1, i, n)
				}
			}
		}
	})
}

// sent is a vote with what was durable at its sender when it left.
type sent struct {
	by   int
	vote *consensus.Vote
	disk *vfs.MemFS
}

// TestVoteSentIsVoteRemembered takes the disk of the sender, as a power cut
// would leave it, at each vote that leaves, and looks for what protocol.md §8
// wants to be durable by then.
func TestVoteSentIsVoteRemembered(t *testing.T) {
	Run(t, Spec{Params: func(p *consensus.Params) { p.EpochLength = 2 }}, func(c *Cluster) {
		var mu sync.Mutex
		var all []sent
		for i, m := range c.Members {
			m.OnSend(func(data []byte) {
				v := engine.VoteIn(data)
				if v == nil || v.Sender != uint64(i) {
					return
				}
				disk := m.Disk.Survives(nil)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, sent{i, v, disk})
			})
		}
		c.StartAll(c.Members...)
		for nonce := range uint64(4) {
			send(c, c.Members[nonce], nonce)
		}
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		seen := map[consensus.Kind]int{}
		for _, s := range all {
			seen[s.vote.Kind]++
			checkDurable(t, s)
		}
		for _, k := range []consensus.Kind{consensus.PrePrepare, consensus.Prepare, consensus.Commit, consensus.Checkpoint} {
			if seen[k] == 0 {
				t.Errorf("no %s was seen", k)
			}
		}
	})
}

func checkDurable(t *testing.T, s sent) {
	t.Helper()
	db, err := store.Open("data", store.Options{FS: s.disk})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	v := s.vote
	switch v.Kind {
	case consensus.PrePrepare, consensus.Prepare:
		var rec struct {
			Votes  []*consensus.Vote
			Batch  *consensus.Batch
			Bodies [][]byte
		}
		find(t, db, s, pbft.RecordProposal, &rec)
		if rec.Batch == nil || rec.Batch.Digest() != v.Digest || len(rec.Bodies) != len(rec.Batch.Hashes) || len(rec.Bodies) == 0 {
			t.Errorf("node %d sent %s %d without having proposal and bodies on disk", s.by, v.Kind, v.Seq)
		}
	case consensus.Commit:
		var rec struct {
			Certificate *consensus.PreparedCertificate
			BlockHash   [32]byte
		}
		find(t, db, s, pbft.RecordPrepared, &rec)
		if rec.Certificate == nil || rec.Certificate.Header.Digest() != v.Digest || rec.BlockHash != v.BlockHash {
			t.Errorf("node %d sent COMMIT %d without having its prepared certificate and block hash on disk", s.by, v.Seq)
		}
	case consensus.Checkpoint:
		if _, err := db.Get(store.HeaderKey(uint64(v.Seq))); err != nil {
			t.Errorf("node %d sent CHECKPOINT %d without having the block on disk: %v", s.by, v.Seq, err)
		}
	}
}

// find decodes the record of a vote's place, if it is there.
func find(t *testing.T, db *store.DB, s sent, kind pbft.RecordKind, into any) {
	t.Helper()
	records, err := db.Journal().Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Kind == byte(kind) && r.Seq == uint64(s.vote.Seq) && r.View == uint64(s.vote.View) {
			if err := rlp.DecodeBytes(r.Data, into); err != nil {
				t.Errorf("node %d, record of seq %d: %v", s.by, r.Seq, err)
			}
		}
	}
}

// TestIdleWritesNothing: ten minutes without transactions change nothing on
// any disk, and nobody votes.
func TestIdleWritesNothing(t *testing.T) {
	Run(t, Spec{Observers: 1}, func(c *Cluster) {
		c.StartAll(c.Members...)
		send(c, c.Members[1], 0)
		time.Sleep(time.Minute) // what the start has to flush is flushed
		before := make([]int64, len(c.Members))
		for i, m := range c.Members {
			before[i] = m.Disk.Writes()
			if before[i] == 0 {
				t.Fatalf("node %d has written nothing at all: the counter does not count", i)
			}
			m.OnSend(func(data []byte) {
				if v := engine.VoteIn(data); v != nil {
					t.Errorf("node %d sent %s for seq %d on an idle chain", i, v.Kind, v.Seq)
				}
			})
		}
		time.Sleep(10 * time.Minute)
		for i, m := range c.Members {
			if n := m.Disk.Writes() - before[i]; n != 0 {
				t.Errorf("node %d wrote %d times in ten idle minutes", i, n)
			}
			if n, _ := m.Head(); n != 1 {
				t.Errorf("node %d is at block %d, want 1", i, n)
			}
		}
	})
}
