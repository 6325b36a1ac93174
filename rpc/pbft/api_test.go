package pbft

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/rpctest"
)

// network is a set of four validators that has sealed one block.
type network struct {
	domain     consensus.Domain
	keys       []*ecdsa.PrivateKey
	set        *consensus.ValidatorSet
	sealed     *Sealed
	recoveries []chain.Recovery
	links      map[consensus.Epoch][]light.Link
	book
	memory
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{domain: consensus.Domain{ChainID: 1337, Genesis: common.Hash{1}}}
	var addresses []common.Address
	for range 4 {
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		n.keys = append(n.keys, key)
		addresses = append(addresses, crypto.PubkeyToAddress(key.PublicKey))
	}
	var err error
	if n.set, err = consensus.NewValidatorSet(addresses); err != nil {
		t.Fatal(err)
	}
	batch := &consensus.BatchHeader{Version: consensus.BatchVersion, Seq: 1, Proposer: addresses[0], TimeMs: 5000, GasLimit: 1e8}
	n.book = newBook(&types.Header{Number: big.NewInt(1), Difficulty: new(big.Int), BaseFee: new(big.Int), Time: 5, GasLimit: 1e8, MixDigest: batch.Digest()}, n.keys[0])
	header := n.block.Header()
	var votes []*consensus.Vote
	for _, key := range n.keys[:3] { // a quorum of four
		i, _ := n.set.Index(crypto.PubkeyToAddress(key.PublicKey))
		v := &consensus.Vote{Kind: consensus.Commit, Sender: uint64(i), View: 2, Seq: 1, Digest: batch.Digest(), BlockHash: header.Hash()}
		sig, err := crypto.Sign(crypto.Keccak256(v.Preimage(n.domain)), key)
		if err != nil {
			t.Fatal(err)
		}
		copy(v.Signature[:], sig)
		votes = append(votes, v)
	}
	n.sealed = &Sealed{Header: header, BatchHeader: batch, Certificate: consensus.NewCommitCertificate(votes, 4)}
	return n
}

func (n *network) Head() *types.Header { return n.sealed.Header }

func (n *network) Sealed(number uint64) (*Sealed, error) {
	if number != 1 {
		return nil, errors.New("not found")
	}
	return n.sealed, nil
}

func (n *network) Epoch(e consensus.Epoch) (*consensus.EpochRules, error) {
	if e > 1 {
		return nil, nil
	}
	return &consensus.EpochRules{
		Epoch: e, First: consensus.Seq(e)*2 + 1, Set: n.set, Suspended: n.memory.suspended, Params: consensus.Params{EpochLength: 2},
	}, nil
}

// Recoveries implements Members.
func (n *network) Recoveries() []chain.Recovery { return n.recoveries }

func (n *network) Links(e consensus.Epoch) ([]light.Link, error) { return n.links[e], nil }

func (n *network) EpochOf(number uint64) (*consensus.EpochRules, error) {
	if number > 2 { // the head is 1
		return nil, nil
	}
	return n.Epoch(0)
}

func (n *network) Report() consensus.Report {
	r := consensus.Report{
		Self: n.set.Address(2), Epoch: 3, View: 7, Active: 5, PatienceMs: 4000, Backoff: 2, AskedAlone: true, Primary: n.set.Address(2), IsPrimary: true, Committed: 117, Stable: 100,
		WindowLow: 100, WindowHigh: 228, F: 1, Quorum: 3, Line: "2* v7 n=117 [100,228)",
	}
	for i := range n.set.Len() {
		r.Validators = append(r.Validators, consensus.ValidatorReport{Address: n.set.Address(i), Connected: i != 1, Heard: i != 3, Mode: consensus.Normal, View: 7, Committed: 116})
	}
	r.Validators[0].Suspended, r.Validators[2].Asks = true, 7
	return r
}

