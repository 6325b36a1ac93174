package rpctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
)

// Corpus returns the folder of the tests of ethereum/execution-apis, or nothing,
// and says so, where they are not; under CI that fails the test. The caller is in a
// package two folders below the root.
func Corpus(t *testing.T) string {
	t.Helper()
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

// CorpusChain reads what the corpus' cases ask about: genesis, and the blocks
// after it.
func CorpusChain(t *testing.T, dir string) (*core.Genesis, []*types.Block) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	genesis := new(core.Genesis)
	if err := json.Unmarshal(raw, genesis); err != nil {
		t.Fatal(err)
	}
	if raw, err = os.ReadFile(filepath.Join(dir, "chain.rlp")); err != nil {
		t.Fatal(err)
	}
	var blocks []*types.Block
	for stream := rlp.NewStream(bytes.NewReader(raw), 0); ; {
		b := new(types.Block)
		if err := stream.Decode(b); errors.Is(err, io.EOF) {
			return genesis, blocks
		} else if err != nil {
			t.Fatal(err)
		}
		if b.NumberU64() > 0 {
			blocks = append(blocks, b)
		}
	}
}
