package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// schema is a JSON Schema of draft 7, or a piece of an OpenRPC document.
type schema = map[string]any

// shape is what a value is in JSON: for a validator, and in words for a reader.
type shape struct {
	schema schema
	word   string
}

// part is a named shape. One of Schema, Is and Members says what it is: a schema,
// an expression, or an object's members and their expressions. A member whose
// name ends in ? may be left out; those of extends are added, its own win.
type part struct {
	Title   string            `json:"title"` // its word; "": `{its, members}`
	Schema  schema            `json:"schema"`
	Is      string            `json:"is"`
	Extends string            `json:"extends"`
	Members map[string]string `json:"members"`
	Open    bool              `json:"open"` // has members that are not named here
}

// catalog has all named shapes: those of components.json, and the Go types that
// it was asked for. Only what is used gets into the document.
type catalog struct {
	t       *testing.T
	parts   map[string]*part
	types   map[string]reflect.Type // component → Go type
	schemas map[string]schema       // used
	titles  map[string]string       // of used Go types
}

func newCatalog(t *testing.T) *catalog {
	t.Helper()
	c := &catalog{t: t, parts: map[string]*part{}, types: map[string]reflect.Type{}, schemas: map[string]schema{}, titles: map[string]string{}}
	if err := json.Unmarshal([]byte(read(t, "components.json")), &c.parts); err != nil {
		t.Fatal(err)
	}
	for _, rt := range spoken {
		c.types[componentName(rt)] = rt
	}
	return c
}

// unused fails for components that nothing needs.
func (c *catalog) unused() {
	c.t.Helper()
	base := map[string]bool{}
	for _, p := range c.parts {
		base[p.Extends] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.parts)) {
		if c.schemas[name] == nil && !base[name] {
			c.t.Errorf("components.json has %s, which nothing needs", name)
		}
	}
}

// primitives are the types of JSON.
var primitives = map[string]shape{
	"any":     {schema{}, "anything"},
	"boolean": {schema{"type": "boolean"}, "boolean"},
	"integer": {schema{"type": "integer"}, "number"},
	"null":    {schema{"type": "null"}, "null"},
	"number":  {schema{"type": "number"}, "number"},
	"string":  {schema{"type": "string"}, "string"},
}

// expr reads an expression:
//
//	Name     a component or a type of JSON     'x'      exactly x
//	[E]      an array                          {K: E}   an object with any keys K
//	E?       E or null                         E | E    one or the other
func (c *catalog) expr(text string) shape {
	c.t.Helper()
	p := &reader{c: c, rest: text}
	out := p.either()
	if p.next(); p.rest != "" {
		c.t.Fatalf("%q: %q is too much", text, p.rest)
	}
	return out
}

type reader struct {
	c    *catalog
	rest string
}

// next skips spaces and tells what follows, 0 at the end.
func (p *reader) next() byte {
	if p.rest = strings.TrimLeft(p.rest, " "); p.rest == "" {
		return 0
	}
	return p.rest[0]
}

// take reads a mark that must be there.
func (p *reader) take(mark byte) {
	if p.next() != mark {
		p.c.t.Fatalf("%q where %q is due", p.rest, mark)
	}
	p.rest = p.rest[1:]
}

func (p *reader) either() shape {
	all := []shape{p.nullable()}
	for p.next() == '|' {
		p.take('|')
		all = append(all, p.nullable())
	}
	return anyOf(all...)
}

func (p *reader) nullable() shape {
	s := p.one()
	if p.next() == '?' {
		p.take('?')
		return anyOf(s, primitives["null"])
	}
	return s
}

