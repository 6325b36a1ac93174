package consensus

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

func setOf(t *testing.T, n int) *ValidatorSet {
	t.Helper()
	addresses := make([]common.Address, n)
	for i := range addresses {
		addresses[n-1-i] = common.BigToAddress(common.Big1)
		addresses[n-1-i][0], addresses[n-1-i][1] = byte(i>>8), byte(i)
	}
	s, err := NewValidatorSet(addresses)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestQuorumTable holds the table of the protocol.
func TestQuorumTable(t *testing.T) {
	for _, row := range []struct{ n, f, q int }{
		{1, 0, 1}, {2, 0, 2}, {3, 0, 2}, {4, 1, 3}, {5, 1, 4}, {6, 1, 4}, {7, 2, 5}, {10, 3, 7}, {31, 10, 21}, {100, 33, 67},
	} {
		s := setOf(t, row.n)
		if s.F() != row.f || s.Quorum() != row.q || s.WeakQuorum() != row.f+1 {
			t.Errorf("n=%d: f=%d q=%d weak=%d, want f=%d q=%d", row.n, s.F(), s.Quorum(), s.WeakQuorum(), row.f, row.q)
		}
	}
}

// TestQuorumProperties: for every n two quorums meet in f+1 validators, so in
// an honest one, and the honest alone are a quorum. No smaller q does the
// first.
func TestQuorumProperties(t *testing.T) {
	for n := 1; n <= 100; n++ {
		s := setOf(t, n)
		f, q := s.F(), s.Quorum()
		if 3*f+1 > n || 3*(f+1)+1 <= n {
			t.Errorf("n=%d: f=%d", n, f)
		}
		if 2*q-n < f+1 {
			t.Errorf("n=%d: two quorums of %d meet in %d, f+1 is %d", n, q, 2*q-n, f+1)
		}
		if n-f < q {
			t.Errorf("n=%d: %d honest ones are no quorum of %d", n, n-f, q)
		}
		if 2*(q-1)-n >= f+1 {
			t.Errorf("n=%d: a quorum of %d would do, %d is asked", n, q-1, q)
		}
		full := NewBitset(n)
		for i := range n {
			if s.HasQuorum(full) != (i >= q) || s.HasWeakQuorum(full) != (i >= f+1) {
				t.Errorf("n=%d: %d members are counted wrongly", n, i)
			}
			full.Set(i)
		}
	}
}

func TestValidatorSet(t *testing.T) {
	s := setOf(t, 9)
	for i, a := range s.Addresses() {
		if j, ok := s.Index(a); !ok || j != i || s.Address(i) != a {
			t.Errorf("index of %s is %d, %v", a, j, ok)
		}
		if i > 0 && s.Address(i-1).Cmp(a) >= 0 {
			t.Error("addresses do not ascend")
		}
	}
	if _, ok := s.Index(common.Address{0xff}); ok {
		t.Error("a stranger has an index")
	}
	one := common.Address{1}
	for name, bad := range map[string][]common.Address{
		"empty": nil, "twice": {one, {2}, one}, "zero": {one, {}}, "too many": make([]common.Address, MaxValidators+1),
	} {
		if _, err := NewValidatorSet(bad); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestBitset(t *testing.T) {
	for n := 1; n <= 17; n++ {
		b := NewBitset(n)
		var want []int
		for i := 0; i < n; i += 3 {
			b.Set(i)
			want = append(want, i)
		}
		got := b.Members()
		if err := b.Check(n); err != nil || b.Count() != len(want) || len(got) != len(want) || b.Has(-1) || b.Has(n) || b.Has(1000) {
			t.Errorf("n=%d: %v, %v", n, got, err)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("n=%d: %v, want %v", n, got, want)
			}
		}
		if append(b, 0).Check(n) == nil || b[:len(b)-1].Check(n) == nil {
			t.Errorf("n=%d: a wrong length is canonical", n)
		}
		if n%8 != 0 {
			b[len(b)-1] |= 0x80
			if b.Check(n) == nil {
				t.Errorf("n=%d: bit %d is canonical", n, len(b)*8-1)
			}
		}
	}
}

func TestEpochs(t *testing.T) {
	for _, row := range []struct {
		first, length, last Seq
	}{{1, 1, 1}, {1, 64, 64}, {65, 64, 128}, {22, 7, 28}} {
		e := EpochRules{First: row.first, Params: Params{EpochLength: uint64(row.length)}}
		if e.Last() != row.last || e.Owns(row.first-1) || !e.Owns(row.first) || !e.Owns(row.last) || e.Owns(row.last+1) {
			t.Errorf("first %d, length %d: it ends at %d, want %d", row.first, row.length, e.Last(), row.last)
		}
	}
}
