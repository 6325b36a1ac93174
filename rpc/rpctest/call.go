package rpctest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quorate/quorate/rpc"
)

// Answer is a JSON-RPC answer: one of both is set.
type Answer struct {
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Error is the error of an answer.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// String returns the result, or "code text" of the error.
func (a Answer) String() string {
	if a.Error != nil {
		return fmt.Sprintf("%d %s", a.Error.Code, a.Error.Message)
	}
	return string(a.Result)
}

// Call calls a method with its parameters, a JSON array. The answer must be one that
// the OpenRPC document promises.
func Call(t testing.TB, s *rpc.Server, method, params string) Answer {
	t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`
	said := Documented(t).Conversation()
	said.Asked([]byte(body))
	r := httptest.NewRequest("POST", "http://localhost:8545/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if _, err := said.Answered(w.Body.Bytes()); err != nil {
		t.Error(err)
	}
	var a Answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s%.200s: %v in %.500s", method, params, err, w.Body)
	}
	return a
}