func (p *reader) one() shape {
	switch p.next() {
	case '[':
		p.take('[')
		item := p.either()
		p.take(']')
		return list(item)
	case '{':
		p.take('{')
		key := p.either()
		p.take(':')
		value := p.either()
		p.take('}')
		return table(key, value)
	case '\'':
		p.take('\'')
		return p.constant()
	}
	n := 0
	for n < len(p.rest) && !strings.ContainsRune(" |?[]{}:'", rune(p.rest[n])) {
		n++
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return p.c.named(name)
}

func (p *reader) constant() shape {
	text, rest, ok := strings.Cut(p.rest, "'")
	if !ok {
		p.c.t.Fatalf("%q has no end", p.rest)
	}
	p.rest = rest
	if text == "false" || text == "true" {
		return shape{schema{"const": text == "true"}, text}
	}
	return shape{schema{"const": text}, text}
}

func anyOf(all ...shape) shape {
	if len(all) == 1 {
		return all[0]
	}
	var schemas []any
	var texts []string
	for _, s := range all {
		schemas, texts = append(schemas, s.schema), append(texts, s.word)
	}
	last := len(texts) - 1
	return shape{schema{"anyOf": schemas}, strings.Join(texts[:last], ", ") + " or " + texts[last]}
}

func list(item shape) shape {
	return shape{schema{"type": "array", "items": item.schema}, "array of " + plural(item.word)}
}

func table(key, value shape) shape {
	return shape{
		schema{"type": "object", "propertyNames": key.schema, "additionalProperties": value.schema},
		"object of " + plural(value.word) + " by " + key.word,
	}
}

// plural is for the words that occur here.
func plural(word string) string {
	head, tail, found := strings.Cut(word, " of ")
	if found {
		return plural(head) + " of " + tail
	}
	if first, second, two := strings.Cut(word, " or "); two {
		return plural(first) + " or " + plural(second)
	}
	switch {
	case strings.HasPrefix(word, "`"), strings.HasSuffix(word, "data"), word == "evidence", word == "anything", strings.HasSuffix(word, "overrides"):
		return word
	case strings.HasSuffix(word, "s"), strings.HasSuffix(word, "sh"):
		return word + "es"
	case strings.HasSuffix(word, "ty"):
		return strings.TrimSuffix(word, "y") + "ies"
	}
	return word + "s"
}

// named refers to a component, and enters it.
func (c *catalog) named(name string) shape {
	if s, ok := primitives[name]; ok {
		return s
	}
	ref := schema{"$ref": "#/components/schemas/" + name}
	if p := c.parts[name]; p != nil {
		if c.schemas[name] == nil {
			c.schemas[name] = schema{} // it may refer to itself
			c.schemas[name] = c.expand(p)
		}
		return shape{ref, c.title(p)}
	}
	rt, ok := c.types[name]
	if !ok {
		c.t.Fatalf("no component is named %q", name)
	}
	return c.object(rt, true)
}

// title is the word of a part.
func (c *catalog) title(p *part) string {
	if p.Title != "" {
		return p.Title
	}
	return braces(slices.Sorted(maps.Keys(c.members(p))))
}

// braces names the members of an object, those that may be missing with a ?.
func braces(names []string) string { return "`{" + strings.Join(names, ", ") + "}`" }

// members are those of a part, with those of what it extends. A key is without ?
// where the part itself says so.
func (c *catalog) members(p *part) map[string]string {
	out := map[string]string{}
	if p.Extends != "" {
		base, ok := c.parts[p.Extends]
		if !ok {
			c.t.Fatalf("no component is named %q", p.Extends)
		}
		out = c.members(base)
	}
	for name, text := range p.Members {
		delete(out, strings.TrimSuffix(name, "?"))
		delete(out, name+"?")
		out[name] = text
	}
	return out
}

// expand makes the schema of a part.
func (c *catalog) expand(p *part) schema {
	out := maps.Clone(p.Schema)
	switch {
	case p.Is != "":
		out = maps.Clone(c.expr(p.Is).schema)
	case out == nil:
		properties, required := schema{}, []string{}
		for _, name := range slices.Sorted(maps.Keys(c.members(p))) {
			plain, optional := strings.CutSuffix(name, "?")
			properties[plain] = c.expr(c.members(p)[name]).schema
			if !optional {
				required = append(required, plain)
			}
		}
		out = closed(properties, required, p.Open)
	}
	if p.Title != "" {
		out["title"] = strings.ReplaceAll(p.Title, "`", "")
	}
	return out
}

// closed is an object with these members and, unless it is open, no others.
func closed(properties schema, required []string, open bool) schema {
	out := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	if !open {
		out["additionalProperties"] = false
	}
	return out
}

// TestExpressions: an expression that means something else would let every
// answer pass.
func TestExpressions(t *testing.T) {
	c := newCatalog(t)
	for _, row := range []struct{ text, word, schema string }{
		{"Hash", "hash", `{"$ref":"#/components/schemas/Hash"}`},
		{"[ Hash? ]", "array of hashes or nulls", `{"items":{"anyOf":[{"$ref":"#/components/schemas/Hash"},{"type":"null"}]},"type":"array"}`},
		{"{Hash: [Data]}", "object of arrays of data by hash", `{"additionalProperties":{"items":{"$ref":"#/components/schemas/Data"},"type":"array"},"propertyNames":{"$ref":"#/components/schemas/Hash"},"type":"object"}`},
		{"'0x1' | string", "0x1 or string", `{"anyOf":[{"const":"0x1"},{"type":"string"}]}`},
		{"'false'", "false", `{"const":false}`},
	} {
		got := c.expr(row.text)
		raw, err := json.Marshal(got.schema)
		if err != nil {
			t.Fatal(err)
		}
		if got.word != row.word || string(raw) != row.schema {
			t.Errorf("%s: %q, %s", row.text, got.word, raw)
		}
	}
	c.expr("OtsBlock")
	block := c.schemas["OtsBlock"]
	if p := fmt.Sprint(block["properties"].(schema)["logsBloom"]); p != "map[type:null]" || block["additionalProperties"] != false || !slices.Contains(block["required"].([]string), "parentHash") {
		t.Errorf("OtsBlock: %v", block)
	}
}
