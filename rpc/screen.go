package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/quorate/quorate/rpc/access"
)

// call is one call of a request, as go-ethereum's server reads it.
type call struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// screen returns the request with every call that judge refuses turned into one
// of rpc_refused, which answers with the error: in its place in a batch, with its
// id. The calls are written anew from what was judged, so that another parser
// cannot find another method in the same bytes. What is no JSON stays: the server
// says so.
func screen(body []byte, judge func(method string) *Error) []byte {
	var syntax *json.SyntaxError
	if len(body) == 0 || body[0] != '[' {
		var c call
		if err := json.Unmarshal(body, &c); errors.As(err, &syntax) {
			return body
		}
		return c.append(nil, judge)
	}
	var calls []call
	if err := json.Unmarshal(body, &calls); errors.As(err, &syntax) {
		return body
	}
	out := append(make([]byte, 0, len(body)+16), '[')
	for i := range calls {
		if i > 0 {
			out = append(out, ',')
		}
		out = calls[i].append(out, judge)
	}
	return append(out, ']')
}

// append writes the call, or its refusal. One without a method is an invalid
// request, whatever else it has, and is left to the server.
func (c *call) append(out []byte, judge func(method string) *Error) []byte {
	method, params := c.Method, c.Params
	if method != "" {
		if refused := judge(method); refused != nil {
			method, params = "rpc_refused", refused.params()
		}
	}
	out = append(out, '{')
	if c.Version == "2.0" {
		out = append(out, `"jsonrpc":"2.0"`...)
	}
	for _, member := range []struct {
		name  string
		value []byte
	}{{"id", c.ID}, {"method", quoted(method)}, {"params", params}} {
		if len(member.value) == 0 {
			continue
		}
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, member.name), ':')
		out = append(out, member.value...)
	}
	return append(out, '}')
}

// refusal returns a request whose answer is the error, in the place of one that is
// not even parsed. It has the id of the first call that has one, as go-ethereum's
// server does it: a client that waits for ids would else wait for ever. Of a batch,
// at most so many calls are looked at; without an id there, it is null.
func refusal(body []byte, look int, refused *Error) []byte {
	c := call{Version: "2.0", ID: json.RawMessage("null"), Method: "rpc_refused", Params: refused.params()}
	parser := json.NewDecoder(bytes.NewReader(body))
	batch := body[0] == '['
	if batch {
		_, _ = parser.Token() // the bracket
	}
	var syntax *json.SyntaxError
	for found := false; look > 0 && !found && parser.More(); look-- {
		var next call
		if errors.As(parser.Decode(&next), &syntax) {
			break
		}
		if found = len(next.ID) > 0 && next.ID[0] != '{' && next.ID[0] != '['; found {
			c.ID = next.ID
		}
	}
	out := c.append(nil, func(string) *Error { return nil })
	if batch {
		out = append(append([]byte{'['}, out...), ']')
	}
	return out
}

// quoted returns a string as JSON, nothing for nothing.
func quoted(s string) []byte {
	if s == "" {
		return nil
	}
	out, err := json.Marshal(s)
	if err != nil { // a string always can
		return nil
	}
	return out
}

// params are those of rpc_refused.
func (e *Error) params() json.RawMessage {
	return append(append(append(strconv.AppendInt([]byte{'['}, int64(e.Code), 10), ','), quoted(e.Message)...), ']')
}

// refusals answers the calls that screen has turned into its own. A client that
// calls it gets back the error that it sends.
type refusals struct{}

// Refused returns the error.
func (refusals) Refused(_ context.Context, code int, message string) error {
	return &Error{Code: code, Message: message}
}

// permitted judges by what a caller may do.
func permitted(c *access.Caller) func(method string) *Error {
	return func(method string) *Error {
		if c.Allows(method) {
			return nil
		}
		if len(method) > maxMethodText {
			method = method[:maxMethodText] + "…"
		}
		return &Error{Code: CodeUnauthorized, Message: c.Denied(method)}
	}
}

// maxMethodText bounds how much of a refused method its error repeats, in bytes.
const maxMethodText = 64
