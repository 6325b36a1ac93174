package govern

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
)

// TestVotes: needed votes are the contract's arithmetic, for every size of a network.
func TestVotes(t *testing.T) {
	for _, r := range []Rules{{ApprovalPercent: 50}, {ApprovalPercent: 66, TurnoutPercent: 75}, {ApprovalPercent: 99, TurnoutPercent: 100}} {
		for r.Members = 1; r.Members <= contracts.MaxMembers; r.Members++ {
			for yes := uint64(0); yes <= r.Members; yes++ {
				want := yes*100 > r.Members*r.ApprovalPercent && yes*100 >= r.Members*r.TurnoutPercent
				if r.Passes(yes, 0) != want || (yes >= r.Approvals()) != (yes*100 > r.Members*r.ApprovalPercent) {
					t.Fatalf("%d approvals with %+v: passes %v, want %v", yes, r, r.Passes(yes, 0), want)
				}
			}
		}
	}
}

func TestProposalID(t *testing.T) {
	for text, want := range map[string]string{"3": "validators/3", "parameters/12": "parameters/12"} {
		if id, err := ParseProposalID(text); err != nil || id.String() != want {
			t.Errorf("%s: %s, %v", text, id, err)
		}
	}
	for _, bad := range []string{"", "0", "-1", "x", "nobody/1", "senders/", "senders/1/2"} {
		if id, err := ParseProposalID(bad); err == nil {
			t.Errorf("%q is %s", bad, id)
		}
	}
}

// TestCallText: what members vote on can be read.
func TestCallText(t *testing.T) {
	call, err := SetParameter(contracts.BlockGasLimit, 1<<25)
	if err != nil {
		t.Fatal(err)
	}
	data, err := call.Data()
	if err != nil {
		t.Fatal(err)
	}
	read, err := parseCall(contracts.Parameters, data)
	if err != nil || read.String() != "setParameter(name blockGasLimit, value 33554432)" {
		t.Errorf("%s, %v", read, err)
	}
	if _, err := parseCall(contracts.Senders, data); err == nil {
		t.Error("a call of another contract is read")
	}
	if kindOf(read, false) != byEpoch {
		t.Error("a gas limit holds by epochs")
	}
	if cap, err := SetParameter(contracts.TransactionGasCap, 1<<24); err != nil || kindOf(cap, false) != atOnce {
		t.Errorf("the gas cap of a transaction holds at once: %v", err)
	}
}

// TestInvitation: what a member signs is read back; what was changed, or is too old, is
// refused with the reason.
func TestInvitation(t *testing.T) {
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s, g, now := keys.NewFileSigner(key), founded(t), time.Unix(1_800_000_000, 0)
	file, err := Invite(t.Context(), s, g, []string{"16Uiu2HA@a.example:1", "16Uiu2HB@b.example:2"}, &light.Checkpoint{Number: 64, Block: common.Hash{1}, Set: common.Hash{2}}, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	i, err := ParseInvitation(file, now)
	if err != nil || i.By != s.Address() || len(i.Peers) != 2 || i.Document.Hash() != g.Hash() {
		t.Fatalf("%+v, %v", i, err)
	}
	if name, founder := i.Founder(); founder {
		t.Errorf("the signer is founder %s", name)
	}
	if _, err := ParseInvitation(file, now.Add(2*time.Hour)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an old one: %v", err)
	}
	for old, new := range map[string]string{"b.example:2": "evil.example:2", "1800003600": "1900003600", "1337": "1338", `"version": 2`: `"version": 3`, `"64:`: `"65:`} {
		changed := bytes.Replace(file, []byte(old), []byte(new), 1)
		if bytes.Equal(changed, file) {
			t.Fatalf("%s is not in the file", old)
		}
		if _, err := ParseInvitation(changed, now); err == nil {
			t.Errorf("%s in the place of %s passes", new, old)
		}
	}
	if _, err := ParseInvitation(append(file, make(json.RawMessage, MaxInvitationBytes)...), now); err == nil {
		t.Error("an endless file passes")
	}
}

// founded is a genesis with one member.
func founded(t *testing.T) *genesis.Genesis {
	t.Helper()
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	node, err := crypto.ToECDSA(common.LeftPadBytes([]byte{2}, 32))
	if err != nil {
		t.Fatal(err)
	}
	id, err := keys.NodeID(node)
	if err != nil {
		t.Fatal(err)
	}
	s := keys.NewFileSigner(key)
	proof, err := s.Sign(t.Context(), genesis.MemberPreimage(s.Address(), id))
	if err != nil {
		t.Fatal(err)
	}
	g := genesis.Default()
	g.ChainID, g.Timestamp = 1337, 1_700_000_000
	g.Validators = []genesis.Validator{{Address: s.Address(), NodeID: id, Name: "acme", Addresses: []string{"127.0.0.1:1"}, Proof: proof[:]}}
	if err := g.Complete(); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestReach: a validator that has not been heard is given longer if it is connected,
// and only one that was heard counts.
func TestReach(t *testing.T) {
	a, b, c := common.Address{1}, common.Address{2}, common.Address{3}
	rest := []common.Address{a, b, c}
	for _, row := range []struct {
		seen  map[common.Address]reach
		safe  bool
		limit time.Duration
	}{
		{map[common.Address]reach{a: {true, true}, b: {true, true}, c: {true, true}}, true, settle},
		{map[common.Address]reach{a: {true, true}, b: {true, true}}, false, settle},
		{map[common.Address]reach{a: {true, true}, b: {true, true}, c: {true, false}}, false, hearing},
	} {
		e := &Unsafe{Rest: 3, Quorum: 3}
		if limit := e.sort(rest, row.seen); limit != row.limit || e.safe() != row.safe || len(e.Reachable)+len(e.Unreachable) != 3 {
			t.Errorf("%v: safe %v, %s, reachable %v, not %v", row.seen, e.safe(), limit, e.Reachable, e.Unreachable)
		}
	}
}
