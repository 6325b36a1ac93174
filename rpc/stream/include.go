package stream

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/rpc"
)

// Include says which parts the object of a block has besides number, hash and block.
type Include uint8

// The parts.
const (
	Transactions Include = 1 << iota // the block has whole transactions instead of hashes
	Receipts                         // as eth_getBlockReceipts
	Certificate                      // as pbft_commitCertificate
)

var parts = []struct {
	name string
	part Include
}{{"transactions", Transactions}, {"receipts", Receipts}, {"certificate", Certificate}}

// ParseInclude reads the names of parts.
func ParseInclude(names []string) (out Include, err error) {
next:
	for _, name := range names {
		for _, p := range parts {
			if name == p.name {
				out |= p.part
				continue next
			}
		}
		return 0, rpc.InvalidParams("include has %.40q; transactions, receipts and certificate can be included", name)
	}
	return out, nil
}

// String lists the parts as in a request.
func (i Include) String() string {
	var names []string
	for _, p := range parts {
		if i&p.part != 0 {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ",")
}

// query reads the parameters of a request, of which only the known ones may be there,
// each once.
func query(r *http.Request, known ...string) (url.Values, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, errMethod
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, rpc.InvalidParams("the query cannot be read: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, rpc.InvalidParams("unknown parameter %.40q; there are %s", name, strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, rpc.InvalidParams("%s is there %d times", name, len(values))
		}
	}
	return q, nil
}

// errMethod says that a request is neither GET nor HEAD.
var errMethod = &rpc.Error{Code: rpc.CodeInvalidParams, Message: "GET is expected"}

// numberOf reads a block number as a parameter; nil: it is not there.
func numberOf(q url.Values, name string) (*rpc.Number, error) {
	text := q.Get(name)
	if !q.Has(name) {
		return nil, nil
	}
	n := rpc.Latest
	if text != "latest" {
		v, err := rpc.ParseNumber(text)
		if err != nil {
			return nil, rpc.InvalidParams("%s is %.40q; a block number is expected: 5, 0x5 or latest", name, text)
		}
		n = rpc.Number(v)
	}
	return &n, nil
}

func includeOf(q url.Values) (Include, error) {
	if q.Get("include") == "" {
		return 0, nil
	}
	return ParseInclude(strings.Split(q.Get("include"), ","))
}

// lastEvent reads what a client of a stream has had: ok is false if it had nothing.
func lastEvent(r *http.Request) (next rpc.Number, ok bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		return 0, false, nil
	}
	n, err := rpc.ParseNumber(text)
	if err != nil || n == math.MaxInt64 {
		return 0, false, rpc.InvalidParams("Last-Event-ID is %.40q; the number of a block is expected", text)
	}
	return rpc.Number(n + 1), true, nil
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// refuse answers a request that is not served.
func refuse(w http.ResponseWriter, err error) {
	e := shown(err)
	code := status(e)
	if e == errMethod {
		w.Header().Set("Allow", fmt.Sprintf("%s, %s", http.MethodGet, http.MethodHead))
		code = http.StatusMethodNotAllowed
	}
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Del("ETag") // of the answer that it would have been
	rpc.WriteError(w, code, e)
}
