package reference

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"unicode"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/rpc/pbft"
)

// spelt are the Go types that write or read JSON themselves, as expressions. All
// others are taken apart by reflection.
var spelt = map[string]string{
	"common.Address":             "Address",
	"common.Hash":                "Hash",
	"debug.CallArgs":             "CallArgs",
	"eth.Criteria":               "FilterObject",
	"eth.Millis":                 "Millis",
	"eth.SimulatedBlock":         "SimulatedBlockArgs",
	"hexutil.Big":                "Uint256",
	"hexutil.Bytes":              "Data",
	"hexutil.Uint":               "Uint64",
	"hexutil.Uint64":             "Uint64",
	"json.RawMessage":            "any",
	"math.HexOrDecimal64":        "AnyNumber",
	"params.BlobConfig":          "BlobSchedule",
	"pbft.Count":                 "AnyNumber",
	"rpc.BlockNumber":            "NumberOrTag",
	"rpc.BlockNumberOrHash":      "At",
	"rpc.ID":                     "FilterId",
	"rpc.Number":                 "AnyNumberOrTag",
	"tracers.TraceCallConfig":    "TraceCallConfig",
	"tracers.TraceConfig":        "TraceConfig",
	"types.AccessList":           "AccessList",
	"types.SetCodeAuthorization": "Authorization",
	"types.Transaction":          "UnsignedTransaction",
	"types.Withdrawals":          "[Withdrawal]",
}

// spoken are the Go types that expressions name. Those that are not among objects
// are read, not written.
var spoken = []reflect.Type{
	reflect.TypeFor[eth.BlockOverrides](), reflect.TypeFor[eth.CallArgs](), reflect.TypeFor[eth.Dropped](), reflect.TypeFor[eth.StateOverride](),
	reflect.TypeFor[eth.SyncingStatus](), reflect.TypeFor[pbft.Event](), reflect.TypeFor[pbft.Lost](),
}

// titles are the words for Go types; without one a type is `{its, members}`.
var titles = map[string]string{
	"eth.BlockOverrides": "block overrides",
	"eth.CallArgs":       "transaction object",
	"eth.FillArgs":       "transaction object",
	"eth.StateOverride":  "state overrides",
	"eth.accountProof":   "proof (EIP-1186)",
	"eth.capabilities":   "capabilities",
	"eth.forkConfigs":    "`{current, next, last}` (EIP-7910)",
	"light.Proof":        "finality proof",
	"pbft.BlockPhases":   "phases",
	"pbft.Certificate":   "certificate",
	"pbft.Checkpoint":    "checkpoint",
	"pbft.Evidence":      "evidence",
	"pbft.Participation": "participation",
	"pbft.Status":        "status",
	"pbft.ValidatorList": "validators",
	"pbft.ViewChange":    "view change",
	"txpool.Fate":        "fate",
}

// renamed are the Go types whose name another one has in the document.
var renamed = map[reflect.Type]string{reflect.TypeFor[light.Certificate](): "ProofCertificate"}

// notNull marks a pointer that is never nil.
const notNull = "not null"

// memberShapes are those whose Go type does not say what they are, as expressions, by
// type and member.
var memberShapes = map[string]string{
	"Call.value":            "Uint256?", // no value can be sent
	"Details.block":         "OtsBlock",
	"Evidence.first":        notNull,
	"Evidence.second":       notNull,
	"Found.receipts":        "[OtsTimedReceipt]",
	"Found.txs":             "[Transaction]",
	"Page.fullblock":        "OtsBlockPage",
	"Page.receipts":         "[OtsReceipt]",
	"SyncingStatus.status":  "Progress",
	"SyncingStatus.syncing": "'true'",
	"TokenBalance.id":       "Uint256?",
	"TokenHolder.id":        "Uint256?",
	"TokenTransfer.id":      "Uint256?",
	"forkConfigs.current":   notNull,
}

// componentName is what a Go type is called in the document.
func componentName(rt reflect.Type) string {
	if name, ok := renamed[rt]; ok {
		return name
	}
	return string(unicode.ToUpper(rune(rt.Name()[0]))) + rt.Name()[1:]
}

// goType says what a value of a Go type is in JSON: one that we read may have
// members left out or null.
func (c *catalog) goType(rt reflect.Type, read bool) shape {
	c.t.Helper()
	if rt.Kind() == reflect.Pointer {
		return c.goType(rt.Elem(), read)
	}
	if text, ok := spelt[rt.String()]; ok {
		return c.expr(text)
	}
	if rt.String() == "big.Int" {
		return primitives["integer"]
	}
	if writesItself(rt, read) {
		c.t.Fatalf("%s writes or reads JSON itself: it needs a row in spelt", rt)
	}
	if rt.Name() != "" && rt.PkgPath() != "" && (rt.Kind() == reflect.Struct || titles[rt.String()] != "") {
		return c.object(rt, read)
	}
	return c.plain(rt, read)
}

