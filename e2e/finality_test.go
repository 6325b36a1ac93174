package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// testVerify: what a node answers to pbft_finalityProof convinces "quorate verify"
// by the genesis document alone, for a transfer and for one that reverted; changed
// anywhere, or with another network's genesis, it does not.
func testVerify(t *testing.T, d *devnet) {
	a := d.account(8)
	transfer := a.transfer(common.Address{1}, 5)
	// Init code that reverts at once.
	reverts := a.sign(&types.LegacyTx{Nonce: a.nonce, Gas: 100_000, Data: common.FromHex("0x60006000fd")})
	for _, tx := range []*types.Transaction{transfer, reverts} {
		send(t, d.Validators[1], tx)
	}
	genesis := filepath.Join(d.dir, "genesis.json")
	for tx, want := range map[*types.Transaction]string{transfer: "success", reverts: "reverted"} {
		receipt := final(t, d.Validators[2], tx.Hash())
		raw, err := d.Validators[2].call(t.Context(), "pbft_finalityProof", tx.Hash())
		if err != nil {
			t.Fatal(err)
		}
		file := proofFile(t, raw)
		code, out, errs := run(t, "verify", file, "--genesis", genesis, "--json")
		var got struct {
			Valid           bool
			TransactionHash common.Hash
			From            common.Address
			Status          string
			BlockNumber     uint64
			BlockHash       common.Hash
			Signers         []common.Address
			Quorum          int
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
			t.Fatalf("code %d, %v: %s%s", code, err, out, errs)
		}
		if !got.Valid || got.TransactionHash != tx.Hash() || got.From != a.address || got.Status != want || got.BlockNumber != receipt.BlockNumber.Uint64() || got.BlockHash != receipt.BlockHash || len(got.Signers) < 3 || got.Quorum != 3 {
			t.Errorf("%s: %s", want, out)
		}
		if code, out, errs := run(t, "verify", file, "--genesis", genesis); code != 0 || !strings.Contains(out, "is final") {
			t.Errorf("for people: code %d, %s%s", code, out, errs)
		}
		refusesChanged(t, raw, genesis)
	}
	other := filepath.Join(t.TempDir(), "other")
	if code, _, errs := run(t, "genesis", "new", "--validators", "4", "--output", other, "--light-kdf"); code != 0 {
		t.Fatalf("a second genesis: %s", errs)
	}
	raw, err := d.Validators[0].call(t.Context(), "pbft_finalityProof", transfer.Hash())
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "verify", proofFile(t, raw), "--genesis", filepath.Join(other, "genesis.json")); code != 3 || !strings.Contains(errs, "another network") {
		t.Errorf("with another genesis: code %d, %s", code, errs)
	}
}

func proofFile(t *testing.T, proof []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proof.json")
	if err := os.WriteFile(file, proof, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// refusesChanged changes one byte here and there; the unit tests change each one.
func refusesChanged(t *testing.T, proof []byte, genesis string) {
	t.Helper()
	for at := 1; at < len(proof); at += len(proof)/16 + 1 {
		bad := bytes.Clone(proof)
		bad[at] ^= 1
		if code, out, _ := run(t, "verify", proofFile(t, bad), "--genesis", genesis); code != 3 {
			t.Errorf("byte %d changed: code %d, %s", at, code, out)
		}
	}
}
