package genesis

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/internal/suggest"
)

// decoder walks the tree and gathers every problem on the way. A value that
// cannot be read is left zero.
type decoder struct {
	problems Problems
	lines    map[string]int
}

func newDecoder() *decoder { return &decoder{lines: make(map[string]int)} }

// located returns the problems with their lines, in the order of the document,
// or nil.
func (d *decoder) located() error {
	for i := range d.problems {
		d.problems[i].Line = d.lineOf(d.problems[i].Path)
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int { return a.Line - b.Line })
	return d.problems.err()
}

// lineOf returns the line of a place, or of the nearest one around it.
func (d *decoder) lineOf(path string) int {
	for {
		if line, ok := d.lines[path]; ok || path == "" {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// field is one key of an object and what reads it.
type field struct {
	key      string
	required bool
	read     func(n *node, path string)
}

// object reads the fields that are there; it reports doubled, unknown and
// missing ones.
func (d *decoder) object(n *node, path string, fields ...field) {
	if !n.isObject() {
		d.problems.add(path, "is %s, an object is expected", n.kind())
		return
	}
	seen := make(map[string]bool, len(n.members))
	for _, m := range n.members {
		at := join(path, m.key)
		if seen[m.key] {
			d.problems.add(at, "stands twice, again at line %d", m.line)
			continue
		}
		seen[m.key] = true
		d.lines[at] = m.line
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == m.key })
		if i < 0 {
			d.problems.add(at, "unknown key%s", suggest.Hint(m.key, keysOf(fields)))
			continue
		}
		fields[i].read(m.node, at)
	}
	for _, f := range fields {
		if f.required && !seen[f.key] {
			d.problems.add(join(path, f.key), "is missing")
		}
	}
}

func keysOf(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.key
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// list calls each for every item.
func (d *decoder) list(n *node, path string, each func(n *node, path string)) {
	if !n.isArray() {
		d.problems.add(path, "is %s, a list is expected", n.kind())
		return
	}
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.line
		each(item, at)
	}
}

// text reads a string into to.
func (d *decoder) text(to *string) func(*node, string) {
	return func(n *node, path string) {
		s, ok := n.value.(string)
		if !ok {
			d.problems.add(path, "is %s, a string is expected", n.kind())
			return
		}
		*to = s
	}
}

// texts reads a list of strings into to.
func (d *decoder) texts(to *[]string) func(*node, string) {
	return func(n *node, path string) {
		d.list(n, path, func(n *node, path string) {
			var s string
			d.text(&s)(n, path)
			*to = append(*to, s)
		})
	}
}

// uint reads a JSON integer that fits 64 bits into to.
func (d *decoder) uint(to *uint64) func(*node, string) {
	return func(n *node, path string) {
		num, ok := n.value.(json.Number)
		if !ok {
			d.problems.add(path, "is %s, a whole number is expected", n.kind())
			return
		}
		x, err := strconv.ParseUint(num.String(), 10, 64)
		if err != nil {
			d.problems.add(path, "%s is no whole number between 0 and 2^64-1", num)
			return
		}
		*to = x
	}
}

// hex reads a 0x string of whole bytes into to.
func (d *decoder) hex(to *[]byte) func(*node, string) {
	return func(n *node, path string) {
		var s string
		d.text(&s)(n, path)
		if d.problems.has(path) {
			return
		}
		b, err := hexutil.Decode(s)
		if err != nil && s != "0x" {
			d.problems.add(path, "%q is no 0x-prefixed hexadecimal string of whole bytes: %v", shorten(s), err)
			return
		}
		*to = b
	}
}

// checksummed reads an address whose EIP-55 checksum must be there and right.
func (d *decoder) checksummed(to *common.Address) func(*node, string) {
	return func(n *node, path string) {
		var s string
		d.text(&s)(n, path)
		if d.problems.has(path) {
			return
		}
		a, err := parseAddress(s, true)
		if err != nil {
			d.problems.add(path, "%v", err)
			return
		}
		*to = a
	}
}

// parseAddress reads 0x and forty hexadecimal digits. With mixed case the
// EIP-55 checksum must be right; needed says that it must be there.
func parseAddress(s string, needed bool) (common.Address, error) {
	if len(s) != 42 || !strings.HasPrefix(s, "0x") || !common.IsHexAddress(s) {
		return common.Address{}, fmt.Errorf("%q is no address: 0x and 40 hexadecimal digits are expected", shorten(s))
	}
	a := common.HexToAddress(s)
	if s != a.Hex() && (needed || s != strings.ToLower(s)) {
		return a, fmt.Errorf("%s has a wrong EIP-55 checksum (upper and lower case): if the address is right, write %s", s, a.Hex())
	}
	return a, nil
}

// balance reads wei, as a decimal or 0x string.
func (d *decoder) balance(to **big.Int) func(*node, string) {
	return func(n *node, path string) {
		s, ok := n.value.(string)
		if !ok {
			d.problems.add(path, "is %s, wei are written as a string, decimal or 0x: a JSON number loses digits above 2^53", n.kind())
			return
		}
		digits, base := s, 10
		if hex, ok := strings.CutPrefix(s, "0x"); ok {
			digits, base = hex, 16
		}
		x, ok := new(big.Int).SetString(digits, base)
		if !ok || x.Sign() < 0 || x.BitLen() > 256 || strings.ContainsAny(digits, "+-_") {
			d.problems.add(path, "%q is no amount of wei: decimal or 0x digits of at most 256 bits are expected", shorten(s))
			return
		}
		*to = x
	}
}

// shorten keeps an error readable when somebody pastes a contract.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
