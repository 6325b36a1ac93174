package stream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
	"github.com/quorate/quorate/rpc/stream"
)

// fetch gets a path of the port, with header lines in pairs.
func fetch(t testing.TB, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// want is the object of a block, composed from what the methods answer.
func (w *world) want(t testing.TB, number uint64, include string) string {
	t.Helper()
	block, err := w.Chain.Block(number)
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := w.Chain.Receipts(number)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := w.pbft.CommitCertificate(rpc.Number(number))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(certificate)
	if err != nil {
		t.Fatal(err)
	}
	s := fmt.Sprintf(`{"number":"%#x","hash":"%s","block":%s`, number, block.Hash(), ethjson.Block(block, strings.Contains(include, "transactions"), w.Chain.Signer()))
	if strings.Contains(include, "receipts") {
		s += `,"receipts":` + string(ethjson.Receipts(block, receipts, w.Chain.Signer()))
	}
	if strings.Contains(include, "certificate") {
		s += `,"certificate":` + string(shown)
	}
	return s + "}"
}

// TestRange: every block as the methods show it, in every coding, and a last line.
func TestRange(t *testing.T) {
	w := newWorld(t, 12)
	for _, include := range []string{"", "transactions", "receipts", "certificate", "transactions,receipts,certificate"} {
		var want strings.Builder
		for n := range uint64(6) {
			want.WriteString(w.want(t, n, include) + "\n")
		}
		want.WriteString(`{"next":"0x6"}` + "\n")
		for accept, coding := range map[string]string{"": "", "identity": "", "gzip": "gzip", "gzip, deflate, br, zstd": "zstd", "zstd;q=0, gzip;q=0.5": "gzip", "br": ""} {
			resp, body := fetch(t, w.url+"/v1/blocks?from=0&limit=6&include="+include, "Accept-Encoding", accept)
			if got := resp.Header.Get("Content-Encoding"); got != coding || resp.StatusCode != 200 {
				t.Fatalf("%q: %d, coded as %q, want %q", accept, resp.StatusCode, got, coding)
			}
			if got := decoded(t, coding, body); got != want.String() {
				t.Fatalf("%s %s:\ngot  %s\nwant %s", include, accept, got, want.String())
			}
			if !json.Valid([]byte(strings.SplitN(want.String(), "\n", 2)[0])) {
				t.Fatal("no JSON")
			}
		}
	}
}

func decoded(t testing.TB, coding string, body []byte) string {
	t.Helper()
	var in io.Reader = bytes.NewReader(body)
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		in = z
	case "zstd":
		z, err := zstd.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		in = z
	}
	out, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestRangeWalk follows the cursor from block 0 to the head with answers that are cut
// by bytes, and sees every block once.
func TestRangeWalk(t *testing.T) {
	w := newWorld(t, 40, func(c *rpc.Config) { c.Limits.RangeBytes = 1 })
	next, answers := "0x0", 0
	for n := uint64(0); n <= w.head(); answers++ {
		_, body := fetch(t, w.url+"/v1/blocks?limit=7&include=transactions&from="+next)
		lines := strings.Split(strings.TrimSpace(string(body)), "\n")
		for _, line := range lines[:len(lines)-1] {
			if line != w.want(t, n, "transactions") {
				t.Fatalf("block %d is %s", n, line)
			}
			n++
		}
		var last struct{ Next string }
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Next != fmt.Sprintf("%#x", n) {
			t.Fatalf("%v: the last line is %s, want %#x", err, lines[len(lines)-1], n)
		}
		next = last.Next
	}
	if answers != 6 { // of 7 small blocks each: one piece always fits
		t.Errorf("%d answers", answers)
	}
	if _, body := fetch(t, w.url+"/v1/blocks?from="+next); string(body) != `{"next":"`+next+"\"}\n" {
		t.Errorf("above the head: %s", body)
	}
}

// TestRangeKept: an answer whose blocks are all there may be kept for ever, another
// not at all.
func TestRangeKept(t *testing.T) {
	w := newWorld(t, 10)
	const ever = "public, max-age=31536000, immutable"
	resp, _ := fetch(t, w.url+"/v1/blocks?from=1&limit=10")
	tag := resp.Header.Get("ETag")
	if resp.Header.Get("Cache-Control") != ever || tag == "" || resp.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("full: %v", resp.Header)
	}
	if resp, body := fetch(t, w.url+"/v1/blocks?from=1&limit=10", "If-None-Match", tag); resp.StatusCode != http.StatusNotModified || len(body) > 0 {
		t.Errorf("known: %d %s", resp.StatusCode, body)
	}
	for _, path := range []string{"from=1&limit=9", "from=2&limit=9", "from=1&limit=10&include=receipts"} {
		if resp, body := fetch(t, w.url+"/v1/blocks?"+path, "If-None-Match", tag); resp.StatusCode != 200 || len(body) == 0 || resp.Header.Get("Cache-Control") != ever {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
	for _, path := range []string{"from=1&limit=11", "from=latest&limit=1", "from=11", "from=99"} {
		if resp, _ := fetch(t, w.url+"/v1/blocks?"+path); resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("ETag") != "" {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
}

// TestRangeKeptFor: what a client gets that has shown a token is for its own cache, and a
// refusal for none.
func TestRangeKeptFor(t *testing.T) {
	w := newWorld(t, 10)
	if resp, _ := fetch(t, w.url+"/v1/blocks?from=1&limit=10", "Authorization", "Bearer x"); resp.Header.Get("Cache-Control") != "private, max-age=31536000, immutable" || resp.Header.Get("ETag") == "" {
		t.Errorf("with a token: %v", resp.Header)
	}
	full := func(context.Context) (func(), error) { return nil, rpc.Busy("answers") }
	d, err := stream.New(stream.Deps{Chain: w.Chain, Feed: w.Chain, Certificates: w.pbft, Signer: w.Chain.Signer(), Turn: full, Limits: rpc.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	resp := httptest.NewRecorder()
	d.Range().ServeHTTP(resp, httptest.NewRequest(http.MethodGet, "/v1/blocks?from=1&limit=10", nil))
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Cache-Control") != "no-store" || resp.Header().Get("ETag") != "" {
		t.Errorf("refused: %d %v", resp.Code, resp.Header())
	}
}

// TestRefused has one line per wrong request to a door.
func TestRefused(t *testing.T) {
	w := newWorld(t, 5, func(c *rpc.Config) { c.Limits.RangeBlocks = 50 })
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"blocks", 400, "from is missing: the number of the first block"},
		{"blocks?from=x", 400, `from is \"x\"; a block number is expected: 5, 0x5 or latest`},
		{"blocks?from=-1", 400, "a block number is expected"},
		{"blocks?from=7", 400, "block 7 is not there: the head is block 5, so that from may be at most 6"},
		{"blocks?from=1&limit=0", 400, "a number from 1 to 50 is expected (rpc.limits.range_blocks)"},
		{"blocks?from=1&limit=51", 400, "a number from 1 to 50 is expected"},
		{"blocks?from=1&to=5", 400, `unknown parameter \"to\"; there are from, limit, include`},
		{"blocks?from=1&from=2", 400, "from is there 2 times"},
		{"blocks?from=1&include=logs", 400, `include has \"logs\"; transactions, receipts and certificate can be included`},
		{"blocks?from=1;2", 400, "the query cannot be read"},
		{"stream?from=7", 400, "block 7 is not there"},
		{"stream?limit=5", 400, "unknown parameter"},
		{"stream?include=x", 400, "include has"},
	} {
		resp, body := fetch(t, w.url+"/v1/"+c.path)
		if resp.StatusCode != c.status || !strings.Contains(string(body), c.want) || !strings.HasPrefix(string(body), `{"jsonrpc":"2.0","id":null,"error":{"code":-32602,`) {
			t.Errorf("%s: %d %s\nwant %d %s", c.path, resp.StatusCode, body, c.status, c.want)
		}
	}
	if resp, body := fetch(t, w.url+"/v1/stream", "Last-Event-ID", "moon"); resp.StatusCode != 400 || !strings.Contains(string(body), "Last-Event-ID is") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, door := range []string{"blocks?from=1", "stream"} {
		resp, err := http.Post(w.url+"/v1/"+door, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", door, resp.StatusCode)
		}
		if resp, err = http.Head(w.url + "/v1/" + door); err != nil || resp.StatusCode != 200 {
			t.Errorf("HEAD %s: %v %v", door, resp, err)
		}
		resp.Body.Close()
	}
}

// TestPruned asks a node that began with a snapshot for what was before it.
func TestPruned(t *testing.T) {
	net := chaintest.New(4, 1, chaintest.Loggers(logger), func(g *genesis.Genesis) { g.Params.EpochLength = 4 })
	from := net.Node(t)
	a := serve(t, net, from, 8)
	for epoch := range consensus.Epoch(2) {
		d, err := from.Chain.CheckpointData(epoch)
		if err == nil {
			err = from.Chain.SetCheckpoint(net.CertifyCheckpoint(d))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	to := net.Node(t)
	if err := chaintest.Begin(from, to); err != nil {
		t.Fatal(err)
	}
	w := serve(t, net, to, 0)
	const text = `{"jsonrpc":"2.0","id":null,"error":{"code":4444,"message":"pruned history unavailable: block 3 is not here: this node began with a snapshot, the first block there is is 8; ask a node that has synced by blocks"}}`
	for _, door := range []string{"blocks", "stream"} {
		if resp, body := fetch(t, w.url+"/v1/"+door+"?from=3"); resp.StatusCode != http.StatusGone || string(body) != text {
			t.Errorf("%s: %d %s", door, resp.StatusCode, body)
		}
	}
	_, whole := fetch(t, a.url+"/v1/blocks?from=8")
	if _, body := fetch(t, w.url+"/v1/blocks?from=8"); !bytes.Equal(body, whole) || len(body) < 100 {
		t.Errorf("the first block there is: %s\nwant %s", body, whole)
	}
}
