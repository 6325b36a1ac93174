package rpc

import "bytes"

// scanned is what one pass over a request tells. It does not validate: the
// server's parser does.
type scanned struct {
	depth int      // deepest nesting
	items int      // elements of the outer list; 0 when the request is no batch
	raws  [][]byte // arguments of a batch's calls that look like raw transactions, without quotes
}

// minRawHex is the shortest raw transaction worth preparing, in hex digits with
// 0x: a signature alone has 130.
const minRawHex = 160

var sendRaw = []byte(`"eth_sendRawTransaction"`)

// scan walks over a request once. It follows strings by their quotes, which is
// most of a request of transactions, and everything else byte by byte.
func scan(body []byte) scanned {
	var s scanned
	depth := 0
	content := false // something stands in the outer list
	batch := len(body) > 0 && body[0] == '['
	wanted := batch && bytes.Contains(body[:min(len(body), 512)], sendRaw)
	for i := 0; i < len(body); i++ {
		switch c := body[i]; c {
		case '"':
			content = true
			n := stringEnd(body[i+1:])
			if n < 0 {
				return s
			}
			// [ { params:[ "0x…" : three levels
			if str := body[i+1 : i+1+n]; wanted && depth == 3 && n >= minRawHex && str[0] == '0' && str[1] == 'x' {
				s.raws = append(s.raws, str)
			}
			i += n + 1
		case '[', '{':
			content = content || depth == 1
			depth++
			s.depth = max(s.depth, depth)
		case ']', '}':
			depth--
		case ',':
			if depth == 1 && batch {
				s.items++
			}
		case ' ', '\t', '\r', '\n':
		default:
			content = true
		}
	}
	if batch && content {
		s.items++
	}
	return s
}

// stringEnd returns the index of the quote that ends a string, or -1.
func stringEnd(b []byte) int {
	for from := 0; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return -1
		}
		n += from
		slashes := 0
		for n-slashes > 0 && b[n-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return n
		}
		from = n + 1
	}
}
