package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/holiman/uint256"
	"github.com/quorate/quorate/store"
)

// The corpus: github.com/ethereum/tests, ten folders of GeneralStateTests. It
// is read in place; $QUORATE_ETHEREUM_TESTS names another folder of its shape.
const (
	corpusEnv     = "QUORATE_ETHEREUM_TESTS"
	corpusCases   = 1693 // Cancun cases in the default folder
	corpusRefused = 103  // of them must be refused
)

// stateTest is one file's test: a pre-state, and transactions on it.
type stateTest struct {
	Env struct {
		BaseFee       *math.HexOrDecimal256 `json:"currentBaseFee"`
		Coinbase      common.Address        `json:"currentCoinbase"`
		ExcessBlobGas math.HexOrDecimal64   `json:"currentExcessBlobGas"`
		GasLimit      math.HexOrDecimal64   `json:"currentGasLimit"`
		Number        math.HexOrDecimal64   `json:"currentNumber"`
		Random        *math.HexOrDecimal256 `json:"currentRandom"`
		Timestamp     math.HexOrDecimal64   `json:"currentTimestamp"`
	} `json:"env"`
	Pre  types.GenesisAlloc         `json:"pre"`
	Post map[string][]stateTestPost `json:"post"`
}

type stateTestPost struct {
	Root   common.Hash   `json:"hash"`
	Logs   common.Hash   `json:"logs"`
	Tx     hexutil.Bytes `json:"txbytes"`
	Refuse string        `json:"expectException"`
}

// refusals maps the corpus' words to the errors that must come. What is not
// listed may be any error (the transaction does not even decode).
var refusals = map[string]error{
	"INSUFFICIENT_ACCOUNT_FUNDS":            core.ErrInsufficientFunds,
	"INTRINSIC_GAS_TOO_LOW":                 core.ErrIntrinsicGas,
	"INITCODE_SIZE_EXCEEDED":                vm.ErrMaxInitCodeSizeExceeded,
	"TYPE_3_TX_ZERO_BLOBS":                  core.ErrMissingBlobHashes,
	"TYPE_3_TX_BLOB_COUNT_EXCEEDED":         errTooManyBlobs,
	"TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH": nil,
}

var errTooManyBlobs = errors.New("more blobs than a block may have")

// cancun is the chain configuration of the corpus.
func cancun() *params.ChainConfig {
	c := osaka()
	c.ChainID, c.PragueTime, c.OsakaTime = common.Big1, nil, nil
	c.BlobScheduleConfig = &params.BlobScheduleConfig{Cancun: params.DefaultCancunBlobConfig}
	return c
}

// header is the block that the test's transactions are in.
func (s *stateTest) header() *types.Header {
	excess := uint64(s.Env.ExcessBlobGas)
	return &types.Header{
		Number: new(big.Int).SetUint64(uint64(s.Env.Number)), Time: uint64(s.Env.Timestamp), Coinbase: s.Env.Coinbase,
		GasLimit: uint64(s.Env.GasLimit), BaseFee: (*big.Int)(s.Env.BaseFee), MixDigest: common.BigToHash((*big.Int)(s.Env.Random)),
		Difficulty: new(big.Int), ExcessBlobGas: &excess,
	}
}

// apply runs one case on the committed pre-state: state root and logs hash, or
// the reason of the refusal and the root of what is left.
func (s *stateTest) apply(st *State, pre Head, post stateTestPost) (root, logs common.Hash, refused, err error) {
	h := s.header()
	db := &overlay{base: newBase(nil, st.db, st.cache, st.code), root: pre.Root}
	sdb, err := gstate.New(pre.Root, db)
	if err != nil {
		return root, logs, nil, err
	}
	getHash := func(n uint64) common.Hash { return crypto.Keccak256Hash([]byte(fmt.Sprint(n))) }
	evm := st.NewEVM(BlockContext(st.chain, h, getHash), sdb, vm.Config{})
	defer evm.Release()
	tx := new(types.Transaction)
	if refused = tx.UnmarshalBinary(post.Tx); refused == nil {
		// A rule of the block body; a block of ours has no blobs at all.
		if len(tx.BlobHashes()) > eip4844.MaxBlobsPerBlock(st.chain, h.Time) {
			refused = errTooManyBlobs
		} else {
			_, refused = ApplyTransaction(context.Background(), evm, core.NewGasPool(h.GasLimit), sdb, h, types.LatestSigner(st.chain), tx, 0)
		}
	}
	if refused == nil {
		// The corpus was made with a reward of 0, which touches the beneficiary.
		sdb.AddBalance(h.Coinbase, new(uint256.Int), tracing.BalanceChangeUnspecified)
	}
	sum, err := rlp.EncodeToBytes(sdb.Logs())
	if err != nil {
		return root, logs, refused, err
	}
	root, err = sdb.Commit(evm.GetRules(), h.Number.Uint64())
	return root, crypto.Keccak256Hash(sum), refused, err
}

