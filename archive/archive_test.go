package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/archive"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/stream"
)

// node is one of chaintest with the objects of its blocks.
type node struct {
	*chaintest.Node
	net *chaintest.Network
}

func (n node) CommitCertificate(number rpc.Number) (*pbft.Certificate, error) {
	s, err := n.Chain.Sealed(uint64(number))
	if err != nil || s.Certificate == nil {
		return nil, err
	}
	return pbft.Show(uint64(number), &pbft.Sealed{Header: s.Header, BatchHeader: s.BatchHeader, Certificate: s.Certificate}, n.net.Set.Addresses())
}

func (n node) objects() stream.Objects {
	return stream.Objects{Chain: n.Chain, Certificates: n, Signer: n.Chain.Signer()}
}

func (n node) head() uint64 { return n.Chain.Head().Number.Uint64() }

var logger = common.Address{0x10}

// grown is a network with a node that has some blocks.
func grown(t *testing.T, blocks int) (n node, fresh func() node) {
	t.Helper()
	net := chaintest.New(4, 2, chaintest.Loggers(logger))
	fresh = func() node { return node{net.Node(t), net} }
	n = fresh()
	for i := range blocks {
		u := net.Users[i%2]
		if _, err := net.Append(n.Chain, u.Log(logger, common.Hash{byte(i)}), u.Transfer(common.Address{9}, 5)); err != nil {
			t.Fatal(err)
		}
	}
	return n, fresh
}

var forms = []string{"ndjson", "rlp"}

