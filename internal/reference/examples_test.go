package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// example is a request with its answer, as a devnet of e2e gave it: see
// TestExamples there, which writes examples.json.
type example struct {
	Title        string            `json:"title,omitempty"` // what is special about it
	Method       string            `json:"method"`
	Params       []json.RawMessage `json:"params"`
	Result       json.RawMessage   `json:"result"`
	Error        json.RawMessage   `json:"error"`                  // instead of a result
	Notification json.RawMessage   `json:"notification,omitempty"` // the first one of a subscription
}

// key is the method, or the subscription.
func (e *example) key() string {
	if strings.HasSuffix(e.Method, "_subscribe") && len(e.Params) > 0 {
		return e.Method + "(" + string(e.Params[0]) + ")"
	}
	return e.Method
}

// examplesOf reads the recorded examples, by method.
func examplesOf(t *testing.T, a *api) map[string][]example {
	t.Helper()
	var all []example
	if err := json.Unmarshal([]byte(read(t, "examples.json")), &all); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, ns := range a.namespaces {
		for _, m := range append(append([]method{}, ns.methods...), ns.subscriptions...) {
			known[m.name] = true
		}
		known[ns.name+"_unsubscribe"] = len(ns.subscriptions) > 0
	}
	out := map[string][]example{}
	for _, e := range all {
		if !known[e.key()] {
			t.Errorf("examples.json has %s, which does not exist", e.key())
		}
		out[e.key()] = append(out[e.key()], e)
	}
	return out
}

// pairing is the Example Pairing Object.
func (e *example) pairing(params []parameter) schema {
	given := []any{}
	for i, p := range e.Params {
		name := fmt.Sprintf("argument%d", i+1)
		if i < len(params) {
			name = params[i].name
		}
		given = append(given, schema{"name": name, "value": p})
	}
	name := e.Title
	if name == "" {
		name = e.key()
	}
	if e.Error != nil { // OpenRPC has no place for an error in an example
		return schema{"name": name, "params": given, "description": "The answer is an error: " + spaced(e.Error)}
	}
	return schema{"name": name, "params": given, "result": schema{"name": "result", "value": e.Result}}
}

// exampleText shows all examples in the order of the document.
func exampleText(t *testing.T, a *api) string {
	t.Helper()
	byMethod := examplesOf(t, a)
	var b strings.Builder
	for _, ns := range a.namespaces {
		for _, m := range append(append([]method{}, ns.methods...), ns.subscriptions...) {
			for _, e := range byMethod[m.name] {
				b.WriteString(e.show())
			}
		}
		for _, e := range byMethod[ns.name+"_unsubscribe"] {
			b.WriteString(e.show())
		}
	}
	return b.String()
}

// show writes one example.
func (e *example) show() string {
	var params []string
	for _, p := range e.Params {
		params = append(params, spaced(p))
	}
	title := ""
	if e.Title != "" {
		title = ": " + e.Title
	}
	answer := pretty(e.Result)
	if e.Error != nil {
		answer = "error " + pretty(e.Error)
	}
	text := fmt.Sprintf("`%s`%s\n\n```js\n→ [%s]\n← %s\n", e.Method, title, strings.Join(params, ", "), answer)
	if e.Notification != nil {
		text += "← " + pretty(e.Notification) + "\n"
	}
	return text + "```\n\n"
}

// long is a value of which a reader needs only the beginning.
var long = regexp.MustCompile(`"(0x[0-9a-f]{16})[0-9a-f]{60,}"`)

// line is how long a value may be to stand in one line, in bytes.
const line = 100

// spaced is a value in one line.
func spaced(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return err.Error()
	}
	return long.ReplaceAllString(b.String(), `"$1…"`)
}

// pretty is a value in one line if it is short.
func pretty(raw json.RawMessage) string {
	if text := spaced(raw); len(text) <= line {
		return text
	}
	if cut := shortened(raw); cut != nil {
		raw = cut
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err.Error()
	}
	return long.ReplaceAllString(b.String(), `"$1…"`)
}

// most is how many elements of an array are shown.
const most = 3

// shortened leaves out elements of long arrays, and what is deep in the document
// of rpc_discover; nil for what is no object or array.
func shortened(raw json.RawMessage) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) == nil {
		if len(items) > most {
			items = append(items[:most:most], json.RawMessage(`"…"`))
		}
		for i := range items {
			if cut := shortened(items[i]); cut != nil {
				items[i] = cut
			}
		}
		out, err := json.Marshal(items)
		if err != nil {
			return nil
		}
		return out
	}
	return shortenedObject(raw)
}

// shortenedObject keeps the order of the members.
func shortenedObject(raw json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for n := 0; d.More(); n++ {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil
		}
		if cut := shortened(value); cut != nil {
			value = cut
		}
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// TestShortened: the order of members stays, long arrays end in a mark.
func TestShortened(t *testing.T) {
	got := string(shortened(json.RawMessage(`{"b":[1,2,3,4,5],"a":{"z":1,"y":[{}]}}`)))
	if want := `{"b":[1,2,3,"…"],"a":{"z":1,"y":[{}]}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