// plain is a type without a name of its own in the document.
func (c *catalog) plain(rt reflect.Type, read bool) shape {
	switch rt.Kind() {
	case reflect.Bool:
		return primitives["boolean"]
	case reflect.String:
		return primitives["string"]
	case reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return primitives["integer"]
	case reflect.Float64:
		if read {
			return c.expr("Percentile")
		}
		return primitives["number"]
	case reflect.Slice:
		return list(c.goType(rt.Elem(), read))
	case reflect.Map:
		return table(c.goType(rt.Key(), read), c.goType(rt.Elem(), read))
	}
	c.t.Fatalf("%s has no shape in JSON: it needs a row in spelt or shapes", rt)
	return shape{}
}

// writesItself reports whether reflection would miss what a type does.
func writesItself(rt reflect.Type, read bool) bool {
	all := []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()}
	if read {
		all = []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}
	}
	for _, i := range all {
		if rt.Implements(i) || reflect.PointerTo(rt).Implements(i) {
			return true
		}
	}
	return false
}

// object refers to a Go type with a name, and enters it.
func (c *catalog) object(rt reflect.Type, read bool) shape {
	name := componentName(rt)
	if other, ok := c.types[name]; ok && other != rt || c.parts[name] != nil {
		c.t.Fatalf("%s is the name of two components: %s needs a row in renamed", name, rt)
	}
	ref := schema{"$ref": "#/components/schemas/" + name}
	if c.schemas[name] != nil {
		return shape{ref, c.titles[name]}
	}
	c.types[name], c.schemas[name] = rt, schema{}
	if rt.Kind() != reflect.Struct {
		c.schemas[name], c.titles[name] = c.plain(rt, read).schema, titles[rt.String()]
	} else {
		c.schemas[name], c.titles[name] = c.structure(rt, read)
	}
	if titles[rt.String()] != "" {
		c.schemas[name]["title"] = strings.ReplaceAll(titles[rt.String()], "`", "")
	}
	return shape{ref, c.titles[name]}
}

// structure makes the schema of a struct, and its word. What we write is closed
// and complete; of what we read all is optional, and more is allowed.
func (c *catalog) structure(rt reflect.Type, read bool) (made schema, word string) {
	properties, required, names := schema{}, []string{}, []string{}
	texts := c.comments(rt)
	for _, f := range reflect.VisibleFields(rt) {
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			c.t.Fatalf("%s.%s has no name in JSON (%v)", rt, f.Name, tagged)
		}
		value := c.member(rt, f, name, read, options)
		if text := texts[f.Name]; text != "" {
			value = described(value, text)
		}
		properties[name] = value
		if read || strings.Contains(options, "omitempty") {
			names = append(names, name+"?")
			continue
		}
		required, names = append(required, name), append(names, name)
	}
	if word = titles[rt.String()]; word == "" {
		word = braces(names)
	}
	return closed(properties, required, read), word
}

// member is the schema of one member: null where a pointer may be nil and is not
// left out then. Quantities are pointers only because big.Int is.
func (c *catalog) member(rt reflect.Type, f reflect.StructField, name string, read bool, options string) schema {
	text := memberShapes[rt.Name()+"."+name]
	if text != "" && text != notNull {
		return c.expr(text).schema
	}
	s := c.goType(f.Type, read)
	nilable := f.Type.Kind() == reflect.Pointer && f.Type.String() != "*hexutil.Big" && text == ""
	if read || nilable && !strings.Contains(options, "omitempty") {
		s = anyOf(s, primitives["null"])
	}
	return s.schema
}

// described adds a text to a schema, which may be shared.
func described(s schema, text string) schema {
	out := schema{"description": strings.ReplaceAll(text, "`", "")}
	for k, v := range s {
		out[k] = v
	}
	return out
}

// comments are the texts of a type of ours, by field.
func (c *catalog) comments(rt reflect.Type) map[string]string {
	dir, ours := strings.CutPrefix(rt.PkgPath(), module)
	if !ours || rt.NumField() == 0 {
		return nil
	}
	out := commentsOf(c.t, dir, rt.Name())
	for _, f := range reflect.VisibleFields(rt) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if text := memberTexts[rt.Name()+"."+name]; text != "" && out[f.Name] == "" {
			out[f.Name] = text
		}
	}
	return out
}
