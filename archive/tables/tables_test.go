package tables

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/archive"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/stream"
)

// nothing shows no certificates.
type nothing struct{}

func (nothing) CommitCertificate(rpc.Number) (*pbft.Certificate, error) { return nil, nil }

var token = common.Address{0x10}

// source is a chain of blocks of one token transfer and one transfer of coins each.
func source(t *testing.T, blocks int) (archive.Local, func(int)) {
	t.Helper()
	net := chaintest.New(1, 1, chaintest.Loggers(token))
	n := net.Node(t)
	grow := func(blocks int) {
		for range blocks {
			u := net.Users[0]
			if _, err := net.Append(n.Chain, u.Transfer(common.Address{9}, 5), u.Log(token, eventTransfer, common.Hash{31: 1}, common.Hash{31: 2}, common.Hash{31: 77})); err != nil {
				t.Fatal(err)
			}
		}
	}
	grow(blocks)
	return archive.Local{Objects: stream.Objects{Chain: n.Chain, Certificates: nothing{}, Signer: n.Chain.Signer()}}, grow
}

// add brings a file forward, and stops after so many blocks without closing it well.
func add(t *testing.T, path string, s archive.Local, stop uint64) {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Genesis(t.Context(), "0x1"); err != nil {
		t.Fatal(err)
	}
	_, next, _ := d.Blocks()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = s.Lines(ctx, next, head, func(n uint64, line []byte) error {
		if stop > 0 && n == stop {
			cancel()
		}
		return d.Add(t.Context(), line)
	})
	if stop == 0 {
		if err != nil || d.Flush() != nil {
			t.Fatal(err)
		}
	}
}

// TestIncremental: a file that was killed in between goes on, and has each row once.
func TestIncremental(t *testing.T) {
	s, grow := source(t, 450)
	path := filepath.Join(t.TempDir(), "a file?.db")
	add(t, path, s, 50)  // nothing is written but the name of the network
	add(t, path, s, 333) // 200 are written, the others lost
	add(t, path, s, 0)
	grow(3)
	add(t, path, s, 0)
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for table, want := range map[string]int{"network": 1, "blocks": 454, "transactions": 906, "receipts": 906, "logs": 453, "token_transfers": 453} {
		var got int
		if err := d.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d rows, want %d (%v)", table, got, want, err)
		}
	}
	var got string
	var id sql.NullString
	if err := d.db.QueryRowContext(t.Context(), `SELECT token || ' ' || standard || ' ' || sender || ' ' || recipient || ' ' || value, token_id FROM token_transfers WHERE block_number = 7`).Scan(&got, &id); err != nil {
		t.Fatal(err)
	}
	if want := "0x1000000000000000000000000000000000000000 ERC721 0x0000000000000000000000000000000000000001 0x0000000000000000000000000000000000000002 1"; got != want || id.String != "77" {
		t.Errorf("%s %v\nwant %s", got, id, want)
	}
	if err := d.Genesis(t.Context(), "0x2"); err == nil || !strings.Contains(err.Error(), "the file holds the network with genesis 0x1") {
		t.Errorf("another network: %v", err)
	}
	if _, err := d.db.ExecContext(t.Context(), "PRAGMA user_version = 9"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrOther) {
		t.Errorf("another schema: %v", err)
	}
}

