//go:build pkcs11

package keys_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/keys/softhsm"
)

// TestHSM: a key in a token signs as the same key in a file is understood, also after
// the token has forgotten the session; what does not fit is told.
func TestHSM(t *testing.T) {
	token := softhsm.New(t)
	t.Setenv("PIN", softhsm.PIN)
	t.Setenv("WRONG", "314159")
	cfg := keys.HSMConfig{Module: token.Library, Token: softhsm.Label, PIN: "env:PIN"}
	refused := func(what string, change func(*keys.HSMConfig), want string) {
		t.Helper()
		bad := cfg
		change(&bad)
		if _, err := keys.OpenHSM(bad, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	refused("no key", func(*keys.HSMConfig) {}, "it has no key of the curve secp256k1")
	refused("no library", func(c *keys.HSMConfig) { c.Module = "/nowhere.so" }, "signer.module: /nowhere.so cannot be loaded")
	refused("another token", func(c *keys.HSMConfig) { c.Token = "other" }, `there are ["quorate"]`)
	refused("no PIN", func(c *keys.HSMConfig) { c.PIN = "env:UNSET" }, "UNSET")

	one, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	two, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	token.Import(t, 1, one)
	s, err := keys.OpenHSM(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	address := crypto.PubkeyToAddress(one.PublicKey)
	signs := func() {
		t.Helper()
		for i := range byte(32) { // half of all signatures have the other s
			preimage := []byte{i}
			sig, err := s.Sign(t.Context(), preimage)
			if err != nil {
				t.Fatal(err)
			}
			if by, err := sig.Recover(preimage); err != nil || by != address || s.Address() != address {
				t.Fatalf("%s, %v", by, err)
			}
		}
	}
	signs()
	token.Import(t, 2, two)
	refused("two keys", func(*keys.HSMConfig) {}, "it has 2 keys: say in signer.address")
	refused("another key", func(c *keys.HSMConfig) { c.Address = common.Address{1} }, "it has no key of 0x01")

	token.CloseSessions(t)
	signs() // in a new session, and with the same key of two
	token.CloseSessions(t)
	t.Setenv("PIN", "314159")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sign(ctx, nil); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "PIN") {
		t.Errorf("%v", err)
	}
	t.Setenv("PIN", softhsm.PIN)
	signs()
	token.CloseSessions(t)
	refused("a wrong PIN", func(c *keys.HSMConfig) { c.PIN, c.Address = "env:WRONG", address }, "the PIN that password names")
}
