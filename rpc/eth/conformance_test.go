package eth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/rpc"
)

func stringBody(s string) io.Reader { return strings.NewReader(s) }

// inScope are the folders of the corpus whose methods are served.
var inScope = []string{
	"eth_blobBaseFee", "eth_call", "eth_config", "eth_createAccessList", "eth_estimateGas", "eth_getBalance",
	"eth_getBlockByHash", "eth_getBlockByNumber", "eth_getBlockReceipts",
	"eth_getBlockTransactionCountByHash", "eth_getBlockTransactionCountByNumber", "eth_getCode", "eth_getLogs",
	"eth_getProof", "eth_getStorageAt", "eth_getStorageValues", "eth_getTransactionByHash", "eth_getTransactionCount",
	"eth_getTransactionReceipt", "eth_sendRawTransaction", "eth_simulateV1",

	"debug_getRawBlock", "debug_getRawHeader", "debug_getRawReceipts", "debug_getRawTransaction",
	"debug_traceBlockByHash", "debug_traceBlockByNumber", "debug_traceTransaction",
	"txpool_content", "txpool_contentFrom", // after eth_sendRawTransaction: these are what waits
}

// refused are cases of served methods that differ on purpose.
var refused = map[string]string{
	"eth_sendRawTransaction/send-blob-tx.io": "blob transactions are refused",
}

// TestExecutionAPIs replays the request and response pairs of
// ethereum/execution-apis on the corpus' own chain, as hive's rpc-compat does:
// exact JSON, messages of errors left out, speconly by shape.
func TestExecutionAPIs(t *testing.T) {
	dir := corpus(t)
	if dir == "" {
		return
	}
	n := newNode(t, corpusChain(t, dir), rpc.DefaultLimits())
	var files []string
	for _, folder := range inScope {
		found, err := filepath.Glob(filepath.Join(dir, folder, "*.io"))
		if err != nil || len(found) == 0 {
			t.Errorf("%s: no cases (%v)", folder, err)
		}
		files = append(files, found...)
	}
	sort.Strings(files)
	passed, failed, differ := 0, 0, 0
	for _, file := range files {
		name, _ := filepath.Rel(dir, file)
		if name == "txpool_content/get-content.io" {
			n.fillPool(t, file)
		}
		ok := t.Run(name, func(t *testing.T) { replay(t, n, file, refused[name] != "") })
		switch {
		case refused[name] != "":
			differ++
		case ok:
			passed++
		default:
			failed++
		}
	}
	all, _ := filepath.Glob(filepath.Join(dir, "*", "*.io"))
	t.Logf("execution-apis: %d passed, %d failed, %d differ on purpose, %d not applicable (methods of later issues)",
		passed, failed, differ, len(all)-len(files))
	if passed < 115 {
		t.Errorf("only %d cases passed, the corpus has 115 that apply", passed)
	}
}

// corpus returns the folder with the cases; without it the test says so, and
// fails where everything must be there.
func corpus(t *testing.T) string {
	dir := os.Getenv("QUORATE_EXECUTION_APIS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "conformance", "execution-apis", "tests")
	}
	if _, err := os.Stat(filepath.Join(dir, "chain.rlp")); err != nil {
		message := fmt.Sprintf("NO CONFORMANCE CORPUS: %v; set QUORATE_EXECUTION_APIS to the tests folder of ethereum/execution-apis", err)
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		fmt.Fprintln(os.Stderr, message)
		return ""
	}
	return dir
}

func corpusChain(t *testing.T, dir string) *gethChain {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	genesis := new(core.Genesis)
	if err := json.Unmarshal(raw, genesis); err != nil {
		t.Fatal(err)
	}
	chain := newGethChain(t, genesis)
	raw, err = os.ReadFile(filepath.Join(dir, "chain.rlp"))
	if err != nil {
		t.Fatal(err)
	}
	stream := rlp.NewStream(bytes.NewReader(raw), 0)
	var blocks []*types.Block
	for {
		b := new(types.Block)
		if err := stream.Decode(b); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if b.NumberU64() > 0 {
			blocks = append(blocks, b)
		}
	}
	chain.insert(t, blocks)
	return chain
}

// replay sends the requests of a file and compares the answers.
func replay(t *testing.T, n *node, file string, differs bool) {
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
			_, got = n.send(t, line[3:])
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
