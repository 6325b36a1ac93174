package genesis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Limits of a document, tested before anything is built from it.
const (
	// MaxDocumentBytes bounds the file: 256 MiB hold about two million
	// accounts.
	MaxDocumentBytes = 256 << 20
	// maxDepth bounds nesting; the format itself needs four levels.
	maxDepth = 16
)

// node is one JSON value with the place where it stands. encoding/json keeps
// neither lines nor doubled keys, which is why the document is read into this
// first.
type node struct {
	line    int
	value   any      // string, json.Number, bool, nil; of objects and arrays the opening json.Delim
	members []member // object, in order
	items   []*node  // array
}

type member struct {
	key  string
	line int
	node *node
}

func (n *node) isObject() bool { return n.value == json.Delim('{') }
func (n *node) isArray() bool  { return n.value == json.Delim('[') }

// kind names the JSON type for error texts.
func (n *node) kind() string {
	switch n.value.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case nil:
		return "null"
	}
	if n.isArray() {
		return "a list"
	}
	return "an object"
}

type treeReader struct {
	data []byte
	dec  *json.Decoder
	line int // line at offset at
	at   int64
}

// readTree reads one JSON value and nothing after it.
func readTree(data []byte) (*node, error) {
	if len(data) > MaxDocumentBytes {
		return nil, Problems{{Text: fmt.Sprintf("%d bytes: at most %d are read", len(data), MaxDocumentBytes)}}
	}
	r := &treeReader{data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err == nil {
		if _, extra := r.dec.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("more text after the end of the document")
		}
	}
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the document ends too early")
	}
	return nil, Problems{{Line: r.here(), Text: "not valid JSON: " + err.Error()}}
}

// here returns the line of the last token.
func (r *treeReader) here() int {
	end := min(r.dec.InputOffset(), int64(len(r.data)))
	if end > r.at {
		r.line += bytes.Count(r.data[r.at:end], []byte{'\n'})
		r.at = end
	}
	return r.line
}

func (r *treeReader) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	tok, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	n := &node{line: r.here(), value: tok}
	switch tok {
	case json.Delim('{'):
		err = r.object(n, depth)
	case json.Delim('['):
		err = r.array(n, depth)
	}
	return n, err
}

func (r *treeReader) object(n *node, depth int) error {
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return err
		}
		m := member{key: key.(string), line: r.here()} // the decoder lets nothing else stand here
		if m.node, err = r.value(depth + 1); err != nil {
			return err
		}
		n.members = append(n.members, m)
	}
	_, err := r.dec.Token()
	return err
}

func (r *treeReader) array(n *node, depth int) error {
	for r.dec.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := r.dec.Token()
	return err
}
