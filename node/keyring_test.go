package node

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/node/devnet"
)

// TestWrongGenesisLeavesNoData: a node that is started for the first time with the
// document of another network is refused, and begins no chain that would refuse the
// right document afterwards.
func TestWrongGenesisLeavesNoData(t *testing.T) {
	var dirs [2]string
	for i := range dirs {
		dirs[i] = filepath.Join(t.TempDir(), "net")
		spec, err := devnet.Spec{Validators: 4, Host: "127.0.0.1", Ports: devnet.DefaultPorts, Timestamp: 1}.Devnet()
		if err != nil {
			t.Fatal(err)
		}
		spec.Strength = keys.None
		if _, err := devnet.Generate(context.Background(), dirs[i], spec); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(dirs[0], "validator-0")
	wrong, err := os.ReadFile(filepath.Join(dirs[1], "genesis.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "genesis.json"), wrong, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(cfg, slog.New(slog.DiscardHandler), Options{Headless: true}); err == nil || !strings.Contains(err.Error(), "is no member of the network") {
		t.Errorf("got %v", err)
	}
	if !isEmpty(cfg.DataDir) {
		t.Error("a chain was begun")
	}
}
