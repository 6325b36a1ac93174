package bench

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

func mustKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestArtifact: source and artifact belong together, and the call data is what the
// ABI says.
func TestArtifact(t *testing.T) {
	token, err := tokenArtifact()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("contract/BenchToken.sol")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(source); hex.EncodeToString(sum[:]) != token.SourceSHA256 {
		t.Error("contract/BenchToken.sol was changed without go generate")
	}
	parsed, err := abi.JSON(bytes.NewReader(token.ABI))
	if err != nil {
		t.Fatal(err)
	}
	to := []common.Address{{1}, {2}, {3}}
	if want, err := parsed.Pack("distribute", to, big.NewInt(77)); err != nil || !bytes.Equal(want, callDistribute(to, big.NewInt(77))) {
		t.Errorf("distribute: %v\n%x\n%x", err, want, callDistribute(to, big.NewInt(77)))
	}
	if want, err := parsed.Pack("transfer", to[1], common.Big1); err != nil || !bytes.Equal(want, callTransfer(to[1])) {
		t.Errorf("transfer: %v", err)
	}
}

func TestValidate(t *testing.T) {
	c := Default()
	c.URLs = []string{"http://a:1", "ws://a:1", "ftp://b", "nonsense"}
	c.Kind, c.Txs, c.Accounts, c.Rate, c.Batch = "swap", 0, -1, -1, 0
	err := c.Validate()
	for _, want := range []string{"given twice", "scheme must be", `"nonsense" is not a URL`, `kind "swap"`, "0 transactions", "-1 accounts", "rate -1", "batch 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	c = Default()
	c.URLs, c.Txs = []string{"https://x"}, 5
	if err := c.Validate(); err != nil || c.Accounts != 5 {
		t.Errorf("%v, %d accounts", err, c.Accounts)
	}
	if got := crypto.PubkeyToAddress(c.Key.PublicKey).Hex(); got != "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" {
		t.Errorf("payer %s", got)
	}
}

func TestPercentile(t *testing.T) {
	var v []int
	for i := 1; i <= 200; i++ {
		v = append(v, i)
	}
	for p, want := range map[int]int{50: 100, 90: 180, 99: 198, 100: 200, 0: 1} {
		if got := percentile(v, p); got != want {
			t.Errorf("p%d = %d", p, got)
		}
	}
	if percentile([]int(nil), 50) != 0 || percentile([]int{7}, 99) != 7 {
		t.Error("of none and of one")
	}
}

func TestListener(t *testing.T) {
	n := newTestChain(t).node(t)
	u, err := url.Parse(n.url)
	if err != nil {
		t.Fatal(err)
	}
	if pid := listenerOf(u); pid != os.Getpid() {
		t.Errorf("pid %d, this is %d", pid, os.Getpid())
	}
	if _, err := processTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	for _, raw := range []string{"http://example.org:80", "http://127.0.0.1:1", "http://127.0.0.1"} {
		u, _ := url.Parse(raw)
		if pid := listenerOf(u); pid != 0 {
			t.Errorf("%s: pid %d", raw, pid)
		}
	}
	if _, ok := nodesTime([]*endpoint{{pid: os.Getpid()}, {}}); ok {
		t.Error("one node is not visible: the sum would be wrong")
	}
}

// FuzzScanHashes compares the scanner with the JSON decoder.
func FuzzScanHashes(f *testing.F) {
	f.Add([]byte(`{"transactionsRoot":"0x00","transactions":["0x` + strings.Repeat("aB", 32) + `", "0x` + strings.Repeat("01", 32) + `"]}`))
	f.Add([]byte(`{"transactions": []}`))
	f.Add([]byte(`{"transactions":["0x12"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := scanHashes(data)
		var block struct {
			Transactions []common.Hash `json:"transactions"`
		}
		if err != nil || json.Unmarshal(data, &block) != nil || bytes.Count(data, []byte("transactions\"")) != 1 || bytes.ContainsAny(data, "\\TRANSCIO") {
			return
		}
		if len(got) != len(block.Transactions) {
			t.Fatalf("%d of %d hashes in %q", len(got), len(block.Transactions), data)
		}
		for i := range got {
			if got[i] != block.Transactions[i] {
				t.Fatalf("hash %d of %q", i, data)
			}
		}
	})
}
