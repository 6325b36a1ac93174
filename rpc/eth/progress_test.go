package eth

import (
	"encoding/json"
	"testing"
)

type progress struct {
	starting, current, highest uint64
	active                     bool
}

func (p progress) Syncing() (uint64, uint64, uint64, bool) {
	return p.starting, p.current, p.highest, p.active
}

// TestSyncing is false or the three numbers of the closed schema.
func TestSyncing(t *testing.T) {
	for _, c := range []struct {
		p    Progress
		want string
	}{
		{nil, `false`},
		{progress{1, 2, 2, false}, `false`},
		{progress{1, 16, 255, true}, `{"currentBlock":"0x10","highestBlock":"0xff","startingBlock":"0x1"}`},
	} {
		got, err := json.Marshal((&API{progress: c.p}).Syncing())
		if err != nil || string(got) != c.want {
			t.Errorf("%+v: %s %v, want %s", c.p, got, err, c.want)
		}
	}
}
