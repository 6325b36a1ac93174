package genesis

import (
	"fmt"
	"strings"
)

// Problem is one fault of a document.
type Problem struct {
	Line int    `json:"line,omitempty"` // from 1; 0 = unknown
	Path string `json:"path"`           // JSON place, as in validators[1].address; "" = the whole document
	Text string `json:"text"`           // what is wrong, and what would be right
}

// String returns "line 12: validators[1].address: text".
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	return b.String() + p.Text
}

// Problems are all faults of a document, in the order of the document. It is
// the error that Parse and Validate return.
type Problems []Problem

// maxShown bounds the text of an error: whoever has more problems has one
// mistake many times.
const maxShown = 200

// Error returns one line per problem, up to a bound.
func (ps Problems) Error() string {
	lines := make([]string, 0, min(len(ps), maxShown+1))
	for i, p := range ps {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("… and %d more", len(ps)-maxShown))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func (ps *Problems) add(path, format string, args ...any) {
	*ps = append(*ps, Problem{Path: path, Text: fmt.Sprintf(format, args...)})
}

// has reports whether a problem stands at path or above it, so that a check
// of values does not complain about what could not even be read.
func (ps Problems) has(path string) bool {
	for _, p := range ps {
		if p.Path == path || strings.HasPrefix(path, p.Path+".") || strings.HasPrefix(path, p.Path+"[") {
			return true
		}
	}
	return false
}

// err returns nil when there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