// check compares one case with what the corpus says.
func (p stateTestPost) check(root, logs common.Hash, refused error) error {
	if root != p.Root {
		return fmt.Errorf("state root %x, want %x (refused: %v)", root, p.Root, refused) //nolint:errorlint // may be nil
	}
	if p.Refuse == "" {
		if refused != nil {
			return fmt.Errorf("refused: %w", refused)
		}
		if logs != p.Logs {
			return fmt.Errorf("logs hash %x, want %x", logs, p.Logs)
		}
		return nil
	}
	if refused == nil {
		return fmt.Errorf("accepted, must be refused as %s", p.Refuse)
	}
	for _, word := range strings.Split(p.Refuse, "|") {
		want := refusals[strings.TrimPrefix(word, "TransactionException.")]
		if want == nil || errors.Is(refused, want) {
			return nil
		}
	}
	return fmt.Errorf("refused with %q, must be refused as %s", refused, p.Refuse) //nolint:errorlint // shown, may be nil
}

// run runs all Cancun cases of one file.
func (s *stateTest) run(t *testing.T) (cases, refused int) {
	db, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st, err := Open(db, Config{Chain: cancun(), CacheBytes: MinCacheBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c := &chain{t: t, db: db, state: st, hashes: map[uint64]common.Hash{}}
	c.genesis(s.Pre, (&core.Genesis{Config: cancun(), Alloc: s.Pre, BaseFee: new(big.Int), Difficulty: new(big.Int)}).ToBlock().Header())
	head, _ := st.Head()
	for i, post := range s.Post["Cancun"] {
		root, logs, refusal, err := s.apply(st, head, post)
		if err == nil {
			err = post.check(root, logs, refusal)
		}
		if err != nil {
			t.Errorf("case %d: %v", i, err)
		}
		cases++
		if refusal != nil {
			refused++
		}
	}
	return cases, refused
}

// corpus finds the test data: the environment's folder, or ../shared/… beside
// the module.
func corpus(t *testing.T) (dir string, own bool) {
	if dir := os.Getenv(corpusEnv); dir != "" {
		return dir, true
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared", "conformance", "ethereum-tests"), false
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the package")
		}
		dir = filepath.Dir(dir)
	}
}

// TestEthereumStateTests runs the Cancun cases of the corpus through our
// Database and the ApplyTransaction of a block.
func TestEthereumStateTests(t *testing.T) {
	dir, own := corpus(t)
	if _, err := os.Stat(dir); err != nil {
		msg := fmt.Sprintf("\n*** THE ETHEREUM STATE TESTS DID NOT RUN: no corpus at %s (set $%s) ***\n", dir, corpusEnv)
		fmt.Fprint(os.Stderr, msg)
		if os.Getenv("CI") == "true" {
			t.Fatal(msg)
		}
		return
	}
	cases, refused := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var tests map[string]*stateTest
		dec := json.NewDecoder(bytes.NewReader(data))
		if err := dec.Decode(&tests); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for name, s := range tests {
			t.Run(name, func(t *testing.T) {
				n, r := s.run(t)
				cases, refused = cases+n, refused+r
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases, %d of them refused as they must be", cases, refused)
	if cases == 0 || (!own && (cases < corpusCases || refused != corpusRefused)) {
		t.Fatalf("%d cases ran, %d refused; the corpus has %d, %d of them to be refused", cases, refused, corpusCases, corpusRefused)
	}
}