// export writes blocks from a number on in one of the forms.
func (n node) export(t *testing.T, form string, from uint64, w io.Writer) {
	t.Helper()
	var err error
	if form == "rlp" {
		err = archive.WriteRLP(t.Context(), w, n.Chain, from <= 1, max(from, 1), n.head(), nil)
	} else {
		err = archive.WriteLines(t.Context(), w, archive.Local{Objects: n.objects()}, from, n.head(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (n node) take(data []byte) (archive.Imported, error) {
	return archive.Import(context.Background(), bytes.NewReader(data), n.objects(), n.Chain, nil)
}

// TestRoundTrip: what was exported makes the same chain elsewhere, and doing it again
// changes nothing.
func TestRoundTrip(t *testing.T) {
	a, fresh := grown(t, 12)
	for _, form := range forms {
		var file bytes.Buffer
		a.export(t, form, 0, &file)
		b := fresh()
		if done, err := b.take(file.Bytes()); err != nil || done.Blocks != 12 {
			t.Fatalf("%s: %+v %v", form, done, err)
		}
		if b.Chain.Head().Hash() != a.Chain.Head().Hash() {
			t.Fatalf("%s: another head", form)
		}
		var again bytes.Buffer
		b.export(t, form, 0, &again)
		if !bytes.Equal(file.Bytes(), again.Bytes()) {
			t.Errorf("%s: exported again it is another file", form)
		}
		if done, err := b.take(file.Bytes()); err != nil || done.Known != 12 || done.Blocks != 0 {
			t.Errorf("%s, again: %+v %v", form, done, err)
		}
		t.Logf("%s: %d bytes a block", form, file.Len()/12)
	}
}

// TestFlippedByte changes one byte after the other, wherever it is: the import fails
// and names a block.
func TestFlippedByte(t *testing.T) {
	const blocks = 3
	a, fresh := grown(t, blocks)
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // a test
	for _, form := range forms {
		var file bytes.Buffer
		a.export(t, form, 0, &file)
		flips := 150
		if !testing.Short() {
			flips = 1500
		}
		for range flips {
			data := bytes.Clone(file.Bytes())
			at, bit := random.IntN(len(data)), byte(1)<<random.IntN(8)
			data[at] ^= bit
			b := fresh()
			_, err := b.take(data)
			if err == nil {
				t.Fatalf("%s: byte %d with bit %#x changed was taken: …%q…", form, at, bit, data[max(0, at-60):min(len(data), at+60)])
			}
			if !strings.Contains(err.Error(), "block") && !strings.Contains(err.Error(), "not a file of blocks") {
				t.Fatalf("%s: byte %d: the error names no block: %v", form, at, err)
			}
		}
	}
}

// TestOtherWholes: files that are cut, of another network, with a gap, or empty.
func TestOtherWholes(t *testing.T) {
	a, fresh := grown(t, 6)
	foreign := node{chaintest.New(5, 1).Node(t), a.net}
	for _, form := range forms {
		var file, tail bytes.Buffer
		a.export(t, form, 0, &file)
		for what, c := range map[string]struct {
			data []byte
			to   node
			want string
		}{
			"cut off":         {file.Bytes()[:file.Len()-7], fresh(), "block"},
			"another network": {file.Bytes(), foreign, map[string]string{"rlp": "blocks of the network with genesis", "ndjson": "block 0: byte"}[form]},
			"empty":           {nil, fresh(), "the file is empty"},
		} {
			if _, err := c.to.take(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v, want %s", form, what, err, c.want)
			}
		}
		if form == "ndjson" {
			a.export(t, form, 4, &tail)
			if _, err := fresh().take(tail.Bytes()); err == nil || !strings.Contains(err.Error(), "block 4: ") {
				t.Errorf("a gap: %v", err)
			}
		}
	}
}

// TestResume cuts a file at every place that a killed export may leave: continued, it is
// the whole file.
func TestResume(t *testing.T) {
	a, _ := grown(t, 5)
	for _, form := range forms {
		var whole bytes.Buffer
		a.export(t, form, 0, &whole)
		for at := 0; at <= whole.Len(); at += 211 {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, whole.Bytes()[:at], 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			var next uint64
			if form == "rlp" {
				next, _, err = archive.ResumeRLP(f, a.Chain.Genesis())
			} else {
				next, _, err = archive.ResumeLines(f)
			}
			if err != nil {
				t.Fatalf("%s cut at %d: %v", form, at, err)
			}
			if form == "rlp" && next == 0 { // it begins anew, or after the first item
				next = 1
			}
			size, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				t.Fatal(err)
			}
			if form == "rlp" {
				err = archive.WriteRLP(t.Context(), f, a.Chain, size == 0, next, a.head(), nil)
			} else {
				err = archive.WriteLines(t.Context(), f, archive.Local{Objects: a.objects()}, next, a.head(), nil)
			}
			if err != nil || f.Close() != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, whole.Bytes()) {
				t.Fatalf("%s cut at %d: the whole is another file (%v)", form, at, err)
			}
		}
	}
}

// TestContinues: a file is not continued with blocks of another network.
func TestContinues(t *testing.T) {
	a, _ := grown(t, 3)
	b := node{chaintest.New(5, 1).Node(t), a.net}
	path := filepath.Join(t.TempDir(), "file")
	var whole bytes.Buffer
	for want, n := range map[string]node{"": a, "the file is of another network": b} {
		whole.Reset()
		n.export(t, "ndjson", 0, &whole)
		if err := os.WriteFile(path, whole.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		next, some, err := archive.ResumeLines(f)
		if err != nil || !some {
			t.Fatal(err)
		}
		if err := archive.Continues(t.Context(), f, archive.Local{Objects: a.objects()}, next); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		f.Close()
	}
}

// TestCancelled: an import that is stopped goes on where it was.
func TestCancelled(t *testing.T) {
	a, fresh := grown(t, 8)
	var file bytes.Buffer
	a.export(t, "rlp", 0, &file)
	b := fresh()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := archive.Import(ctx, bytes.NewReader(file.Bytes()), b.objects(), b.Chain, func(n uint64) {
		if n == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || b.head() != 3 {
		t.Fatalf("head %d, %v", b.head(), err)
	}
	if done, err := b.take(file.Bytes()); err != nil || done.Known != 3 || done.Blocks != 5 {
		t.Fatalf("%+v %v", done, err)
	}
}

// TestLine: a line is JSON with every part.
func TestLine(t *testing.T) {
	a, _ := grown(t, 1)
	var file bytes.Buffer
	a.export(t, "ndjson", 1, &file)
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(file.Bytes(), &parts); err != nil || len(parts) != 5 {
		t.Errorf("%v %d parts", err, len(parts))
	}
}
