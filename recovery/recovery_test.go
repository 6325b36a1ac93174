package recovery

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

var domain = consensus.Domain{ChainID: 1337, Genesis: common.Hash{7}}

func key(t *testing.T, i byte) *ecdsa.PrivateKey {
	t.Helper()
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte{'r', i}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type signer struct{ *ecdsa.PrivateKey }

func (s signer) Address() common.Address { return crypto.PubkeyToAddress(s.PublicKey) }

func (s signer) Sign(_ context.Context, preimage []byte) (out consensus.Signature, err error) {
	raw, err := crypto.Sign(crypto.Keccak256(preimage), s.PrivateKey)
	copy(out[:], raw)
	return out, err
}

// three are recovery keys, of which two must sign.
func three(t *testing.T) genesis.Recovery {
	r := genesis.Recovery{Threshold: 2}
	for i := range byte(3) {
		r.Keys = append(r.Keys, signer{key(t, i)}.Address())
	}
	return r
}

func nodeID(t *testing.T, i byte) []byte {
	return append([]byte{0, 37, 8, 2, 18, 33}, crypto.CompressPubkey(&key(t, 100+i).PublicKey)...)
}

// document is one for three validators, signed by keys.
func document(t *testing.T, by ...byte) *Document {
	t.Helper()
	d := &Document{Genesis: domain.Genesis, Ends: 4, Number: 70, BlockHash: common.Hash{1}, StateRoot: common.Hash{2}, Params: common.Hash{3}}
	for i := range byte(3) {
		d.Members = append(d.Members, Member{Address: common.Address{9 - i}, NodeID: nodeID(t, i), Name: "m" + string('0'+rune(i)), Endpoint: "10.0.0.1:30303"})
	}
	d.Order()
	for _, i := range by {
		if err := d.Sign(context.Background(), signer{key(t, i)}, domain, three(t)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// TestSigning: two of three keys make a document hold, in any order, also as copies
// that were signed apart; what is read back is the same.
func TestSigning(t *testing.T) {
	keys := three(t)
	d := document(t)
	if err := d.Verify(domain, keys); !errors.Is(err, ErrTooFew) {
		t.Errorf("unsigned: %v", err)
	}
	if err := document(t, 1).Verify(domain, keys); !errors.Is(err, ErrTooFew) {
		t.Errorf("one of two: %v", err)
	}
	a, b := document(t, 2), document(t, 0)
	if err := a.Merge(b, domain, keys); err != nil {
		t.Fatal(err)
	}
	for _, x := range []*Document{document(t, 2, 0), document(t, 0, 2, 0), a} {
		if err := x.Verify(domain, keys); err != nil || len(x.Signatures) != 2 {
			t.Fatalf("%+v, %v", x.Signatures, err)
		}
		text, err := Parse(x.Encode())
		if err != nil || cmp.Diff(x, text) != "" {
			t.Error(err, cmp.Diff(x, text))
		}
		raw, err := DecodeBytes(x.EncodeBytes())
		if err != nil || cmp.Diff(x, raw) != "" {
			t.Error(err, cmp.Diff(x, raw))
		}
	}
	if err := d.Sign(context.Background(), signer{key(t, 7)}, domain, keys); !errors.Is(err, ErrSignature) {
		t.Errorf("a key that is none: %v", err)
	}
	other := document(t, 1)
	other.Number++
	if err := a.Merge(other, domain, keys); err == nil {
		t.Error("copies of different recoveries were merged")
	}
	forged := document(t, 1)
	forged.Signatures[0].Signature[3]++
	if err := a.Merge(forged, domain, keys); !errors.Is(err, ErrSignature) || len(a.Signatures) != 2 {
		t.Errorf("a bad signature was merged: %v", err)
	}
}

// TestTampering: everything in a document is signed, and no signature counts twice or
// for another.
func TestTampering(t *testing.T) {
	keys := three(t)
	for name, change := range map[string]func(*Document){
		"epoch":           func(d *Document) { d.Ends++ },
		"number":          func(d *Document) { d.Number-- },
		"block":           func(d *Document) { d.BlockHash[5]++ },
		"state":           func(d *Document) { d.StateRoot[5]++ },
		"parameters":      func(d *Document) { d.Params[5]++ },
		"a member less":   func(d *Document) { d.Members = d.Members[:2] },
		"an address":      func(d *Document) { d.Members[2].Address = common.Address{200} },
		"a node":          func(d *Document) { d.Members[0].NodeID = nodeID(t, 50) },
		"a name":          func(d *Document) { d.Members[0].Name = "evil" },
		"an endpoint":     func(d *Document) { d.Members[0].Endpoint = "10.6.6.6:1" },
		"nodes exchanged": func(d *Document) { d.Members[0].NodeID, d.Members[1].NodeID = d.Members[1].NodeID, d.Members[0].NodeID },
		"one twice":       func(d *Document) { d.Signatures[1] = d.Signatures[0] },
		"order":           func(d *Document) { slices.Reverse(d.Signatures) },
		"one for another": func(d *Document) { d.Signatures[0].Signature = d.Signatures[1].Signature },
		"a stranger": func(d *Document) {
			s, _ := signer{key(t, 7)}.Sign(context.Background(), d.Statement().Preimage(domain))
			d.add(Signature{signer{key(t, 7)}.Address(), s})
		},
	} {
		d := document(t, 0, 1)
		change(d)
		if err := d.Verify(domain, keys); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := document(t, 0, 1)
	if err := d.Verify(consensus.Domain{ChainID: 1337, Genesis: common.Hash{8}}, keys); !errors.Is(err, ErrNetwork) {
		t.Errorf("another genesis: %v", err)
	}
	if err := d.Verify(consensus.Domain{ChainID: 1, Genesis: domain.Genesis}, keys); !errors.Is(err, ErrSignature) {
		t.Errorf("another chain id: %v", err)
	}
	if err := d.Verify(domain, genesis.Recovery{}); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("no keys: %v", err)
	}
}

func TestForm(t *testing.T) {
	for want, change := range map[string]func(*Document){
		"block 0":           func(d *Document) { d.Number = 0 },
		"set is empty":      func(d *Document) { d.Members = nil },
		"listed twice":      func(d *Document) { d.Members[1].Address = d.Members[0].Address },
		"zero address":      func(d *Document) { d.Members[0].Address = common.Address{} },
		"ascending order":   func(d *Document) { slices.Reverse(d.Members) },
		"the same node id":  func(d *Document) { d.Members[1].NodeID = d.Members[0].NodeID },
		"no libp2p peer id": func(d *Document) { d.Members[1].NodeID = []byte{1, 2} },
		"do not print":      func(d *Document) { d.Members[1].Name = "a\nb" },
		"neither host:port": func(d *Document) { d.Members[1].Endpoint = "nowhere" },
		"at most 256 are":   func(d *Document) { d.Members[1].Endpoint = strings.Repeat("a", 300) + ":1" },
	} {
		d := document(t)
		change(d)
		if err := d.Check(); !errors.Is(err, ErrForm) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	text := document(t, 0).Encode()
	for name, bad := range map[string][]byte{
		"unknown key":     bytes.Replace(text, []byte(`"ends"`), []byte(`"end"`), 1),
		"something after": append(slices.Clone(text), '{'),
		"half":            text[:len(text)/2],
		"short signature": bytes.Replace(text, []byte(`"signature": "0x`), []byte(`"signature": "0x00`), 1),
		"too large":       make([]byte, MaxBytes+1),
	} {
		if _, err := Parse(bad); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestContradict: two documents that end one epoch, or after the same block, exclude
// each other unless they say the same; who signed both is named.
func TestContradict(t *testing.T) {
	held := document(t, 0, 1)
	if err := Contradict(held, document(t, 1, 2), domain); err != nil {
		t.Errorf("the same by others: %v", err)
	}
	later := document(t, 0, 1)
	later.Ends, later.Number = 5, 90
	if err := Contradict(held, later, domain); err != nil {
		t.Errorf("of a later epoch: %v", err)
	}
	for name, change := range map[string]func(*Document){
		"another block": func(d *Document) { d.Number++ },
		"another set":   func(d *Document) { d.Members = d.Members[:2] },
		"another epoch": func(d *Document) { d.Ends++ },
	} {
		other := document(t)
		change(other)
		for _, i := range []byte{1, 2} {
			if err := other.Sign(context.Background(), signer{key(t, i)}, domain, three(t)); err != nil {
				t.Fatal(err)
			}
		}
		var c *Contradiction
		if err := Contradict(held, other, domain); !errors.As(err, &c) || len(c.Both) != 1 || c.Both[0] != (signer{key(t, 1)}).Address() || !strings.Contains(err.Error(), c.Both[0].Hex()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPreimage pins what is signed, word by word, for those who check it elsewhere.
func TestPreimage(t *testing.T) {
	s := document(t).Statement()
	p := s.Preimage(domain)
	if len(p) != 9*32 {
		t.Fatalf("%d bytes", len(p))
	}
	at := func(i int) common.Hash { return common.BytesToHash(p[32*i : 32*i+32]) }
	for i, want := range []common.Hash{
		crypto.Keccak256Hash([]byte("quorate/recovery/1")),
		{30: 5, 31: 57},
		domain.Genesis,
		{31: 4},
		{31: 70},
		{1},
		{2},
		s.NextSet, s.Details,
	} {
		if at(i) != want {
			t.Errorf("word %d is %s, want %s", i, at(i), want)
		}
	}
	set := document(t).Set()
	if s.NextSet != consensus.NextSetHash(5, set, nil, common.Hash{3}) {
		t.Error("the next set is not that of a checkpoint that says the same")
	}
	if s.Digest(domain) != crypto.Keccak256Hash(p) {
		t.Error("the digest is not that of the preimage")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"genesis":"0x00"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(d.Encode())
		if err != nil || cmp.Diff(d, again) != "" {
			t.Error(err)
		}
		raw, err := DecodeBytes(d.EncodeBytes())
		if err != nil || raw.Digest(domain) != d.Digest(domain) {
			t.Error(err)
		}
	})
}
