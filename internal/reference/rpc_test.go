package reference

import (
	"fmt"
	"go/ast"
	"go/format"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/rpc/net"
	"github.com/quorate/quorate/rpc/ots"
	"github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/txpool"
)

type namespace struct {
	name      string
	dir       string         // of its source, from the root of the module
	receivers []reflect.Type // those beyond the first have subscriptions only
}

// namespaces are the receivers that package node registers; a test below
// compares the names with its source.
var namespaces = []namespace{
	{"debug", "rpc/debug", []reflect.Type{reflect.TypeFor[*debug.API]()}},
	{"erigon", "rpc/ots", []reflect.Type{reflect.TypeFor[*ots.Erigon]()}},
	{"eth", "rpc/eth", []reflect.Type{reflect.TypeFor[*eth.API](), reflect.TypeFor[*eth.Subscriptions]()}},
	{"net", "rpc/net", []reflect.Type{reflect.TypeFor[*net.API]()}},
	{"ots", "rpc/ots", []reflect.Type{reflect.TypeFor[*ots.API]()}},
	{"pbft", "rpc/pbft", []reflect.Type{reflect.TypeFor[*pbft.API]()}},
	{"txpool", "rpc/txpool", []reflect.Type{reflect.TypeFor[*txpool.API]()}},
	{"web3", "rpc/net", []reflect.Type{reflect.TypeFor[*net.Web3]()}},
}

// words say what a Go type of a parameter or result is in JSON.
var words = map[string]string{
	"*[]common.Hash":         "array of hashes",
	"*big.Int":               "quantity",
	"*eth.BlockOverrides":    "block overrides, optional",
	"*eth.StateOverride":     "state overrides, optional",
	"*eth.accessListResult":  "`{accessList, gasUsed, error?}`",
	"*eth.feeHistory":        "`{oldestBlock, baseFeePerGas, gasUsedRatio, reward?, …}`",
	"*eth.filled":            "`{raw, tx}`",
	"*hexutil.Big":           "quantity",
	"*hexutil.Uint":          "quantity or null",
	"*hexutil.Uint64":        "quantity",
	"*light.Proof":           "finality proof or null",
	"*pbft.BlockPhases":      "phases or null",
	"*pbft.Certificate":      "certificate or null",
	"*pbft.Checkpoint":       "checkpoint or null",
	"*pbft.Count":            "number or quantity, optional",
	"*rpc.Number":            "number, quantity or tag, optional",
	"*pbft.Participation":    "participation",
	"*pbft.Status":           "status",
	"*pbft.ValidatorList":    "validators or null",
	"*rpc.BlockNumberOrHash": "block, latest if left out",
	"*bool":                  "boolean, optional",
	"*eth.ReceiptsQuery":     "`{transactionHashes}`, all if left out",
	"*rpc.Subscription":      "subscription id",
	"rpc.ID":                 "filter id",
	"[]common.Address":       "array of addresses",
	"[]float64":              "array of percentiles",
	"[]pbft.Evidence":        "array of evidence",
	"[]pbft.ViewChange":      "array of view changes",
	"bool":                   "boolean",
	"common.Address":         "address",
	"common.Hash":            "hash",
	"eth.CallArgs":           "transaction object",
	"eth.Criteria":           "filter object",
	"eth.FillArgs":           "transaction object",
	"eth.Simulation":         "`{blockStateCalls, traceTransfers?, validation?, returnFullTransactions?}`",
	"hexutil.Bytes":          "data",
	"hexutil.Uint":           "quantity",
	"hexutil.Uint64":         "quantity",
	"math.HexOrDecimal64":    "quantity",
	"rpc.Number":             "number, quantity or tag",
	"rpc.BlockNumber":        "block number or tag",
	"rpc.BlockNumberOrHash":  "block",
	"string":                 "string",

	"*eth.Millis":                        "milliseconds, number or quantity, optional",
	"*eth.accountInfo":                   "`{balance, nonce, code}`",
	"*eth.accountProof":                  "proof (EIP-1186)",
	"*eth.capabilities":                  "capabilities",
	"*eth.forkConfigs":                   "`{current, next, last}` (EIP-7910)",
	"[]string":                           "array of slots",
	"map[common.Address][]common.Hash":   "`{address: [slot, …], …}`",
	"map[common.Address][]hexutil.Bytes": "`{address: [data, …], …}`",

	"*common.Hash":                         "hash or null",
	"*ots.Creator":                         "`{hash, creator}` or null",
	"*ots.Details":                         "`{block, issuance, totalFees}` or null",
	"*ots.Found":                           "`{txs, receipts, firstPage, lastPage}`",
	"*ots.Page":                            "`{fullblock, receipts}` or null",
	"*tracers.TraceCallConfig":             "trace configuration with overrides, optional",
	"*tracers.TraceConfig":                 "trace configuration, optional",
	"*txpool.Fate":                         "fate",
	"[]common.Hash":                        "array of hashes",
	"[]hexutil.Bytes":                      "array of data",
	"[]ots.Call":                           "array of `{type, depth, from, to, value, input, output}`",
	"[]ots.Operation":                      "array of `{type, from, to, value}`",
	"debug.CallArgs":                       "transaction object",
	"map[string]hexutil.Uint":              "`{pending, queued}`",
	"map[string]map[string]txpool.byNonce": "`{pending, queued}`, by sender and nonce",
	"map[string]txpool.byNonce":            "`{pending, queued}`, by nonce",
	"uint8":                                "number",
}

