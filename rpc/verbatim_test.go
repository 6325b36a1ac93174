package rpc

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestTickets: a ticket stands for its value once, in the result of a notification and
// nowhere else, and not after it was closed.
func TestTickets(t *testing.T) {
	with := func() (*Verbatim, string) {
		v := &Verbatim{json: []byte(`{"a":1}`), ticket: tickets.next(), written: make(chan struct{})}
		tickets.open.Store(v.ticket, v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return v, string(text)
	}
	const params = `{"subscription":"0x1","result":%s}`
	v, text := with()
	m := message{Method: "pbft_subscription", Params: fmt.Appendf(nil, params, text)}
	if got, before := m.verbatim(); got != v || string(before) != `{"subscription":"0x1","result":` {
		t.Errorf("%v, %s", got, before)
	}
	if got, _ := m.verbatim(); got != nil {
		t.Error("a ticket is good twice")
	}
	v, text = with()
	for name, m := range map[string]message{
		"in an answer":      {ID: json.RawMessage("1"), Params: fmt.Appendf(nil, params, text)},
		"in a list":         {Params: fmt.Appendf(nil, `{"result":[%s]}`, text)},
		"as something else": {Params: fmt.Appendf(nil, `{"value":%s}`, text)},
		"with other digits": {Params: fmt.Appendf(nil, params, `"`+strings.Repeat("f", len(text)-2)+`"`)},
		"unknown":           {Params: fmt.Appendf(nil, params, `"`+tickets.secret+`ffffffffffffffff"`)},
		"empty":             {Params: json.RawMessage(`{}`)},
	} {
		if got, _ := m.verbatim(); got != nil {
			t.Errorf("%s: taken", name)
		}
	}
	v.Close()
	if got, _ := (message{Params: fmt.Appendf(nil, params, text)}).verbatim(); got != nil {
		t.Error("taken after Close")
	}
}
