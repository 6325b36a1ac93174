package p2p

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"
)

// TestConfigFaultsAreReportedTogether: one run shows everything that is wrong.
func TestConfigFaultsAreReportedTogether(t *testing.T) {
	n := newNode(t, 0, RoleValidator)
	_, err := New(Config{
		Key: n.key, Listen: []string{"127.0.0.1:80", "/ip4/1.2.3.4/tcp/1/ws"}, Version: strings.Repeat("x", 65),
		SignRecord: n.config().SignRecord, Limits: Limits{AcceptRate: -1, DialBackoffMin: time.Minute},
	}, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Genesis", "ChainID", "Role", "SignRecord", "Version", "Logger", "127.0.0.1:80", "ws", "AcceptRate", "DialBackoffMin"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not mentioned in: %v", want, err)
		}
	}
	if _, err := New(Config{}, nil); err == nil || !strings.Contains(err.Error(), "Key") {
		t.Errorf("without a key: %v", err)
	}
}

func TestMemberListIsChecked(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	good := b.member(t, "/ip4/10.0.0.1/tcp/1")
	h, err := New(a.config(), []Member{good, a.member(t)})
	if err != nil {
		t.Fatal(err)
	}
	if h.Members() != 1 {
		t.Errorf("%d members, the node itself must not count", h.Members())
	}
	noRole, badID, badAddr := good, good, good
	noRole.Role, badID.ID, badAddr.Addresses = 0, "x", []string{"here"}
	for name, list := range map[string][]Member{"twice": {good, good}, "no role": {noRole}, "bad id": {badID}, "bad address": {badAddr}} {
		if err := h.SetMembers(list); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if h.Members() != 1 {
			t.Errorf("%s: the faulty list replaced the good one", name)
		}
	}
}

func TestLimitsDefault(t *testing.T) {
	if err := (Limits{}).withDefaults().Validate(); err != nil {
		t.Error(err)
	}
	if (Limits{}).withDefaults() != DefaultLimits() {
		t.Error("withDefaults does not fill every field")
	}
	if err := (Limits{}).Validate(); err == nil {
		t.Error("zero limits are valid")
	}
}

