package consensus

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/rlp"
)

// verifier is what the three certificates share.
type verifier interface {
	Verify(d Domain, set *ValidatorSet) error
}

func (w *network) checkpoint(t testing.TB) *CheckpointCertificate {
	t.Helper()
	v := Vote{Kind: Checkpoint, Seq: 64, BlockHash: hash("block"), StateRoot: hash("state"), NextSet: hash("next")}
	return NewCheckpointCertificate(w.votes(t, v, 0, 2, 3), w.set.Len())
}

func TestCertificatesVerify(t *testing.T) {
	for n := 1; n <= 7; n++ {
		w := newNetwork(t, n)
		h := header(1, w.domain.Genesis, "a")
		for _, c := range []verifier{w.committed(t, 0, h), w.prepared(t, 2, h)} {
			if err := c.Verify(w.domain, w.set); err != nil {
				t.Errorf("n=%d: %T: %v", n, c, err)
			}
		}
	}
	w := newNetwork(t, 4)
	if err := w.checkpoint(t).Verify(w.domain, w.set); err != nil {
		t.Error(err)
	}
}

// TestMoreThanAQuorum: all n signers are welcome.
func TestMoreThanAQuorum(t *testing.T) {
	w := newNetwork(t, 4)
	h := header(1, w.domain.Genesis, "a")
	c := NewCommitCertificate(w.votes(t, Vote{Kind: Commit, Seq: 1, Digest: h.Digest()}, 3, 1, 0, 2), 4)
	if err := c.Verify(w.domain, w.set); err != nil || len(c.Signatures) != 4 {
		t.Errorf("%d signatures: %v", len(c.Signatures), err)
	}
}

// TestGatheringIsCanonical: the order in which votes come in does not matter.
func TestGatheringIsCanonical(t *testing.T) {
	w := newNetwork(t, 4)
	v := Vote{Kind: Commit, Seq: 1, Digest: hash("d"), BlockHash: hash("b")}
	a := mustEncode(NewCommitCertificate(w.votes(t, v, 0, 1, 3), 4))
	b := mustEncode(NewCommitCertificate(w.votes(t, v, 3, 0, 1, 0), 4))
	if !bytes.Equal(a, b) {
		t.Errorf("%x and %x", a, b)
	}
}

