package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFileBytes bounds config.toml; a long list of peers has a few kilobytes.
const maxFileBytes = 1 << 20

// fileValue is one key of a TOML file, with its value as text.
type fileValue struct {
	key   string
	line  int
	texts []string
	list  bool
	err   error // of the value's type
}

// readTOML returns the keys in the order of the file.
func readTOML(data []byte) ([]fileValue, error) {
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("%d bytes: at most %d are read", len(data), maxFileBytes)
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, _ := de.Position()
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		return nil, err
	}
	lines := keyLines(data)
	var out []fileValue
	flatten("", tree, func(key string, value any) {
		v := fileValue{key: key, line: lines[key]}
		v.texts, v.list, v.err = textsOf(value)
		out = append(out, v)
	})
	slices.SortFunc(out, func(a, b fileValue) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return strings.Compare(a.key, b.key)
	})
	return out, nil
}

// flatten calls each for every value that is no table.
func flatten(prefix string, tree map[string]any, each func(key string, value any)) {
	for k, v := range tree { // the caller sorts
		if sub, ok := v.(map[string]any); ok {
			flatten(prefix+k+".", sub, each)
			continue
		}
		each(prefix+k, v)
	}
}

// textsOf turns a TOML value into text form.
func textsOf(v any) (out []string, list bool, err error) {
	items, list := v.([]any)
	if !list {
		items = []any{v}
	}
	out = make([]string, 0, len(items))
	for _, item := range items {
		switch x := item.(type) {
		case string:
			out = append(out, x)
		case int64:
			out = append(out, strconv.FormatInt(x, 10))
		default:
			return nil, list, fmt.Errorf("%v is neither a string nor a whole number", x)
		}
	}
	return out, list, nil
}

// keyLines returns the line of every key of a well-formed document.
func keyLines(data []byte) map[string]int {
	out := make(map[string]int)
	var p unstable.Parser
	p.Reset(data)
	prefix := ""
	for p.NextExpression() {
		e := p.Expression()
		var parts []string
		line := 0
		for it := e.Key(); it.Next(); {
			parts = append(parts, string(it.Node().Data))
			line = p.Shape(it.Node().Raw).Start.Line
		}
		key := strings.Join(parts, ".")
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			prefix = key + "."
			out[key] = line
		case unstable.KeyValue:
			out[prefix+key] = line
		}
	}
	return out
}

// Encode returns a configuration file with the given values, by setting key;
// each is preceded by what it means.
func Encode(values map[string][]string) []byte {
	var b bytes.Buffer
	b.WriteString("# A Quorate node. Everything left out has its default: quorate config show --dir .\n")
	table := ""
	for _, s := range settings {
		v, ok := values[s.Key]
		if !ok {
			continue
		}
		key := s.Key
		if t, rest, dotted := strings.Cut(s.Key, "."); dotted {
			if t != table {
				fmt.Fprintf(&b, "\n[%s]\n", t)
				table = t
			}
			key = rest
		}
		fmt.Fprintf(&b, "# %s\n%s = %s\n", s.Usage, key, s.literal(v))
	}
	return b.Bytes()
}

// literal returns the TOML form of a value.
func (s Setting) literal(v []string) string {
	if s.List {
		quoted := make([]string, len(v))
		for i := range v {
			quoted[i] = strconv.Quote(v[i])
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	if _, err := strconv.ParseUint(s.Default, 10, 63); err == nil {
		return v[0]
	}
	return strconv.Quote(v[0])
}

// SetInFile returns data with the given values changed or added, everything
// else as it was. A value must stand on one line, as Encode writes it.
func SetInFile(data []byte, values map[string][]string) ([]byte, error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for _, s := range settings {
		if v, ok := values[s.Key]; ok {
			lines = setLine(lines, s, s.literal(v), keyLines([]byte(strings.Join(lines, "\n"))))
		}
	}
	out := []byte(strings.Join(lines, "\n") + "\n")
	got, err := readTOML(out)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be changed automatically, its form is unusual: %w", FileName, err)
	}
	for _, s := range settings {
		want, ok := values[s.Key]
		if ok && !slices.ContainsFunc(got, func(v fileValue) bool { return v.key == s.Key && slices.Equal(v.texts, want) }) {
			return nil, fmt.Errorf("%s cannot be changed automatically: set %s to %s by hand", FileName, s.Key, strings.Join(want, ","))
		}
	}
	return out, nil
}

// setLine replaces the line of a setting, or adds one to its table.
func setLine(lines []string, s Setting, literal string, at map[string]int) []string {
	table, key, dotted := strings.Cut(s.Key, ".")
	if !dotted {
		table, key = "", s.Key
	}
	text := key + " = " + literal
	if n := at[s.Key]; n > 0 {
		lines[n-1] = text
		return lines
	}
	if table == "" {
		return slices.Insert(lines, 0, text)
	}
	if n := at[table]; n > 0 {
		return slices.Insert(lines, n, text)
	}
	return append(lines, "", "["+table+"]", text)
}