// shapes are the results of methods that write JSON themselves.
var shapes = map[string]string{
	"debug_traceBlock":                        "array of `{txHash, result}`",
	"debug_traceBlockByHash":                  "array of `{txHash, result}`",
	"debug_traceBlockByNumber":                "array of `{txHash, result}`",
	"debug_traceCall":                         "as the tracer",
	"debug_traceTransaction":                  "as the tracer",
	"erigon_getHeaderByNumber":                "header or null",
	"eth_getBlockByHash":                      "block or null",
	"eth_getBlockByNumber":                    "block or null",
	"eth_getBlockReceipts":                    "array of receipts, or null",
	"eth_getFilterChanges":                    "array of logs, hashes or transactions",
	"eth_getFilterLogs":                       "array of logs",
	"eth_getHeaderByHash":                     "header or null",
	"eth_getHeaderByNumber":                   "header or null",
	"eth_getLogs":                             "array of logs",
	"eth_getTransactionByBlockHashAndIndex":   "transaction or null",
	"eth_getTransactionByBlockNumberAndIndex": "transaction or null",
	"eth_getTransactionByHash":                "transaction or null",
	"eth_getTransactionReceipt":               "receipt or null",
	"eth_getUncleByBlockHashAndIndex":         "null",
	"eth_getUncleByBlockNumberAndIndex":       "null",
	"eth_simulateV1":                          "array of blocks, each with `calls`: the results of its calls",
	"eth_pendingTransactions":                 "array of transactions",
	"eth_sendRawTransactionSync":              "receipt",
	"eth_syncing":                             "false, or `{startingBlock, currentBlock, highestBlock, …}`",
}

// memberTexts say what the source does not say beside them, by type and member.
var memberTexts = map[string]string{
	"Status.view": "view within the epoch", "Status.epoch": "epoch of the next sequence number", "Status.isPrimary": "whether that is this node",
	"Status.mode":   "`starting`, `normal`, `syncing`, `view-changing` or `halted`",
	"Status.window": "`{low, high}`: the replica votes above low, up to high", "Status.f": "faulty validators that are borne", "Status.quorum": "validators that must agree",
	"ValidatorStatus.address": "of the validator key", "ValidatorStatus.connected": "whether this node is connected to it; true for itself",
	"ValidatorStatus.epoch": "its epoch", "ValidatorStatus.view": "its view", "ValidatorStatus.mode": "its mode; `unknown` if it has told nothing in this epoch: then the numbers are 0", "ValidatorStatus.committed": "its last final block",
	"Certificate.number": "of the block", "Certificate.epoch": "in which the validators voted", "Certificate.view": "in which they voted", "Certificate.seq": "equals number",
	"Certificate.batchDigest": "keccak256 of the batch header", "Certificate.blockHash": "keccak256 of the header", "Certificate.batchHeader": "RLP",
}

// module is how the paths of our packages begin.
const module = "github.com/quorate/quorate/"