func TestCommitCertificateFaults(t *testing.T) {
	w := newNetwork(t, 4)
	h := header(1, w.domain.Genesis, "a")
	for name, row := range map[string]struct {
		spoil func(c *CommitCertificate)
		want  error
	}{
		"short quorum":    {func(c *CommitCertificate) { c.Signers = Bitset{3}; c.Signatures = c.Signatures[:2] }, ErrQuorum},
		"nobody":          {func(c *CommitCertificate) { c.Signers = Bitset{0}; c.Signatures = nil }, ErrQuorum},
		"no bitset":       {func(c *CommitCertificate) { c.Signers = nil }, ErrMalformed},
		"long bitset":     {func(c *CommitCertificate) { c.Signers = Bitset{7, 0} }, ErrMalformed},
		"a fifth of four": {func(c *CommitCertificate) { c.Signers = Bitset{0x17} }, ErrMalformed},
		"too few":         {func(c *CommitCertificate) { c.Signatures = c.Signatures[:2] }, ErrMalformed},
		"too many":        {func(c *CommitCertificate) { c.Signatures = append(c.Signatures, c.Signatures[0]) }, ErrMalformed},
		"the same signer": {func(c *CommitCertificate) { c.Signatures[1] = c.Signatures[0] }, ErrSigner},
		"another order":   {func(c *CommitCertificate) { slices.Reverse(c.Signatures) }, ErrSigner},
		"others signed":   {func(c *CommitCertificate) { c.Signers = Bitset{0x0e} }, ErrSigner},
		"high s":          {func(c *CommitCertificate) { c.Signatures[2] = highS(c.Signatures[2]) }, ErrSignature},
		"another view":    {func(c *CommitCertificate) { c.View++ }, ErrSigner},
		"another epoch":   {func(c *CommitCertificate) { c.Epoch++ }, ErrSigner},
		"another seq":     {func(c *CommitCertificate) { c.Seq++ }, ErrSigner},
		"another digest":  {func(c *CommitCertificate) { c.BatchDigest[0] ^= 1 }, ErrSigner},
		"another block":   {func(c *CommitCertificate) { c.BlockHash[0] ^= 1 }, ErrSigner},
		"PREPAREs instead": {func(c *CommitCertificate) {
			p := w.prepared(t, 0, h)
			for i := range c.Signatures {
				c.Signatures[i] = p.Signatures[i].Signature
			}
		}, ErrSigner},
	} {
		c := w.committed(t, 0, h)
		row.spoil(c)
		if err := c.Verify(w.domain, w.set); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestPreparedCertificateFaults(t *testing.T) {
	w := newNetwork(t, 4)
	h := header(1, w.domain.Genesis, "a")
	for name, row := range map[string]struct {
		spoil func(c *PreparedCertificate)
		want  error
	}{
		"short quorum":         {func(c *PreparedCertificate) { c.Signatures = c.Signatures[:2] }, ErrQuorum},
		"the same signer":      {func(c *PreparedCertificate) { c.Signatures[2] = c.Signatures[1] }, ErrMalformed},
		"descending":           {func(c *PreparedCertificate) { slices.Reverse(c.Signatures) }, ErrMalformed},
		"a COMMIT":             {func(c *PreparedCertificate) { c.Signatures[1].Kind = uint8(Commit) }, ErrMalformed},
		"a PRE-PREPARE":        {func(c *PreparedCertificate) { c.Signatures[1].Kind = uint8(PrePrepare) }, ErrSigner},
		"a PREPARE":            {func(c *PreparedCertificate) { c.Signatures[0].Kind = uint8(Prepare) }, ErrSigner},
		"another view":         {func(c *PreparedCertificate) { c.View++ }, ErrSigner},
		"another header":       {func(c *PreparedCertificate) { c.Header.TimeMs++ }, ErrSigner},
		"first proposed later": {func(c *PreparedCertificate) { c.Header.OriginView = c.View + 1 }, ErrMalformed},
	} {
		c := w.prepared(t, 3, h)
		row.spoil(c)
		if err := c.Verify(w.domain, w.set); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	// Several PRE-PREPAREs are no concern of a certificate: who was primary is
	// judged by those who vote.
	v := Vote{Kind: PrePrepare, View: 3, Seq: 1, Digest: h.Digest()}
	if err := NewPreparedCertificate(3, h, w.votes(t, v, 0, 1, 2), 4).Verify(w.domain, w.set); err != nil {
		t.Error(err)
	}
}

// TestEveryFlippedBitFails: nothing in a certificate is decoration.
func TestEveryFlippedBitFails(t *testing.T) {
	w := newNetwork(t, 4)
	h := header(1, w.domain.Genesis, "a")
	for _, c := range []struct {
		good  verifier
		fresh func() verifier
	}{
		{w.committed(t, 1, h), func() verifier { return new(CommitCertificate) }},
		{w.checkpoint(t), func() verifier { return new(CheckpointCertificate) }},
		{w.prepared(t, 1, h), func() verifier { return new(PreparedCertificate) }},
	} {
		enc := mustEncode(c.good)
		for i := range enc {
			for _, bit := range []byte{0x01, 0x80} {
				bad := bytes.Clone(enc)
				bad[i] ^= bit
				got := c.fresh()
				if rlp.DecodeBytes(bad, got) == nil && got.Verify(w.domain, w.set) == nil {
					t.Errorf("%T: byte %d may be flipped by %02x", c.good, i, bit)
				}
			}
		}
	}
}

func TestWrongDomainAndSet(t *testing.T) {
	w, other := newNetwork(t, 4), newNetwork(t, 7)
	h := header(1, w.domain.Genesis, "a")
	for _, c := range []verifier{w.committed(t, 0, h), w.checkpoint(t), w.prepared(t, 0, h)} {
		if err := c.Verify(Domain{ChainID: 1338, Genesis: w.domain.Genesis}, w.set); !errors.Is(err, ErrSigner) {
			t.Errorf("%T on another chain: %v", c, err)
		}
		if err := c.Verify(w.domain, other.set); err == nil {
			t.Errorf("%T is valid for another set", c)
		}
	}
}
