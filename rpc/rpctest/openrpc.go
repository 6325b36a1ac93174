package rpctest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/quorate/quorate/rpc/discover"
)

// Schemas are the shapes of an OpenRPC document, ready to check values with. Safe
// for concurrent use.
type Schemas struct {
	params  map[string][]*jsonschema.Schema
	results map[string]*jsonschema.Schema // also of notifications, as eth_subscribe("logs")
	codes   []int
}

var documented = sync.OnceValues(func() (*Schemas, error) {
	raw, err := discover.Document("")
	if err != nil {
		return nil, err
	}
	return NewSchemas(raw)
})

// Documented returns the schemas of the document that nodes serve at rpc_discover.
func Documented(t testing.TB) *Schemas {
	t.Helper()
	s, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document is what is read of an OpenRPC document.
type document struct {
	Methods []struct {
		Name          string     `json:"name"`
		Params        []struct{} `json:"params"`
		Subscriptions []struct {
			Name   string     `json:"name"`
			Params []struct{} `json:"params"`
		} `json:"x-subscriptions"`
	} `json:"methods"`
	Components struct {
		Errors map[string]struct {
			Code int `json:"code"`
		} `json:"errors"`
	} `json:"components"`
}

// NewSchemas compiles the schemas of a document.
func NewSchemas(raw []byte) (*Schemas, error) {
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	const url = "openrpc.json"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7) // as OpenRPC says
	if err := c.AddResource(url, whole); err != nil {
		return nil, err
	}
	s := &Schemas{params: map[string][]*jsonschema.Schema{}, results: map[string]*jsonschema.Schema{}}
	compile := func(name, at, result string, params int) error {
		for i := range params {
			p, err := c.Compile(fmt.Sprintf("%s#%s/params/%d/schema", url, at, i))
			if err != nil {
				return err
			}
			s.params[name] = append(s.params[name], p)
		}
		s.results[name], err = c.Compile(url + "#" + at + "/" + result + "/schema")
		return err
	}
	for i, m := range doc.Methods {
		at := "/methods/" + strconv.Itoa(i)
		if err := compile(m.Name, at, "result", len(m.Params)); err != nil {
			return nil, err
		}
		for k, sub := range m.Subscriptions {
			if err := compile(Subscription(m.Name, sub.Name), at+"/x-subscriptions/"+strconv.Itoa(k), "notification", len(sub.Params)); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range doc.Components.Errors {
		s.codes = append(s.codes, e.Code)
	}
	return s, nil
}

// Subscription is how the notifications of a subscription are called here:
// eth_subscribe("logs").
func Subscription(method, name string) string { return method + "(" + strconv.Quote(name) + ")" }

// Names returns all methods, and the subscriptions, in order.
func (s *Schemas) Names() []string {
	var out []string
	for name := range s.results {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Result checks the result of a method, or what a subscription notifies of.
func (s *Schemas) Result(name string, raw []byte) error {
	schema := s.results[name]
	if schema == nil {
		return fmt.Errorf("%s is not in the document", name)
	}
	return check(schema, raw)
}

// Params checks the parameters of a method, or those of a subscription behind its
// name.
func (s *Schemas) Params(name string, params []json.RawMessage) error {
	schemas := s.params[name]
	if len(params) > len(schemas) {
		return fmt.Errorf("%s has %d parameters, these are %d", name, len(schemas), len(params))
	}
	for i, p := range params {
		if err := check(schemas[i], p); err != nil {
			return fmt.Errorf("parameter %d: %w", i, err)
		}
	}
	return nil
}

func check(schema *jsonschema.Schema, raw []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// Answer checks what a method was answered with; one of result and error is nil.
func (s *Schemas) Answer(name string, result, failure json.RawMessage) error {
	if failure != nil {
		return s.failure(name, failure)
	}
	return s.Result(name, result)
}

// failure checks an error that a method was answered with; its code must be one
// that the document knows.
func (s *Schemas) failure(method string, raw json.RawMessage) error {
	var e struct {
		Code    *int            `json:"code"`
		Message *string         `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := strict(raw, &e); err != nil {
		return err
	}
	if e.Code == nil || e.Message == nil || *e.Message == "" {
		return fmt.Errorf("code or message is missing")
	}
	if !slices.Contains(s.codes, *e.Code) {
		return fmt.Errorf("the code %d is not in the document", *e.Code)
	}
	if method != "" && s.results[method] == nil && *e.Code != codeNoMethod {
		return fmt.Errorf("%s is not in the document, so the code should be %d", method, codeNoMethod)
	}
	if method != "" && s.results[method] != nil && *e.Code == codeNoMethod && !strings.Contains(method, "subscribe") {
		return fmt.Errorf("%s is in the document, but does not exist", method)
	}
	return nil
}

// codeNoMethod is JSON-RPC's code for a method that does not exist.
const codeNoMethod = -32601

// strict decodes an object that has no other members.
func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
