package eth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/discover"
	"github.com/quorate/quorate/rpc/rpctest"
)

func stringBody(s string) io.Reader { return strings.NewReader(s) }

// notApplicable are the beginnings of the names of cases that no permissioned
// chain can answer, and why. All others are replayed.
var notApplicable = map[string]string{
	"testing_": "builds blocks at will: here only consensus makes blocks",
	"engine_":  "is how a beacon chain drives geth: there is none",
}

// mostNotApplicable bounds what the table, and refused, may name: one case of so
// many, 6 of the sample's 122.
const mostNotApplicable = 20

// refused are cases of served methods that differ on purpose.
var refused = map[string]string{
	"eth_sendRawTransaction/send-blob-tx.io": "blob transactions are refused",
}

// TestExecutionAPIs replays the request and response pairs of
// ethereum/execution-apis on the corpus' own chain, as hive's rpc-compat does:
// exact JSON, messages of errors left out, speconly by shape.
func TestExecutionAPIs(t *testing.T) {
	dir := rpctest.Corpus(t)
	if dir == "" {
		return
	}
	genesis, blocks := rpctest.CorpusChain(t, dir)
	chain := newGethChain(t, genesis)
	chain.insert(t, blocks)
	n := newNode(t, chain, rpc.DefaultLimits())
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.io"))
	if err != nil {
		t.Fatal(err)
	}
	schemas := olderSchemas(t)
	passed, failed, skipped := 0, 0, 0
	for _, file := range files {
		name, _ := filepath.Rel(dir, file)
		if why := reason(name); why != "" {
			t.Logf("%s is not applicable: it %s", name, why)
			skipped++
			continue
		}
		if name == "txpool_content/get-content.io" {
			n.fillPool(t, file)
		}
		ok := t.Run(name, func(t *testing.T) { replay(t, n, schemas, file, refused[name] != "") })
		switch {
		case refused[name] != "":
			t.Logf("%s is not applicable: %s", name, refused[name])
			skipped++
		case ok:
			passed++
		default:
			failed++
		}
	}
	t.Logf("execution-apis: %d passed, %d failed, %d not applicable", passed, failed, skipped)
	if most := len(files) / mostNotApplicable; passed < 117 || skipped > most {
		t.Errorf("%d cases passed and %d are not applicable: of the sample 117 pass, and at most %d may not be applicable", passed, skipped, most)
	}
}

// reason says why a case is not applicable, or nothing.
func reason(name string) string {
	for prefix, why := range notApplicable {
		if strings.HasPrefix(name, prefix) {
			return why
		}
	}
	return ""
}

// replay sends the requests of a file and compares the answers.
func replay(t *testing.T, n *node, schemas *rpctest.Schemas, file string, differs bool) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	shapeOnly := strings.Contains(string(raw), "speconly:")
	var got []byte
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, ">> "):
			said := schemas.Conversation()
			said.Asked([]byte(line[3:]))
			_, got = n.send(t, line[3:])
			if _, err := said.Answered(got); err != nil {
				t.Error(err)
			}
		case strings.HasPrefix(line, "<< "):
			want, have := decode(t, []byte(line[3:])), decode(t, got)
			if differs {
				if have["error"] == nil {
					t.Errorf("not refused: %s", got)
				}
				continue
			}
			if shapeOnly {
				want, have = shape(want).(map[string]any), shape(have).(map[string]any)
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("(-want +got)\n%s\nanswer: %.2000s", diff, got)
			}
		}
	}
}

// later are the members of blocks and receipts that the corpus' first blocks lack:
// the forks that brought them came later there.
var later = []string{
	"baseFeePerGas", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash", "status", "withdrawals", "withdrawalsRoot",
}

// olderSchemas are those of our document, which knows only networks with all forks
// from block 0, opened for blocks before them.
func olderSchemas(t *testing.T) *rpctest.Schemas {
	t.Helper()
	raw, err := discover.Document("")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for _, name := range []string{"Header", "Block", "SimulatedBlock", "Receipt"} {
		schema := schemas[name].(map[string]any)
		schema["required"] = slices.DeleteFunc(schema["required"].([]any), func(member any) bool { return slices.Contains(later, member.(string)) })
	}
	schemas["Receipt"].(map[string]any)["properties"].(map[string]any)["root"] = schemas["Hash"]
	if raw, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	s, err := rpctest.NewSchemas(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decode reads an answer without the messages of errors.
func decode(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	out := make(map[string]any)
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	if e, ok := out["error"].(map[string]any); ok {
		delete(e, "message")
	}
	return out
}

// shape keeps keys and kinds of values.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any)
		for k := range v {
			out[k] = shape(v[k])
		}
		return out
	case []any:
		if len(v) == 0 {
			return "list"
		}
		return []any{shape(v[0])}
	default:
		return fmt.Sprintf("%T", v)
	}
}