// objects are the results of ours, in the order of the document.
var objects = []struct {
	head string
	of   reflect.Type
}{
	{"## txpool_explain", reflect.TypeFor[txpool.Fate]()},
	{"## eth_subscribe\n\nThe notification of `syncing` while the node catches up:", reflect.TypeFor[eth.SyncingStatus]()},
	{"The last one of a subscriber that did not keep up, before its connection is cut:", reflect.TypeFor[eth.Dropped]()},
	{"## pbft_status", reflect.TypeFor[pbft.Status]()},
	{"Each of `validators`, as last heard:", reflect.TypeFor[pbft.ValidatorStatus]()},
	{"## pbft_validators", reflect.TypeFor[pbft.ValidatorList]()},
	{"Each of `validators`:", reflect.TypeFor[pbft.Validator]()},
	{"## pbft_commitCertificate", reflect.TypeFor[pbft.Certificate]()},
	{"## pbft_finalityProof\n\n`quorate verify` checks it; docs/protocol.md says what is signed.", reflect.TypeFor[light.Proof]()},
	{"Its `certificate`:", reflect.TypeFor[light.Certificate]()},
	{"Each of `links`:", reflect.TypeFor[light.Link]()},
	{"## pbft_stableCheckpoint", reflect.TypeFor[pbft.Checkpoint]()},
	{"## pbft_viewChanges\n\nEach one:", reflect.TypeFor[pbft.ViewChange]()},
	{"## pbft_blockPhases", reflect.TypeFor[pbft.BlockPhases]()},
	{"## pbft_participation", reflect.TypeFor[pbft.Participation]()},
	{"Each of `validators`:", reflect.TypeFor[pbft.Attendance]()},
	{"Each of `blocks`. Bit i of the little-endian bytes is validator i of the block's epoch:", reflect.TypeFor[pbft.BlockVotes]()},
	{"## pbft_evidence\n\nEach piece:", reflect.TypeFor[pbft.Evidence]()},
	{"`first` and `second`, whose members depend on the kind:", reflect.TypeFor[pbft.Vote]()},
	{"## pbft_subscribe(\"protocol\")\n\nEach notification:", reflect.TypeFor[pbft.Event]()},
	{"The last one of a subscriber that did not keep up, before its connection is cut:", reflect.TypeFor[pbft.Lost]()},
}