// api is the methods over the network.
func (n *network) api(t *testing.T, l rpc.Limits, cut func(context.Context)) *API {
	t.Helper()
	a, err := New(Deps{Genesis: n.domain.Genesis, Reporter: n, Chain: n, Transactions: n, Members: n, History: n, Witness: n, Limits: l, Disconnect: cut})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// call goes through a real server. The answer must be one that the OpenRPC document
// promises.
func (n *network) call(t *testing.T, body string) map[string]json.RawMessage {
	t.Helper()
	s, err := rpc.New(rpc.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Register("pbft", n.api(t, rpc.DefaultLimits(), nil)); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	said := rpctest.Documented(t).Conversation()
	said.Asked([]byte(body))
	if _, err := said.Answered(w.Body.Bytes()); err != nil {
		t.Error(err)
	}
	out := make(map[string]json.RawMessage)
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return out
}

// TestCertificateVerifies checks a certificate as a client does: from the answer
// and what genesis tells, with nothing else.
func TestCertificateVerifies(t *testing.T) {
	n := newNetwork(t)
	for _, number := range []string{`1`, `"1"`, `"0x1"`, `"latest"`} {
		a := n.call(t, `{"jsonrpc":"2.0","id":1,"method":"pbft_commitCertificate","params":[`+number+`]}`)
		var c struct {
			Number, Epoch, View, Seq uint64
			BatchDigest, BlockHash   common.Hash
			Validators               []common.Address
			Signers                  hexutil.Bytes
			Signatures               []hexutil.Bytes
			Header, BatchHeader      hexutil.Bytes
		}
		if err := json.Unmarshal(a["result"], &c); err != nil {
			t.Fatalf("%v in %s%s", err, a["result"], a["error"])
		}
		if c.Number != 1 || c.Seq != 1 || c.View != 2 || c.Epoch != 0 {
			t.Errorf("%s: numbers %+v", number, c)
		}
		if crypto.Keccak256Hash(c.Header) != c.BlockHash || crypto.Keccak256Hash(c.BatchHeader) != c.BatchDigest {
			t.Errorf("%s: headers do not hash to what was signed", number)
		}
		var header types.Header
		if err := rlp.DecodeBytes(c.Header, &header); err != nil || header.MixDigest != c.BatchDigest {
			t.Errorf("%s: header does not name its batch (%v)", number, err)
		}
		cert := consensus.CommitCertificate{
			View: consensus.View(c.View), Seq: consensus.Seq(c.Seq), BatchDigest: c.BatchDigest, BlockHash: c.BlockHash, Signers: consensus.Bitset(c.Signers),
		}
		for _, s := range c.Signatures {
			cert.Signatures = append(cert.Signatures, consensus.Signature(s))
		}
		set, err := consensus.NewValidatorSet(c.Validators)
		if err != nil {
			t.Fatal(err)
		}
		if err := cert.Verify(n.domain, set); err != nil {
			t.Errorf("%s: %v", number, err)
		}
	}
	for _, number := range []string{`0`, `2`, `"0xff"`, `"earliest"`} {
		if a := n.call(t, `{"jsonrpc":"2.0","id":1,"method":"pbft_commitCertificate","params":[`+number+`]}`); string(a["result"]) != "null" {
			t.Errorf("%s: %s %s", number, a["result"], a["error"])
		}
	}
	a := n.call(t, `{"jsonrpc":"2.0","id":1,"method":"pbft_commitCertificate","params":["soon"]}`)
	if !strings.Contains(string(a["error"]), `-32602`) || !strings.Contains(string(a["error"]), `want 5, \"0x5\" or \"latest\"`) {
		t.Errorf("soon: %s", a["error"])
	}
}

// TestStatus shows everything in plain numbers.
func TestStatus(t *testing.T) {
	n := newNetwork(t)
	got := string(n.call(t, `{"jsonrpc":"2.0","id":1,"method":"pbft_status"}`)["result"])
	self := strings.ToLower(n.set.Address(2).Hex())
	want := `{"self":"` + self + `","view":7,"activeView":5,"epoch":3,"primary":"` + self + `","isPrimary":true,"mode":"` + consensus.Mode(0).String() +
		`","committed":117,"stable":100,"window":{"low":100,"high":228},"validators":[`
	if !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	first := strings.ToLower(n.set.Address(0).Hex())
	if !strings.HasSuffix(got, `],"f":1,"quorum":3,"patienceMs":4000,"backoff":2,"lostMargin":true,"suspended":["`+first+`"],"line":"2* v7 n=117 [100,228)","knownForks":["shanghai","cancun","prague","osaka"]}`) || strings.Count(got, `"connected":true`) != 3 {
		t.Errorf("got %s", got)
	}
	if strings.Count(got, `"mode":"normal"`) != 3 || strings.Count(got, `"mode":"unknown"`) != 1 {
		t.Errorf("who was heard: %s", got)
	}
	if strings.Count(got, `"asks":null,"suspended":true`) != 1 || strings.Count(got, `"asks":7,"suspended":false`) != 1 {
		t.Errorf("who asks, who is suspended: %s", got)
	}
}

// FuzzNumber accepts numbers below 2^63 and tags only.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{`5`, `"5"`, `"0x5"`, `"latest"`, `-1`, `1e3`, `"0x"`, `""`, `18446744073709551615`, `{}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var n rpc.Number
		if json.Unmarshal([]byte(s), &n) == nil && n != rpc.Latest && n > 1<<63-1 {
			t.Errorf("%s became %d", s, n)
		}
	})
}
