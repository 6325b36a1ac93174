package bubble

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/node/config"
)

// TestMessageLoss: one packet in five vanishes; the chain goes on.
func TestMessageLoss(t *testing.T) {
	Run(t, Spec{}, func(c *Cluster) {
		c.StartAll(c.Members...)
		load := c.StartLoad(3, 100*time.Millisecond, 1)
		c.Sim.SetLoss(20)
		from, _ := c.Members[0].Head()
		c.reach(from+30, 2*time.Minute, c.Members...)
		c.Sim.SetLoss(0)
		finish(c, load, 10)
	})
}

// TestPartition: two and two cannot decide anything; when the partition heals
// they go on without help. With one cut off, the first primary or a backup, the
// others go on.
func TestPartition(t *testing.T) {
	for _, row := range []struct {
		name string
		left []int
		goes bool // the rest goes on meanwhile
	}{{"two and two", []int{0, 1}, false}, {"primary alone", []int{0}, true}, {"backup alone", []int{2}, true}} {
		t.Run(row.name, func(t *testing.T) {
			Run(t, Spec{}, func(c *Cluster) {
				c.StartAll(c.Members...)
				load := c.StartLoad(3, 100*time.Millisecond, 1)
				c.reach(5, 10*time.Second, c.Members...)
				right := c.split(row.left)
				time.Sleep(5 * time.Second) // what was under way is decided
				before, _ := right.Head()
				time.Sleep(58 * time.Second)
				after, _ := right.Head()
				if row.goes != (after > before) {
					t.Errorf("during the partition the chain went from block %d to %d", before, after)
				}
				c.Sim.Heal()
				finish(c, load, 10)
			})
		})
	}
}

// split cuts the members with these indices from the rest and returns one of
// the rest.
func (c *Cluster) split(left []int) *Member {
	away := map[int]bool{}
	for _, i := range left {
		away[i] = true
	}
	var right []*Member
	for i, m := range c.Members {
		if !away[i] {
			right = append(right, m)
		}
	}
	for _, i := range left {
		for _, m := range right {
			c.Sim.Cut(c.Members[i].ip, m.ip)
		}
	}
	return right[0]
}

// TestWrongGenesis: a data directory of another network is refused, and both
// hashes are shown.
func TestWrongGenesis(t *testing.T) {
	Run(t, Spec{}, func(c *Cluster) {
		m := c.Members[0]
		c.StartAll(c.Members...)
		m.Stop()
		other := *c.Genesis
		other.Timestamp++
		if err := os.WriteFile(filepath.Join(m.Dir, "genesis.json"), other.Encode(), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := m.Build(m.Config())
		var wrong *chain.ErrGenesis
		if !errors.As(err, &wrong) || wrong.Have != c.Genesis.Hash() || wrong.Want != other.Hash() {
			t.Fatalf("Build: %v, want a refusal that names %s and %s", err, c.Genesis.Hash(), other.Hash())
		}
		for _, hash := range []string{c.Genesis.Hash().Hex(), other.Hash().Hex()} {
			if !strings.Contains(err.Error(), hash) {
				t.Errorf("%q does not show %s", err, hash)
			}
		}
		if err := os.WriteFile(filepath.Join(m.Dir, "genesis.json"), c.Genesis.Encode(), 0o600); err != nil {
			t.Fatal(err)
		}
		m.Start() // nothing was changed or left locked
		send(c, c.Members[1], 0)
	})
}

// TestWrongKeys: keys that do not belong together, or not to the network, are
// refused, and the error says whose they are.
func TestWrongKeys(t *testing.T) {
	Run(t, Spec{Observers: 1}, func(c *Cluster) {
		validator, other, observer := c.Members[0], c.Members[1], c.Members[4]
		validator.power, observer.power = &power{}, &power{}
		for _, row := range []struct {
			name string
			m    *Member
			edit func(*config.Config)
			says []string
		}{
			{"a validator's node key without its validator key", validator, func(cfg *config.Config) {
				cfg.KeystoreDir, cfg.PasswordFile = "", ""
			}, []string{validator.ID, validator.Address.Hex()}},
			{"another validator's key", validator, func(cfg *config.Config) {
				cfg.KeystoreDir, cfg.PasswordFile = filepath.Join(other.Dir, "keystore"), filepath.Join(other.Dir, "password")
			}, []string{validator.ID, validator.Address.Hex(), other.Address.Hex()}},
			{"an observer's node key with a validator key", observer, func(cfg *config.Config) {
				cfg.KeystoreDir, cfg.PasswordFile = filepath.Join(other.Dir, "keystore"), filepath.Join(other.Dir, "password")
			}, []string{observer.ID, other.Address.Hex()}},
		} {
			cfg := row.m.Config()
			row.edit(cfg)
			_, err := row.m.Build(cfg)
			if err == nil {
				t.Fatalf("%s was accepted", row.name)
			}
			for _, want := range row.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %q does not say %s", row.name, err, want)
				}
			}
		}
	})
}