// TestHalfBlock: of a block whose rows do not all fit nothing is kept, and nothing behind
// it is taken.
func TestHalfBlock(t *testing.T) {
	s, _ := source(t, 3)
	path := filepath.Join(t.TempDir(), "half.db")
	d, err := Open(t.Context(), path)
	if err == nil {
		err = d.Genesis(t.Context(), "0x1")
	}
	if err != nil {
		t.Fatal(err)
	}
	err = s.Lines(t.Context(), 0, 3, func(n uint64, line []byte) error {
		if n == 2 { // its transfer of a token is there twice
			var b map[string]json.RawMessage
			if err := json.Unmarshal(line, &b); err != nil {
				return err
			}
			from := bytes.Index(b["receipts"], []byte(`{"address"`))
			log := b["receipts"][from : from+bytes.IndexByte(b["receipts"][from:], '}')+1]
			b["receipts"] = bytes.Replace(b["receipts"], log, append(append(bytes.Clone(log), ','), log...), 1)
			if line, err = json.Marshal(b); err != nil {
				return err
			}
		}
		if err := d.Add(t.Context(), line); (err != nil) != (n >= 2) {
			t.Errorf("block %d: %v", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(); err == nil {
		t.Error("a flush after a block that failed says nothing")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	add(t, path, s, 0)
	if d, err = Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for table, want := range map[string]int{"blocks": 4, "transactions": 6, "receipts": 6, "logs": 3, "token_transfers": 3} {
		var got int
		if err := d.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d rows, want %d (%v)", table, got, want, err)
		}
	}
}

// TestStays: a database of others is told, and stays as it is, to the last byte.
func TestStays(t *testing.T) {
	for name, sql := range map[string]string{
		"tables of others":       "CREATE TABLE blocks (x); INSERT INTO blocks VALUES (1)",
		"with the same version":  "CREATE TABLE notes (x); PRAGMA user_version = 1",
		"with one of ours":       "CREATE TABLE network (genesis); PRAGMA user_version = 1",
		"another version, empty": "PRAGMA user_version = 7",
	} {
		path := filepath.Join(t.TempDir(), "other.db")
		other, err := openSQL(path)
		if err == nil {
			_, err = other.ExecContext(t.Context(), sql)
		}
		if err != nil || other.Close() != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
}

// TestTransfers has one row per form of event.
func TestTransfers(t *testing.T) {
	word := func(n ...int64) (out []byte) {
		for _, v := range n {
			out = append(out, common.BigToHash(big.NewInt(v)).Bytes()...)
		}
		return out
	}
	a, b, c := common.Hash{31: 1}, common.Hash{31: 2}, common.Hash{31: 3}
	for name, x := range map[string]struct {
		topics []common.Hash
		data   []byte
		want   string
	}{
		"ERC-20":               {[]common.Hash{eventTransfer, a, b}, word(5), "ERC20 1>2 <nil> 5;"},
		"ERC-721":              {[]common.Hash{eventTransfer, a, b, c}, nil, "ERC721 1>2 3 1;"},
		"ERC-1155":             {[]common.Hash{eventSingle, a, b, c}, word(8, 9), "ERC1155 2>3 8 9;"},
		"ERC-1155 batch":       {[]common.Hash{eventBatch, a, b, c}, word(64, 160, 2, 7, 8, 2, 70, 80), "ERC1155 2>3 7 70;ERC1155 2>3 8 80;"},
		"batch out of bounds":  {[]common.Hash{eventBatch, a, b, c}, word(64, 160, 3, 7, 8, 2, 70, 80), ""},
		"batch far away":       {[]common.Hash{eventBatch, a, b, c}, append(bytes.Repeat([]byte{0xff}, 64), word(1)...), ""},
		"batch without end":    {[]common.Hash{eventBatch, a, b, c}, word(32, 32, 1<<39), ""},
		"no data":              {[]common.Hash{eventBatch, a, b, c}, nil, ""},
		"another event":        {[]common.Hash{a}, word(1), ""},
		"no topics":            {nil, nil, ""},
		"ERC-20 with too much": {[]common.Hash{eventTransfer, a, b}, word(5, 6), ""},
		"half a word":          {[]common.Hash{eventTransfer, a, b}, []byte{1}, ""},
	} {
		got := ""
		for _, y := range transfersOf(&types.Log{Topics: x.topics, Data: x.data}) {
			id := "<nil>"
			if y.id != nil {
				id = y.id.String()
			}
			got += fmt.Sprintf("%s %d>%d %s %s;", y.standard, y.from[19], y.to[19], id, y.value)
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// FuzzTransfers: no data of a log makes it panic.
func FuzzTransfers(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(_ *testing.T, data []byte) {
		transfersOf(&types.Log{Topics: []common.Hash{eventBatch, {}, {}, {}}, Data: data})
	})
}