func TestPeerIDHoldsTheKey(t *testing.T) {
	k := testKey(t, 1)
	id, err := PeerID(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := PublicKey(id)
	if err != nil || !pub.Equal(&k.PublicKey) {
		t.Errorf("got %v, %v", pub, err)
	}
	if !strings.HasPrefix(id.String(), "16Uiu2HA") {
		t.Errorf("id is %s", id)
	}
}

func TestNamesCarryTheNetwork(t *testing.T) {
	ns := newNamespace(testChain, testGenesis)
	if got := ns.topic(TopicConsensus); got != "/quorate/1337-01020304/consensus/1" {
		t.Error(got)
	}
	if got := ns.stream("batch"); got != "/quorate/1337-01020304/batch/1" {
		t.Error(got)
	}
	if got := ns.gossip("mesh"); got != "/quorate/1337-01020304/mesh/meshsub/1.3.0" {
		t.Error(got)
	}
}

func TestHandlersAreCheckedAtOnce(t *testing.T) {
	n := newNode(t, 0, RoleValidator)
	h, err := New(n.config(), nil)
	if err != nil {
		t.Fatal(err)
	}
	h.OnPush("batch", 1, nil)
	for name, fn := range map[string]func(){
		"twice":      func() { h.Serve("batch", 1, nil) },
		"bad name":   func() { h.OnPush("Batch/1", 1, nil) },
		"giant":      func() { h.OnPush("giant", 1<<40, nil) },
		"bad topic":  func() { h.OnMessage("gossip", nil) },
		"our own":    func() { h.OnPush(recordsProtocol, 1, nil) },
		"empty name": func() { h.OnPush("", 1, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			fn()
		}()
	}
}

func addr(s string) multiaddr.Multiaddr { return multiaddr.StringCast(s) }

// TestAcceptLimiter: rate, burst, places in flight, and that one address cannot
// take all of them.
func TestAcceptLimiter(t *testing.T) {
	l := Limits{AcceptRate: 5, AcceptBurst: 10, AcceptInFlight: 8}.withDefaults()
	a := newAcceptLimiter(&l)
	now := time.Unix(1000, 0)
	for i := range 10 {
		if ok, why := a.begin(addr("/ip4/1.1.1.1/tcp/1"), now); !ok {
			t.Fatalf("connection %d of the burst refused: %s", i, why)
		}
		a.end(addr("/ip4/1.1.1.1/tcp/1"))
	}
	if ok, _ := a.begin(addr("/ip4/1.1.1.1/tcp/2"), now); ok {
		t.Error("the burst has no end")
	}
	if ok, _ := a.begin(addr("/ip4/1.1.1.2/tcp/2"), now); !ok {
		t.Error("another address is refused")
	}
	if ok, _ := a.begin(addr("/ip4/1.1.1.1/tcp/3"), now.Add(time.Second/5)); !ok {
		t.Error("no place after a fifth of a second")
	}
	if ok, _ := a.begin(addr("/ip4/1.1.1.1/tcp/3"), now.Add(time.Second/5)); ok {
		t.Error("two places after a fifth of a second")
	}
}

func TestAcceptLimiterInFlight(t *testing.T) {
	l := Limits{AcceptInFlight: 8}.withDefaults()
	a := newAcceptLimiter(&l)
	now := time.Unix(1000, 0)
	open := func(ip string, port string, now time.Time) string {
		ok, why := a.begin(addr("/ip4/"+ip+"/tcp/"+port), now)
		if ok {
			return ""
		}
		return why
	}
	for i := range 4 {
		if why := open("1.1.1.1", string(rune('1'+i)), now); why != "" {
			t.Fatalf("refused: %s", why)
		}
	}
	if open("1.1.1.1", "5", now) != "handshakes in flight" {
		t.Error("one address took more than half of the places")
	}
	for i := range 4 {
		if why := open("2.2.2.2", string(rune('1'+i)), now); why != "" {
			t.Fatalf("refused: %s", why)
		}
	}
	if open("3.3.3.3", "1", now) == "" {
		t.Error("more in flight than allowed")
	}
	a.end(addr("/ip4/2.2.2.2/tcp/1"))
	if open("3.3.3.3", "1", now) != "" {
		t.Error("a finished handshake did not give its place back")
	}
	if open("4.4.4.4", "1", now.Add(handshakeLife+time.Second)) != "" {
		t.Error("handshakes that failed silently keep their places")
	}
	if len(a.pending) != 1 || len(a.perIP) != 1 {
		t.Errorf("%d pending, %d addresses after all but one expired", len(a.pending), len(a.perIP))
	}
}

// TestAcceptLimiterMemory: a flood from many addresses cannot grow the table.
func TestAcceptLimiterMemory(t *testing.T) {
	l := Limits{AcceptRate: 1, AcceptBurst: 1}.withDefaults()
	a := newAcceptLimiter(&l)
	now := time.Unix(1000, 0)
	ip := make([]byte, 4)
	for i := range 3 * maxAcceptEntries {
		ip[0], ip[1], ip[2], ip[3] = 10, byte(i>>16), byte(i>>8), byte(i)
		m := addr("/ip4/" + netString(ip) + "/tcp/1")
		a.begin(m, now)
		a.end(m)
	}
	if len(a.next) > maxAcceptEntries {
		t.Errorf("%d entries", len(a.next))
	}
	if ok, why := a.begin(addr("/ip4/9.9.9.9/tcp/1"), now.Add(2*time.Second)); !ok {
		t.Errorf("refused after the flood: %s", why)
	}
}

func netString(ip []byte) string { a, _ := netip.AddrFromSlice(ip); return a.String() }
