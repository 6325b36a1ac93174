package e2e

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quorate/quorate/rpc/rpctest"
)

// validated counts the answers and notifications that were checked.
var validated atomic.Int64

// heard checks a message from a node. Whatever comes when the test is over says
// nothing any more.
func heard(t testing.TB, said *rpctest.Conversation, message []byte) {
	t.Helper()
	checked, err := said.Answered(message)
	validated.Add(int64(checked))
	if err != nil && t.Context().Err() == nil {
		t.Errorf("%v", err)
	}
}

// validating checks every JSON-RPC answer that it lets through.
type validating struct {
	t       testing.TB
	schemas *rpctest.Schemas
	next    http.RoundTripper
}

func validate(t testing.TB, next http.RoundTripper) *validating {
	return &validating{t, rpctest.Documented(t), next}
}

// RoundTrip implements http.RoundTripper.
func (v *validating) RoundTrip(r *http.Request) (*http.Response, error) {
	said := v.schemas.Conversation()
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, err
		}
		said.Asked(body)
		r = r.Clone(r.Context())
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil } // a connection may have been closed meanwhile
		r.Body, _ = r.GetBody()
	}
	resp, err := v.next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil { // the node was killed meanwhile
		return nil, err
	}
	if len(bytes.TrimSpace(body)) > 0 { // of notifications there is none
		heard(v.t, said, body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
