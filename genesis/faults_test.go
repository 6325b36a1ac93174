package genesis

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
)

// TestEveryFaultAtOnce puts one fault of each kind into one document and wants
// each reported, with its line.
func TestEveryFaultAtOnce(t *testing.T) {
	a, b := testValidator(t, 1), testValidator(t, 2)
	lowered := testValidator(t, 3)
	self := testKey(t, 4)
	doc := fmt.Sprintf(`{
  "chainId": 0,
  "chianId": 5,
  "timestamp": 1700000000000,
  "forks": {"osaka": 9, "amsterdam": 1},
  "parameters": {
    "epochLength": 0,
    "maxTimeoutMs": 500,
    "blockGasLimit": 1000,
    "maxBatchBytes": -1,
    "pipelineDepth": "8"
  },
  "permissions": {"senders": "members", "observers": [{"nodeId": "Qmx"}], "senders": "open"},
  "validators": [
    {"address": %q, "nodeId": %q, "name": "a", "proof": "0x%x"},
    {"address": %q, "nodeId": %q, "name": "a", "proof": "0x%x", "addresses": ["10.0.0.1"]},
    {"address": %q, "nodeId": %q, "proof": "0x00"},
    {"address": %q, "nodeId": %q, "proof": "0x%x"},
    {"nodeId": 7, "proof": "zz"}
  ],
  "alloc": {
    "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266": {"balance": "1"},
    "0x01": {},
    "0x00000000000000000000000000000000000000aa": {"balance": 1, "nonce": "x", "secretKey": "0x1"},
    "0x00000000000000000000000000000000000000Aa": {"balance": "-1", "storage": {"0x1": "0x0", "0x01": "0x02", "zz": "0x1"}},
    "0x00000000000000000000000000000000000000ab": {"balance": "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "storage": {"0x1": "0x0"}},
    "0x00000000000000000000000000000000000000ac": {"balance": "5"},
    "0x0000F90827F1C53a10cb7A02335B175320002935": {"nonce": 1, "code": "0x00"}
  }
}`, a.Address.Hex(), a.NodeID, a.Proof,
		a.Address.Hex(), a.NodeID, b.Proof,
		strings.ToLower(lowered.Address.Hex()), lowered.NodeID,
		crypto.PubkeyToAddress(self.PublicKey).Hex(), testNodeID(t, self), a.Proof)
	_, err := Parse([]byte(doc))
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("error is %v", err)
	}
	want := []string{
		"line 2: chainId: 0 is outside 1 … 4503599627370476",
		`line 3: chianId: unknown key, did you mean "chainId"?`,
		"line 4: timestamp: 1700000000000 is no time in seconds since 1970 (is it in milliseconds?)",
		"line 5: forks.amsterdam: unknown key, known are: osaka",
		"line 5: forks.osaka: 9: all forks to Osaka are active from block 0 (write 0)",
		"line 7: parameters.epochLength: 0 is outside 1 … 65536",
		"line 8: parameters.maxTimeoutMs: 500 is below baseTimeoutMs 1000",
		"line 9: parameters.blockGasLimit: 1000 is outside 16777216 … 9007199254740992",
		"line 10: parameters.maxBatchBytes: -1 is no whole number between 0 and 2^64-1",
		"line 11: parameters.pipelineDepth: is a string, a whole number is expected",
		"line 13: permissions.senders: stands twice, again at line 13",
		`line 13: permissions.observers[0].nodeId: "Qmx" is no libp2p peer id as in 16Uiu2HA…`,
		fmt.Sprintf("line 16: validators[1].proof: proof of possession is not by %s over this node id: let the member make its file anew", a.Address),
		`line 16: validators[1].addresses[0]: "10.0.0.1" is neither host:port nor a multiaddr as in /ip4/10.0.0.1/tcp/30303`,
		fmt.Sprintf("line 16: validators[1].address: validator %s stands already at validators[0].address", a.Address.Hex()),
		fmt.Sprintf("line 16: validators[1].nodeId: node id %s stands already at validators[0].nodeId", a.NodeID),
		"line 16: validators[1].name: name a stands already at validators[0].name",
		fmt.Sprintf("line 17: validators[2].address: %s has a wrong EIP-55 checksum (upper and lower case): if the address is right, write %s", strings.ToLower(lowered.Address.Hex()), lowered.Address.Hex()),
		"line 17: validators[2].proof: proof of possession has 1 bytes, 65 are expected",
		"line 18: validators[3].nodeId: is made from the validator key: a node needs a key of its own, which lies unencrypted on its disk",
		"line 19: validators[4].nodeId: is a number, a string is expected",
		`line 19: validators[4].proof: "zz" is no 0x-prefixed hexadecimal string of whole bytes: hex string without 0x prefix`,
		"line 19: validators[4].address: is missing",
		"line 22: alloc.0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266: 0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266 has a wrong EIP-55 checksum (upper and lower case): if the address is right, write 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
		`line 23: alloc.0x01: "0x01" is no address: 0x and 40 hexadecimal digits are expected`,
		"line 24: alloc.0x00000000000000000000000000000000000000AA.balance: is a number, wei are written as a string, decimal or 0x: a JSON number loses digits above 2^53",
		`line 24: alloc.0x00000000000000000000000000000000000000AA.nonce: "x" is no nonce: a whole number or a 0x quantity is expected`,
		"line 24: alloc.0x00000000000000000000000000000000000000AA.secretKey: unknown key, known are: balance, nonce, code, storage",
		"line 25: alloc.0x00000000000000000000000000000000000000Aa: 0x00000000000000000000000000000000000000Aa has a wrong EIP-55 checksum (upper and lower case): if the address is right, write 0x00000000000000000000000000000000000000AA",
		"line 26: alloc.0x00000000000000000000000000000000000000AB.storage: holds a slot whose value is zero: leave it out",
		"line 28: alloc.0x0000F90827F1C53a10cb7A02335B175320002935: must be the history contract of EIP-2935 with nonce 1 and its own code (leave it out, then it is put in)",
	}
	got := strings.Split(err.Error(), "\n")
	// The sum of the balances concerns the whole allocation and is reported at
	// its head.
	want = append(want[:23], append([]string{"line 21: alloc: all balances together exceed 2^256-1 wei"}, want[23:]...)...)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestGovernanceFaults: permissions and rules of votes.