func TestReferenceRPC(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# JSON-RPC

HTTP and WebSocket on one port. A *quantity* is a number in hexadecimal (` + "`0x1b4`" + `), *data* bytes in
hexadecimal. A *block* is a number, a tag (` + "`latest`, `safe`, `finalized`, `pending`, `earliest`" + `), a hash, or
` + "`{blockNumber}` or `{blockHash}`" + `; the first four tags mean the last final block. Parameters that may be left
out stand at the end. Shapes are those of the Ethereum execution API unless they are given here.
`)
	used := map[string]bool{}
	var names []string
	for _, ns := range namespaces {
		names = append(names, ns.name)
		methods, subscriptions := ns.rows(t, used)
		b.WriteString("\n## " + ns.name + "\n\n" + Table([]string{"Method", "Parameters", "Result", "What it does"}, methods))
		if len(subscriptions) > 0 {
			b.WriteString("\nOver WebSocket, `" + ns.name + "_subscribe` and `" + ns.name + "_unsubscribe`:\n\n")
			b.WriteString(Table([]string{"Subscription", "Parameters", "What it does"}, subscriptions))
		}
	}
	if registered := keysOf(t, "node/serve.go", "buildServers"); !slices.Equal(names, registered) {
		t.Errorf("package node registers the namespaces %q, here are %q", registered, names)
	}
	for name := range shapes {
		if !used[name] {
			t.Errorf("%s has a result here, but does not exist or does not need one", name)
		}
	}
	for _, o := range objects {
		b.WriteString("\n" + o.head + "\n\n" + fields(t, o.of, strings.TrimPrefix(o.of.PkgPath(), module)))
	}
	b.WriteString("\n## Limits\n\nEach is a setting: see [configuration](config.md).\n\n" + limits(t))
	Check(t, "rpc.md", b.String())
}

// rows lists the methods of a namespace, and what can be subscribed to.
func (ns *namespace) rows(t *testing.T, used map[string]bool) (methods, subscriptions [][]string) {
	for _, receiver := range ns.receivers {
		m, s := ns.rowsOf(t, receiver, used)
		methods, subscriptions = append(methods, m...), append(subscriptions, s...)
	}
	slices.SortFunc(subscriptions, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return methods, subscriptions
}

func (ns *namespace) rowsOf(t *testing.T, receiver reflect.Type, used map[string]bool) (methods, subscriptions [][]string) {
	decls := methodsOf(t, ns.dir, receiver.Elem().Name())
	for i := range receiver.NumMethod() {
		m := receiver.Method(i)
		d := decls[m.Name]
		if d == nil {
			t.Fatalf("%s.%s is not in %s", receiver, m.Name, ns.dir)
		}
		lower := string(unicode.ToLower(rune(m.Name[0]))) + m.Name[1:]
		name := ns.name + "_" + lower
		params := ns.parameters(t, m.Type, d)
		text := sentence(d.Doc.Text(), m.Name)
		if m.Type.Out(0).String() == "*rpc.Subscription" {
			subscriptions = append(subscriptions, []string{Code(lower), params, text})
			continue
		}
		methods = append(methods, []string{Code(name), params, word(t, name, m.Type.Out(0), used), text})
	}
	return methods, subscriptions
}

// parameters lists what a caller gives, by the names of the source.
func (ns *namespace) parameters(t *testing.T, method reflect.Type, d *ast.FuncDecl) string {
	var names []string
	for _, f := range d.Type.Params.List {
		if len(f.Names) == 0 {
			names = append(names, "_")
		}
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	var out []string
	for i := 1; i < method.NumIn(); i++ { // 0 is the receiver
		in := method.In(i)
		if in.String() == "context.Context" {
			continue
		}
		text, ok := words[in.String()]
		if !ok {
			t.Errorf("%s: no word for a parameter of type %s", d.Name.Name, in)
		}
		if name := names[i-1]; name != "_" && name != text {
			text = name + ": " + text
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// word says what a result is.
func word(t *testing.T, method string, result reflect.Type, used map[string]bool) string {
	if text, ok := words[result.String()]; ok {
		return text
	}
	text, ok := shapes[method]
	if !ok {
		t.Errorf("%s: no word for a result of type %s", method, result)
	}
	used[method] = true
	return text
}

// sentence is the first sentence of a comment, without the method's name.
func sentence(doc, name string) string {
	text := strings.Join(strings.Fields(doc), " ")
	if first, _, more := strings.Cut(text, ". "); more {
		text = first + "."
	}
	text = strings.TrimPrefix(text, name+" ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// fields lists the members of an object with the comments of the source.
func fields(t *testing.T, object reflect.Type, dir string) string {
	comments := commentsOf(t, dir, object.Name())
	var rows [][]string
	for i := range object.NumField() {
		f := object.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		text := comments[f.Name]
		if text == "" {
			text = memberTexts[object.Name()+"."+name]
		}
		if text == "" {
			t.Errorf("%s.%s has no meaning, here or in the source", object.Name(), name)
		}
		rows = append(rows, []string{Code(name), text})
	}
	return Table([]string{"Member", "Meaning"}, rows)
}

// limits lists rpc.Limits with its defaults.
func limits(t *testing.T) string {
	v, comments := reflect.ValueOf(rpc.DefaultLimits()), commentsOf(t, "rpc", "Limits")
	var rows [][]string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		rows = append(rows, []string{Code(rpc.LimitKey(name)), fmt.Sprint(v.Field(i).Interface()), comments[name]})
	}
	return Table([]string{"Setting", "Default", "Meaning"}, rows)
}

// TestReferenceLimits writes what the comments of rpc.Limits say where the
// program can read it: it is the help of the flags, and stands in config.md.
func TestReferenceLimits(t *testing.T) {
	limits, comments := reflect.TypeFor[rpc.Limits](), commentsOf(t, "rpc", "Limits")
	var b strings.Builder
	b.WriteString("// Code generated by go generate ./internal/reference from the comments of Limits; DO NOT EDIT.\n\npackage rpc\n\nvar limitTexts = map[string]string{\n")
	for i := range limits.NumField() {
		name := limits.Field(i).Name
		if comments[name] == "" {
			t.Errorf("rpc.Limits.%s has no comment behind it", name)
		}
		fmt.Fprintf(&b, "%q: %q,\n", name, comments[name])
	}
	b.WriteString("}\n")
	text, err := format.Source([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, filepath.Join("..", "..", "rpc", "limits_text.go"), string(text))
}
