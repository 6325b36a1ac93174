package e2e

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quorate/quorate/rpc/discover"
	"github.com/quorate/quorate/rpc/rpctest"
)

// schemas are the shapes that answers are held to: those of the document that
// nodes serve at rpc_discover, see TestExamples.
var schemas = sync.OnceValues(func() (*rpctest.Schemas, error) {
	document, err := discover.Document("")
	if err != nil {
		return nil, err
	}
	return rpctest.NewSchemas(document)
})

// validated counts the answers and notifications that were checked.
var validated atomic.Int64

// conversation begins the check of what is said over one connection.
func conversation(t testing.TB) *rpctest.Conversation {
	t.Helper()
	s, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	return s.Conversation()
}

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
	t    testing.TB
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (v *validating) RoundTrip(r *http.Request) (*http.Response, error) {
	said := conversation(v.t)
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
		r.Body = io.NopCloser(bytes.NewReader(body))
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
