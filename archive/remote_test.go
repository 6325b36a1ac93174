package archive_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quorate/quorate/archive"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/stream"
)

// TestRemote: a node that runs gives the same lines, in several answers, and an answer
// that is cut off is an error.
func TestRemote(t *testing.T) {
	a, _ := grown(t, 130)
	l := rpc.DefaultLimits()
	l.RangeBytes, l.RangeBlocks = 300_000, 60 // fewer than by default
	d, err := stream.New(stream.Deps{Chain: a.Chain, Feed: a.Chain, Certificates: a, Signer: a.Chain.Signer(), Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	answers, cut := 0, false
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answers++; !cut {
			d.Range().ServeHTTP(w, r)
			return
		}
		r.Header.Del("Accept-Encoding")
		whole := httptest.NewRecorder()
		d.Range().ServeHTTP(whole, r)
		text := whole.Body.Bytes()
		_, _ = w.Write(text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1]) // without its last line
	}))
	defer web.Close()
	source := &archive.Remote{URL: web.URL, Client: web.Client()}
	head, err := source.Head(t.Context())
	if err != nil || head != 130 {
		t.Fatal(head, err)
	}
	var got, want bytes.Buffer
	if err := archive.WriteLines(t.Context(), &got, source, 0, head, nil); err != nil {
		t.Fatal(err)
	}
	a.export(t, "ndjson", 0, &want)
	if !bytes.Equal(got.Bytes(), want.Bytes()) || answers < 3 {
		t.Errorf("another file, in %d answers", answers)
	}
	if err := archive.WriteLines(t.Context(), &got, source, 999, 999, nil); err == nil || !strings.Contains(err.Error(), "the head is block 130") {
		t.Errorf("above the head: %v", err)
	}
	for _, to := range []uint64{5, 69, 130} {
		got.Reset()
		if err := archive.WriteLines(t.Context(), &got, source, 5, to, nil); err != nil || bytes.Count(got.Bytes(), []byte{'\n'}) != int(to-4) {
			t.Errorf("blocks 5 to %d: %d, %v", to, bytes.Count(got.Bytes(), []byte{'\n'}), err)
		}
	}
	cut = true
	if err := archive.WriteLines(t.Context(), &got, source, 1, head, nil); err == nil || !strings.Contains(err.Error(), "the answer was cut off") {
		t.Errorf("cut off: %v", err)
	}
}
