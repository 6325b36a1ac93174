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
	epoch, err := n.Chain.Epoch(s.Certificate.Epoch)
	if err != nil {
		return nil, err
	}
	return pbft.Show(uint64(number), &pbft.Sealed{Header: s.Header, BatchHeader: s.BatchHeader, Certificate: s.Certificate}, epoch.Set.Addresses())
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
			p, err := a.resume(t, form, f)
			if err != nil || p.Cut(f) != nil {
				t.Fatalf("%s cut at %d: %v", form, at, err)
			}
			if form == "rlp" {
				err = archive.WriteRLP(t.Context(), f, a.Chain, p.End == 0, p.Next(1), a.head(), nil)
			} else {
				err = archive.WriteLines(t.Context(), f, archive.Local{Objects: a.objects()}, p.Next(0), a.head(), nil)
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

func (n node) resume(t *testing.T, form string, f *os.File) (archive.Place, error) {
	t.Helper()
	if form == "rlp" {
		return archive.ResumeRLP(f, n.Chain, 1)
	}
	return archive.ResumeLines(t.Context(), f, archive.Local{Objects: n.objects()}, 0)
}

// TestStays: what is no beginning of an export is told, and stays as it is.
func TestStays(t *testing.T) {
	a, _ := grown(t, 4)
	b := node{chaintest.New(5, 1).Node(t), a.net} // of another network
	longer, _ := grown(t, 6)                      // the same network, further
	for _, form := range forms {
		var whole, long, foreign bytes.Buffer
		a.export(t, form, 0, &whole)
		longer.export(t, form, 0, &long)
		b.export(t, form, 0, &foreign)
		lines := bytes.SplitAfter(whole.Bytes(), []byte{'\n'})
		for what, data := range map[string][]byte{
			"text":               []byte("my notes, without a line end"),
			"lines":              []byte("my notes\n"),
			"one byte":           {0x80},
			"a picture":          append([]byte{0xff, 0xd8, 0xff, 0xe0}, make([]byte, 5000)...),
			"another network":    foreign.Bytes(),
			"half of another":    foreign.Bytes()[:min(foreign.Len(), 150)-len("ab")],
			"with a text behind": append(bytes.Clone(whole.Bytes()), "behind"...),
			"with its beginning": append(bytes.Clone(whole.Bytes()), whole.Bytes()[:300]...),
			"a text in front":    append([]byte("front\n"), whole.Bytes()...),
			"a part lost":        bytes.Join([][]byte{lines[0], lines[len(lines)-1]}, nil),
			"ahead of the node":  long.Bytes(),
			"half a block ahead": long.Bytes()[:whole.Len()+40],
		} {
			if what == "a part lost" && form == "ndjson" || what == "half of another" && form == "rlp" {
				continue // lines in between are not read; the beginning of the first item is the same for all
			}
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if p, err := a.resume(t, form, f); !errors.Is(err, archive.ErrOther) {
				t.Errorf("%s, %s: %+v %v", form, what, p, err)
			} else {
				t.Logf("%s, %s: %v", form, what, err)
			}
			f.Close()
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, data) {
				t.Errorf("%s, %s: the file was changed (%v)", form, what, err)
			}
		}
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
