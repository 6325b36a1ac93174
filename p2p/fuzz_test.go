package p2p

import (
	"bytes"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/rlp"
)

// FuzzFrame: whatever a peer sends, a frame is never longer than the limit, and
// what is accepted encodes to the same bytes.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{}, 10)
	f.Add([]byte{3, 1, 2, 3}, 10)
	f.Add([]byte{0x80, 0}, 10)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, 1<<30)
	f.Add(appendFrame(nil, make([]byte, 300)), 1<<20)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		limit = max(0, limit%(1<<30))
		r := bytes.NewReader(data)
		payload, err := readFrame(r, limit)
		if err != nil {
			return
		}
		if len(payload) > limit {
			t.Fatalf("%d bytes, limit %d", len(payload), limit)
		}
		if used := data[:len(data)-r.Len()]; !bytes.Equal(appendFrame(nil, payload), used) {
			t.Fatalf("%x was read as a frame of %x", used, payload)
		}
	})
}

// FuzzHello: no panic, bounded fields, one encoding per value.
func FuzzHello(f *testing.F) {
	good := &hello{Version: protocolVersion, ChainID: testChain, Genesis: testGenesis, Client: "x", Role: 1, Instance: 7, Topics: []string{"consensus"}, Record: []byte{1}}
	f.Add(good.encode())
	f.Add([]byte{0xc1, 0x63})
	f.Add([]byte{0xf8})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := decodeHello(data, testChain, testGenesis)
		if err != nil {
			return
		}
		if !bytes.Equal(h.encode(), data) {
			t.Fatalf("%x decodes but encodes to %x", data, h.encode())
		}
		if len(h.Client) > maxClientBytes || len(h.Topics) > maxTopics || !printable(h.Client) {
			t.Fatalf("accepted %+v", h)
		}
	})
}

// FuzzVerdict: no panic, and its text is safe for a terminal.
func FuzzVerdict(f *testing.F) {
	f.Add((&verdict{Refused: true, Reason: "no", Hello: []byte{1}}).frame()[1:])
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := decodeVerdict(data); err == nil && (!printable(v.Reason) || len(v.Reason) > maxErrorBytes) {
			t.Fatalf("accepted %q", v.Reason)
		}
	})
}

// FuzzRecord: only records that verify come out, in their one encoding.
func FuzzRecord(f *testing.F) {
	for i, role := range []Role{RoleValidator, RoleObserver} {
		f.Add(testRecord(f, newNode(f, i, role), 7, time.Unix(1000, 0), "/ip4/10.0.0.1/tcp/1").encode())
	}
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data, testChain, testGenesis)
		if err != nil {
			return
		}
		if !bytes.Equal(r.encode(), data) || r.verify() != nil || len(r.Addresses) > maxRecordAddrs {
			t.Fatalf("accepted %+v", r)
		}
	})
}

// FuzzExchange: a list of records is bounded before it is built.
func FuzzExchange(f *testing.F) {
	f.Add(encodeExchange([][]byte{{1}, {2, 3}}))
	f.Add([]byte{0xc4, 0x83, 1, 2, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := decodeExchange(data)
		if err != nil {
			return
		}
		if len(list) > maxRecords || !bytes.Equal(encodeExchange(list), data) {
			t.Fatalf("accepted %x as %d records", data, len(list))
		}
		for _, raw := range list {
			peekRecord(raw)
		}
	})
}

// FuzzBook: a broken file never stops a node and never brings a record that
// does not verify.
func FuzzBook(f *testing.F) {
	n := newNode(f, 0, RoleValidator)
	good, _ := rlp.EncodeToBytes(&bookFile{bookVersion, [][]byte{testRecord(f, n, 7, time.Unix(1000, 0)).encode()}})
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg := newNode(t, 1, RoleValidator).config()
		cfg.Limits = cfg.Limits.withDefaults()
		b := openBook(&cfg, "self", nil)
		if b.load(data, time.Unix(1000, 0)) != nil {
			return
		}
		for id, r := range b.records {
			if r.id() != id || r.verify() != nil {
				t.Fatalf("record %+v", r)
			}
		}
	})
}
