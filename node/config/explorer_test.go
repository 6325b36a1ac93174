package config

import "testing"

func TestExplores(t *testing.T) {
	for _, row := range []struct {
		setting, address string
		want             bool
	}{
		{ExplorerAuto, "127.0.0.1", true},
		{ExplorerAuto, "localhost", true},
		{ExplorerAuto, "::1", true},
		{ExplorerAuto, "0.0.0.0", false},
		{ExplorerAuto, "10.0.0.7", false},
		{ExplorerYes, "0.0.0.0", true},
		{ExplorerNo, "127.0.0.1", false},
	} {
		c := &Config{Explorer: row.setting, RPC: Endpoint{Addr: row.address}}
		if got := c.Explores(); got != row.want {
			t.Errorf("%s on %s: %v", row.setting, row.address, got)
		}
	}
}
