package net

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
)

func TestAnswers(t *testing.T) {
	peers := 3
	a := New(1337, func() int { return peers })
	if a.Version() != "1337" || !a.Listening() || a.PeerCount() != 3 {
		t.Errorf("%s %v %d", a.Version(), a.Listening(), a.PeerCount())
	}
	if peers = 0; a.PeerCount() != 0 {
		t.Error("the number of peers is not asked for anew")
	}
	w := NewWeb3("v1.2.3")
	if v := strings.Split(w.ClientVersion(), "/"); len(v) != 4 || v[0] != "Quorate" || v[1] != "v1.2.3" || !strings.HasPrefix(v[3], "go") {
		t.Errorf("client version %q", w.ClientVersion())
	}
	if got := w.Sha3(nil); string(got) != string(crypto.Keccak256(nil)) {
		t.Errorf("sha3 of nothing is %s", got)
	}
}
