package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// TestRecoveryVerdicts: a network of two loses one for good, and two of three recovery keys
// put the other in the place of both. "quorate verify" and contracts/QuorateFinality.sol
// judge alike the proof of a transaction after it, other recoveries that the keys could have
// signed, and what is nearly one.
func TestRecoveryVerdicts(t *testing.T) {
	full(t)
	if err := npmInstall(); err != nil {
		t.Fatal(err)
	}
	vault := t.TempDir()
	password := filepath.Join(vault, "password")
	if err := os.WriteFile(password, []byte("only for this test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var keyFiles, addresses []string
	for _, who := range []string{"anna", "bob", "carol"} {
		store := filepath.Join(vault, who)
		mustRun(t, "keys", "new", "--keystore", store, "--password-file", password, "--light-kdf")
		addresses = append(addresses, strings.Fields(mustRun(t, "keys", "list", "--keystore", store))[0])
		files, err := filepath.Glob(filepath.Join(store, "UTC--*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%s has the key files %v, %v", store, files, err)
		}
		keyFiles = append(keyFiles, files[0])
	}
	dir, nodes := founded(t, 2, 4, "--recovery-key", strings.Join(addresses, ","))
	for _, n := range nodes {
		n.restart()
	}
	a := someone(t, 1337)
	for range 6 { // into the second epoch
		final(t, nodes[0], send(t, nodes[0], a.transfer(a.address, 0)))
	}
	nodes[1].own.kill()
	if code := nodes[0].own.stop(); code != 0 {
		t.Fatalf("it ends with code %d", code)
	}

	genesis, doc := filepath.Join(dir, "genesis.json"), filepath.Join(vault, "recovery.json")
	recover := func(args ...string) { t.Helper(); mustRun(t, append([]string{"network", "recover"}, args...)...) }
	recover("propose", "--dir", nodes[0].Dir, "--keep", nodes[0].Name, "--output", doc)
	for _, who := range []string{"anna", "carol"} {
		recover("sign", doc, "--genesis", genesis, "--keystore", filepath.Join(vault, who), "--password-file", password)
	}
	recover("apply", doc, "--dir", nodes[0].Dir)
	nodes[0].restart()
	last := final(t, nodes[0], send(t, nodes[0], a.transfer(a.address, 0)))
	proved(t, nodes[0], last.TxHash)

	network, err := json.Marshal(map[string]any{
		"chainId": 1337, "rpc": []string{nodes[0].RPC}, "quorate": quorate, "genesis": genesis, "transaction": last.TxHash,
		"recoveryKeys": keyFiles, "password": "only for this test",
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := clientCommand(t, "node", "recovered.mjs", string(network)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checks, _ := readChecks(t, bytes.NewBuffer(out))
	if t.Log(strings.Join(checks, ", ")); len(checks) < 30 {
		t.Errorf("%d checks", len(checks))
	}
}

// proved waits until a node can prove a transaction.
func proved(t *testing.T, n *node, tx common.Hash) {
	t.Helper()
	eventually(t, commitLimit, "the proof", func(ctx context.Context) error {
		proof, err := n.call(ctx, "pbft_finalityProof", tx)
		if err == nil && len(proof) < 10 {
			err = errors.New("none yet")
		}
		return err
	})
}
