package reference

import (
	"fmt"
	"go/format"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/stream"
	"github.com/quorate/quorate/rpc/txpool"
)

// nullable are the results that are null for what does not exist.
var nullable = []string{
	"*common.Hash", "*hexutil.Uint", "*index.ContractCreator", "*index.TokenSummary", "*light.Proof", "*ots.Creator", "*ots.Details", "*ots.Page",
	"*pbft.BlockPhases", "*pbft.Certificate", "*pbft.Checkpoint", "*pbft.ValidatorList",
}

// results are those of methods whose Go type does not say what they are, as
// expressions, and what subscriptions notify of.
var results = map[string]string{
	"debug_getBadBlocks":                      "[BadBlock]",
	"debug_traceBlock":                        "[TraceOutcome]",
	"debug_traceBlockByHash":                  "[TraceOutcome]",
	"debug_traceBlockByNumber":                "[TraceOutcome]",
	"debug_traceCall":                         "TraceResult",
	"debug_traceTransaction":                  "TraceResult",
	"erigon_getHeaderByNumber":                "Header?",
	"eth_getBlockByHash":                      "Block?",
	"eth_getBlockByNumber":                    "Block?",
	"eth_getBlockReceipts":                    "[Receipt]?",
	"eth_getFilterChanges":                    "[Log] | [Hash] | [Transaction]",
	"eth_getFilterLogs":                       "[Log]",
	"eth_getHeaderByHash":                     "Header?",
	"eth_getHeaderByNumber":                   "Header?",
	"eth_getLogs":                             "[Log]",
	"eth_getTransactionByBlockHashAndIndex":   "Transaction?",
	"eth_getTransactionByBlockNumberAndIndex": "Transaction?",
	"eth_getTransactionByHash":                "Transaction?",
	"eth_getTransactionReceipt":               "Receipt?",
	"eth_getUncleByBlockHashAndIndex":         "null",
	"eth_getUncleByBlockNumberAndIndex":       "null",
	"eth_pendingTransactions":                 "[Transaction]",
	"eth_sendRawTransactionSync":              "Receipt",
	"eth_simulateV1":                          "[SimulatedBlock]",
	"eth_syncing":                             "'false' | Progress",
	"rpc_discover":                            "OpenRPC",
	"txpool_content":                          "PoolContent",
	"txpool_contentFrom":                      "PoolOfSender",
	"txpool_inspect":                          "PoolLines",
	"txpool_status":                           "PoolStatus",

	`eth_subscribe("logs")`:                   "Log | Dropped",
	`eth_subscribe("newHeads")`:               "Header | Dropped",
	`eth_subscribe("newPendingTransactions")`: "Hash | Transaction | Dropped",
	`eth_subscribe("syncing")`:                "'false' | SyncingStatus | Dropped",
	`eth_subscribe("transactionReceipts")`:    "[Receipt] | Dropped",
	`pbft_subscribe("blocks")`:                "StreamBlock | Failed",
	`pbft_subscribe("protocol")`:              "Event | Lost",
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
	{"Each of `links`, and of what pbft_setChanges answers:", reflect.TypeFor[light.Link]()},
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
	{"## pbft_subscribe(\"blocks\")\n\nEach notification is the object of `GET /v1/blocks` and `GET /v1/stream` ([explorers](../explorers/README.md)). The\nlast one of a subscription that cannot go on, before its connection is cut:", reflect.TypeFor[stream.Failed]()},
}

func TestReferenceRPC(t *testing.T) {
	api := describe(t)
	var b strings.Builder
	b.WriteString(`# JSON-RPC

HTTP and WebSocket on one port. A *quantity* is a number in hexadecimal (` + "`0x1b4`" + `), *data* bytes in
hexadecimal. A *block* is a number, a tag (` + "`latest`, `safe`, `finalized`, `pending`, `earliest`" + `), a hash, or
` + "`{blockNumber}` or `{blockHash}`" + `; the first four tags mean the last final block. Parameters that may be left
out stand at the end. Shapes are those of the Ethereum execution API unless they are given here.

The method ` + "`rpc_discover`" + ` returns all of this for programs: an [OpenRPC document](../../rpc/discover/openrpc.json)
with a JSON Schema of each parameter and result. There is an [example](#examples) of each method.
`)
	for _, ns := range api.namespaces {
		b.WriteString("\n## " + ns.name + "\n\n" + Table([]string{"Method", "Parameters", "Result", "What it does"}, rows(ns.methods)))
		if len(ns.subscriptions) > 0 {
			b.WriteString("\nOver WebSocket, `" + ns.name + "_subscribe` and `" + ns.name + "_unsubscribe`:\n\n")
			b.WriteString(Table([]string{"Subscription", "Parameters", "Notification", "What it does"}, rows(ns.subscriptions)))
		}
	}
	for _, o := range objects {
		b.WriteString("\n" + o.head + "\n\n" + fields(t, o.of, strings.TrimPrefix(o.of.PkgPath(), module)))
	}
	b.WriteString("\n## Errors\n\n" + errorTable(t))
	b.WriteString("\n## Limits\n\nEach is a setting: see [configuration](config.md).\n\n" + limits(t))
	b.WriteString("\n## Examples\n\nEach was asked of a node and answered by it; long values are cut here (…), not in the document of\n`rpc_discover`.\n\n" + exampleText(t, api))
	Check(t, "rpc.md", b.String())
}

// rows lists methods or subscriptions.
func rows(methods []method) [][]string {
	var out [][]string
	for _, m := range methods {
		var params []string
		for _, p := range m.params {
			text := p.word
			if p.named && p.name != text {
				text = p.name + ": " + text
			}
			params = append(params, text+p.omitted)
		}
		out = append(out, []string{Code(m.short), strings.Join(params, "; "), m.result.word, m.summary})
	}
	return out
}

// prose is a comment without the method's name.
func prose(doc, name string) string {
	text := strings.TrimPrefix(strings.Join(strings.Fields(doc), " "), name+" ")
	return strings.TrimSuffix(strings.ToUpper(text[:1])+text[1:], ".") + "."
}

// sentence is the first of it.
func sentence(doc, name string) string {
	first, _, _ := strings.Cut(prose(doc, name), ". ")
	return strings.TrimSuffix(first, ".") + "."
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
