package rpctest

import (
	"strings"
	"testing"
)

const small = `{
	"methods": [
		{"name": "a_number", "params": [{"schema": {"type": "string"}}], "result": {"schema": {"$ref": "#/components/schemas/N"}}},
		{"name": "a_subscribe", "params": [], "result": {"schema": {"type": "string"}},
			"x-subscriptions": [{"name": "numbers", "params": [], "notification": {"schema": {"$ref": "#/components/schemas/N"}}}]}
	],
	"components": {
		"schemas": {"N": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false}},
		"errors": {"Server": {"code": -32000}, "NoMethod": {"code": -32601}}
	}
}`

// TestConversation: what is right passes, and each kind of mistake is found.
func TestConversation(t *testing.T) {
	s, err := NewSchemas([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	const number = `{"jsonrpc":"2.0","id":1,"method":"a_number","params":["x"]}`
	for _, c := range []struct{ asked, answered, wrong string }{
		{number, `{"jsonrpc":"2.0","id":1,"result":{"n":1}}`, ""},
		{number, `{"jsonrpc":"2.0","id":1,"result":{"n":"1"}}`, "got string, want integer"},
		{number, `{"jsonrpc":"2.0","id":1,"result":{}}`, "missing property 'n'"},
		{number, `{"jsonrpc":"2.0","id":1,"result":{"n":1,"m":1}}`, "additional properties 'm'"},
		{number, `{"jsonrpc":"2.0","id":1,"result":null}`, "got null, want object"},
		{number, `{"jsonrpc":"2.0","id":1}`, "want jsonrpc 2.0, and result or error"},
		{number, `{"id":1,"result":{"n":1}}`, "want jsonrpc 2.0"},
		{number, `{"jsonrpc":"2.0","id":1,"result":{"n":1},"more":1}`, `unknown field "more"`},
		{number, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}`, ""},
		{number, `{"jsonrpc":"2.0","id":1,"error":{"code":-7,"message":"no"}}`, "the code -7 is not in the document"},
		{number, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000}}`, "code or message is missing"},
		{number, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}`, "but does not exist"},
		{`{"jsonrpc":"2.0","id":1,"method":"b"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}`, ""},
		{`{"jsonrpc":"2.0","id":1,"method":"b"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}`, "so the code should be -32601"},
		{`{"jsonrpc":"2.0","id":1,"method":"b"}`, `{"jsonrpc":"2.0","id":1,"result":1}`, "b is not in the document"},
		{"[" + number + `,{"jsonrpc":"2.0","id":2,"method":"a_number"}]`, `[{"jsonrpc":"2.0","id":2,"result":{"n":1}},{"jsonrpc":"2.0","id":1,"result":1}]`, "want object"},
		{`garbage`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}`, ""},
	} {
		said := s.Conversation()
		said.Asked([]byte(c.asked))
		checked, err := said.Answered([]byte(c.answered))
		if checked == 0 || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s\n%s\n%d checked, %v, want %q", c.asked, c.answered, checked, err, c.wrong)
		}
	}
}

// TestNotifications are checked by what was subscribed to.
func TestNotifications(t *testing.T) {
	s, err := NewSchemas([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	said := s.Conversation()
	said.Asked([]byte(`{"jsonrpc":"2.0","id":1,"method":"a_subscribe","params":["numbers"]}`))
	for _, c := range []struct{ message, wrong string }{
		{`{"jsonrpc":"2.0","method":"a_subscription","params":{"subscription":"0x1","result":{"n":1}}}`, "that nobody has"},
		{`{"jsonrpc":"2.0","id":1,"result":"0x1"}`, ""},
		{`{"jsonrpc":"2.0","method":"a_subscription","params":{"subscription":"0x1","result":{"n":1}}}`, ""},
		{`{"jsonrpc":"2.0","method":"a_subscription","params":{"subscription":"0x1","result":{"n":false}}}`, "want integer"},
		{`{"jsonrpc":"2.0","method":"a_subscription","params":{"subscription":"0x2","result":{"n":1}}}`, "that nobody has"},
	} {
		if _, err := said.Answered([]byte(c.message)); (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", c.message, err, c.wrong)
		}
	}
}
