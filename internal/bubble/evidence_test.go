package bubble

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/keys"
)

// TestEquivocatorIsSuspended: somebody with a validator's key signs a second
// statement for one place and shows it to one node. All hold the evidence, their
// transactions bring it onto the chain, and from the next epoch on the validator
// is not primary; nothing else happens to it.
func TestEquivocatorIsSuspended(t *testing.T) {
	Run(t, Spec{Params: short(16)}, func(c *Cluster) {
		faulty, witness := c.Members[3], c.Members[0]
		c.Votes = NewRecorder(func(what string) { // others pass on what it signed twice
			if !strings.HasPrefix(what, "validator 3 ") {
				t.Error(what)
			}
		})
		var seen atomic.Pointer[consensus.Vote]
		c.StartAll(c.Members...)
		faulty.OnSend(func(data []byte) {
			if v := engine.VoteIn(data); v != nil && v.Kind == consensus.Commit && v.Sender == 3 {
				seen.Store(v)
			}
		})
		load := c.StartLoad(3, 100*time.Millisecond, 1)
		key, err := keys.LoadKeystore(filepath.Join(faulty.Dir, "keystore"), filepath.Join(faulty.Dir, "password"))
		if err != nil {
			t.Fatal(err)
		}
		var epoch consensus.Epoch
		c.Within(30*time.Second, "one node holds the evidence", func() bool {
			v := seen.Load()
			if v == nil {
				return false
			}
			// The place may be final by the time the message comes: try the next.
			second := *v
			second.BlockHash = common.Hash{9}
			second.Signature, err = key.Sign(context.Background(), second.Preimage(c.Domain))
			if err != nil {
				t.Fatal(err)
			}
			epoch = second.Epoch
			_, _ = witness.Node.Receive(faulty.Address, append([]byte{0x01}, second.Encode()...))
			ev, err := witness.api().Evidence(nil, nil)
			return err == nil && len(ev) > 0
		})
		c.Within(10*time.Second, "all hold it", func() bool {
			for _, m := range c.Members {
				if ev, err := m.api().Evidence(nil, nil); err != nil || len(ev) == 0 || *ev[0].Offender != faulty.Address {
					return false
				}
			}
			return true
		})
		c.Within(time.Minute, "it is suspended", func() bool {
			for e := epoch + 1; e <= epoch+3; e++ {
				if x, err := witness.Node.Chain().Epoch(e); err == nil && slices.Contains(x.Suspended, faulty.Address) {
					return true
				}
			}
			return false
		})
		finish(c, load, 40)
	})
}
