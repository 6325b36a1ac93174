package node

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/node/devnet"
	"github.com/quorate/quorate/registry"
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

// TestTakenOut: a node that was a member and is none at its head starts and says so;
// with a key that never was one here it does not.
func TestTakenOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	spec, err := devnet.Spec{Validators: 4, Host: "127.0.0.1", Ports: devnet.DefaultPorts, Timestamp: 1}.Devnet()
	if err != nil {
		t.Fatal(err)
	}
	spec.Strength = keys.None
	if _, err := devnet.Generate(context.Background(), dir, spec); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(filepath.Join(dir, "validator-0"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	n, err := Build(cfg, slog.New(slog.NewTextHandler(&log, nil)), Options{Headless: true, FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	d := n.members.directory()
	others := slices.DeleteFunc(slices.Clone(d.list), func(m registry.Member) bool { return m.NodeID == n.keys.nodeID })
	n.members.now.Store(&directory{epoch: d.epoch, list: others})
	if err := n.checkKeys(); err != nil || !strings.Contains(log.String(), "the members have taken this node out") {
		t.Errorf("it does not start, or does not say why: %v\n%s", err, log.String())
	}
	n.keys.nodeID = "16Uiu2HAmCbU3Fnc3fX5Rz6uuavf36wQa2ocgYTGK5bVWkWkVPLyn"
	if err := n.checkKeys(); err == nil || !strings.Contains(err.Error(), "is no member of the network") {
		t.Errorf("with a foreign key: %v", err)
	}
}
