package e2e

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// founded makes the folders of a new network whose chain id is 1337 by "quorate genesis
// new", with epochs of so many blocks, and starts nothing.
func founded(t *testing.T, validators, epochLength int, flags ...string) (dir string, nodes []*node) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "net")
	p := freePorts(t, validators)
	t.Cleanup(func() { noneLeft(t, dir, stopLimit) })
	params := filepath.Join(t.TempDir(), "parameters.json")
	if err := os.WriteFile(params, fmt.Appendf(nil, `{"epochLength": %d}`, epochLength), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"genesis", "new", "--validators", fmt.Sprint(validators), "--output", dir, "--light-kdf", "--parameters", params}, p.flags()...)
	mustRun(t, append(args, flags...)...)
	for i := range validators {
		n := &node{
			Name: fmt.Sprintf("validator-%d", i), Dir: filepath.Join(dir, fmt.Sprintf("validator-%d", i)),
			RPC: fmt.Sprintf("http://127.0.0.1:%d", p.rpc+i), Admin: fmt.Sprintf("http://127.0.0.1:%d", p.admin+i),
		}
		n.connect(t)
		nodes = append(nodes, n)
	}
	return dir, nodes
}

// someone is an account that holds nothing, on a chain: gas is free.
func someone(t *testing.T, chainID int64) *account {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	id := big.NewInt(chainID)
	return &account{t: t, key: key, address: crypto.PubkeyToAddress(key.PublicKey), signer: types.LatestSignerForChainID(id), chainID: id}
}