func TestGovernanceFaults(t *testing.T) {
	a, b := common.Address{1}.Hex(), common.Address{2}.Hex()
	for in, want := range map[string]string{
		`"permissions": {"senders": "shut"}`:                                                                     `line 1: permissions.senders: "shut" is not known: write "open" or "closed"`,
		`"permissions": {"deployers": ""}`:                                                                       `line 1: permissions.deployers: "" is not known: write "open" or "closed"`,
		`"permissions": {"roles": {"sender": {}}}`:                                                               `line 1: permissions.roles.sender: unknown key, did you mean "senders"?`,
		`"permissions": {"roles": {"senders": {"admin": []}}}`:                                                   `line 1: permissions.roles.senders.admin: unknown key, did you mean "admins"?`,
		`"permissions": {"roles": {"senders": {"admins": ["0x01"]}}}`:                                            `line 1: permissions.roles.senders.admins[0]: "0x01" is no address: 0x and 40 hexadecimal digits are expected`,
		fmt.Sprintf(`"permissions": {"roles": {"senders": {"admins": [%q, %q]}}}`, a, a):                         fmt.Sprintf(`line 1: permissions.roles.senders.admins[1]: %s stands already at permissions.roles.senders.admins[0]: an account has one role`, a),
		fmt.Sprintf(`"permissions": {"roles": {"observers": {"managers": [%q], "enabled": [%q, %q]}}}`, b, a, b): fmt.Sprintf(`line 1: permissions.roles.observers.enabled[1]: %s stands already at permissions.roles.observers.managers[0]: an account has one role`, b),
		fmt.Sprintf(`"permissions": {"roles": {"deployers": {"enabled": [%q]}}}`, common.Address{}):              `line 1: permissions.roles.deployers.enabled[0]: the zero address sends nothing`,
		`"governance": {"approvalPercent": 49}`:                                                                  `line 1: governance.approvalPercent: 49 is outside 50 … 99`,
		`"governance": {"approvalPercent": 100}`:                                                                 `line 1: governance.approvalPercent: 100 is outside 50 … 99`,
		`"governance": {"turnoutPercent": 101}`:                                                                  `line 1: governance.turnoutPercent: 101 is outside 0 … 100`,
		`"governance": {"proposalSeconds": 59}`:                                                                  `line 1: governance.proposalSeconds: 59 is outside 60 … 31536000`,
		`"governance": {"proposalSeconds": 31536001}`:                                                            `line 1: governance.proposalSeconds: 31536001 is outside 60 … 31536000`,
		`"governance": {"quorum": 1}`:                                                                            `line 1: governance.quorum: unknown key, known are: approvalPercent, turnoutPercent, proposalSeconds`,
		`"alloc": {"0x71756f7261746500000000000000000000000002": {}}`:                                            `line 1: alloc.0x71756f7261746500000000000000000000000002: is the system contract of the validators, which follows from the rest of the document: leave it out`,
	} {
		doc := fmt.Sprintf(`{"chainId":1,"validators":[%s],%s}`, bytes.TrimSpace(compact(EncodeMember(testValidator(t, 1)))), in)
		if _, err := Parse([]byte(doc)); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
	}
}

func TestAllocFaults(t *testing.T) {
	for in, want := range map[string]string{
		`{"0x00000000000000000000000000000000000000ab": {}, "0x00000000000000000000000000000000000000AB": {}}`: "line 1: alloc.0x00000000000000000000000000000000000000AB: the account stands twice, first at line 1",
		`{"0x00000000000000000000000000000000000000ab": {"storage": {"0x1": "0x1", "0x01": "0x2"}}}`:           "line 1: alloc.0x00000000000000000000000000000000000000AB.storage.0x01: the slot stands twice",
		`{"0x00000000000000000000000000000000000000ab": {"storage": {"0x1": "1"}}}`:                            `line 1: alloc.0x00000000000000000000000000000000000000AB.storage.0x1: value: "1" is no 0x-prefixed hexadecimal word of at most 32 bytes`,
		`{"0x00000000000000000000000000000000000000ab": {"storage": []}}`:                                      "line 1: alloc.0x00000000000000000000000000000000000000AB.storage: is a list, an object from slot to value is expected",
		`{"0x00000000000000000000000000000000000000ab": {"balance": "+5"}}`:                                    `line 1: alloc.0x00000000000000000000000000000000000000AB.balance: "+5" is no amount of wei: decimal or 0x digits of at most 256 bits are expected`,
		`{"0x00000000000000000000000000000000000000ab": 5}`:                                                    "line 1: alloc.0x00000000000000000000000000000000000000AB: is a number, an object is expected",
		`[]`: "line 1: alloc: is a list, an object from address to account is expected",
	} {
		v := testValidator(t, 1)
		doc := fmt.Sprintf(`{"chainId":1,"validators":[%s],"alloc":%s}`, bytes.TrimSpace(compact(EncodeMember(v))), in)
		if _, err := Parse([]byte(doc)); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
	}
}

func compact(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), nil) }

func TestNotJSON(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "line 1: not valid JSON: the document ends too early",
		"{\n\"a\": 1":           "line 2: not valid JSON: the document ends too early",
		"{}\n{}":                "line 2: not valid JSON: more text after the end of the document",
		"{\n\n\"a\" 1}":         "line 3: not valid JSON: invalid character '1' after object key",
		"[]":                    "line 1: is a list, an object is expected",
		strings.Repeat("[", 99): "line 1: not valid JSON: nested deeper than 16 levels",
	} {
		_, err := Parse([]byte(in))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %s", in, err, want)
		}
	}
}

func TestManyFaults(t *testing.T) {
	_, err := ParseAlloc([]byte("{" + strings.Repeat(`"0x": {},`, maxShown+5) + `"0x": {}}`))
	if got := strings.Split(err.Error(), "\n"); len(got) != maxShown+1 || got[maxShown] != "… and 6 more" {
		t.Errorf("%d lines, the last is %s", len(got), got[len(got)-1])
	}
}

func TestValidateWithoutDocument(t *testing.T) {
	g := testGenesis(t)
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	g.Validators, g.ChainID = nil, 0
	delete(g.Alloc, forkContracts[0].address)
	g.Alloc[SuspensionAccount] = types.Account{Balance: new(big.Int)}
	want := "chainId: 0 is outside 1 … 4503599627370476\n" +
		"validators: is empty: at least one validator is needed\n" +
		"alloc.0x0000F90827F1C53a10cb7A02335B175320002935: must be the history contract of EIP-2935 with nonce 1 and its own code (leave it out, then it is put in)\n" +
		"alloc.0x71756F7261746500000000000000000000000001: is the account in which the protocol records suspended primaries: leave it out"
	if err := g.Validate(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestHints(t *testing.T) {
	for _, name := range []string{strings.Repeat("x", 65), "a\nb", " a", "\x1b[31m"} {
		g := testGenesis(t)
		g.Validators[0].Name = name
		if err := g.Validate(); err == nil || !strings.HasPrefix(err.Error(), "validators[0].name: ") {
			t.Errorf("name %q: %v", name, err)
		}
	}
	g := testGenesis(t)
	g.Validators[0].Addresses = make([]string, MaxAddresses+1)
	g.Validators[1].Address = common.Address{}
	if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "validators[0].addresses: 9 of them") || !strings.Contains(err.Error(), "the zero address") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(testGenesis(f).Encode())
	f.Add([]byte(`{"chainId":1,"validators":[],"alloc":{"0x00":{"storage":{"0x":"0x"}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(g.Encode())
		if err != nil || !bytes.Equal(again.Canonical(), g.Canonical()) {
			t.Fatalf("what was written does not read back: %v", err)
		}
	})
}
