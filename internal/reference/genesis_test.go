package reference

import (
	"fmt"
	"go/ast"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// genesisTexts say what the members of the document mean, by the decoder's
// function that reads them.
var genesisTexts = map[string]map[string]string{
	"genesis": {
		"chainId":     fmt.Sprintf("EIP-155 chain id, 1 … %d.", uint64(genesis.MaxChainID)),
		"timestamp":   fmt.Sprintf("Time of block 0 in seconds since 1970, up to %d. Default 0.", uint64(genesis.MaxTimestamp)),
		"forks":       "Activation times of the EVM's rules.",
		"parameters":  "Protocol parameters, see below. Each has a default.",
		"permissions": "Who may do what, see below.",
		"governance":  "How the members vote, see below.",
		"recovery":    "Who may name a new validator set when more are lost for ever than the protocol bears, see below. Without it nobody may, and it cannot be put in later.",
		"validators":  fmt.Sprintf("The members that vote, 1 … %d, in any order: the protocol counts them by ascending address.", consensus.MaxValidators),
		"alloc":       "Accounts of block 0 by address. The contracts of EIP-2935 and EIP-4788 are put in if they are left out; `" + genesis.SuspensionAccount.Hex() + "` is reserved for the protocol, the [system contracts](../protocol.md#system-contracts) follow from the rest of the document and must not stand here.",
		"osaka":       "In `forks`. Must be 0: all forks to Osaka are active from block 0.",
	},
	"validator": {
		"address":   "Of the validator key, with EIP-55 checksum.",
		"nodeId":    "libp2p peer id of the node key.",
		"name":      fmt.Sprintf("For people; at most %d bytes, printable. A hint: not part of the hash.", genesis.MaxNameLength),
		"addresses": fmt.Sprintf("Where the node is found, host:port or multiaddr, at most %d. Hints: not part of the hash.", genesis.MaxAddresses),
		"proof":     "Proof of possession of the validator key, 65 bytes; `genesis member` makes it.",
	},
	"permissions": {
		"observers": fmt.Sprintf("Nodes that may follow without a vote, at most %d: `{nodeId, name, addresses}`. Default none.", genesis.MaxObservers),
		"senders":   "Who may send transactions: `open`, the default, is everybody who is not frozen, `closed` every account with a role.",
		"deployers": "Who may deploy contracts, the same.",
		"roles":     "Accounts with a role in one of three lists: who sends, who deploys, who lets observers in.",
	},
	"roles": {
		"senders":   "`{admins, managers, enabled}`, see below.",
		"deployers": "The same.",
		"observers": "The same.",
	},
	"roleList": {
		"admins":   "Addresses with EIP-55 checksum. They give and take every role. Default none.",
		"managers": "They make Enabled of accounts without a role, and the reverse. Default none.",
		"enabled":  "They do what the list is about, as admins and managers do. Default none.",
	},
	"recovery": {
		"keys":      fmt.Sprintf("Addresses of 1 … %d keys that no node holds, with EIP-55 checksum, in any order; none may be a validator's.", genesis.MaxRecoveryKeys),
		"threshold": "How many of them must sign a recovery: more than half.",
	},
	"account": {
		"balance": "Wei, as a decimal or 0x string, never as a JSON number. Default 0.",
		"nonce":   "Whole number. Default 0.",
		"code":    "Runtime code. Default none.",
		"storage": "From slot to value, 32-byte words; no zero values.",
	},
}

func TestReferenceGenesis(t *testing.T) {
	Check(t, "genesis.md", `# Genesis

One JSON document says which chain it is, who validates it, by which parameters, and who owns what in block 0.
The **genesis hash** is the hash of block 0, whose extraData is keccak256 of the canonical document: sorted keys, no
white space, addresses with checksum, validators by ascending address, and without names and network addresses.
`+"`quorate genesis new`"+` and `+"`quorate genesis assemble`"+` write it, `+"`validate`, `show` and `hash`"+` read it.
Unknown keys are errors; all faults are reported at once, with their line.

## The document

`+members(t, "genesis")+"\n## parameters\n\n"+parameters(t)+
		"\nWith `primarySpan` 0 a primary stays until a view change or the end of its epoch; then a primary that leaves\n"+
		"transactions out is noticed by the request timer alone. With R > 0 another validator proposes after R sequence\n"+
		"numbers, so that f faulty ones can hold a transaction back for f·R blocks at most.\n"+"\n## permissions\n\n"+members(t, "permissions")+
		"\n### roles\n\n"+members(t, "roles")+"\nEach of them:\n\n"+members(t, "roleList")+
		"\nAn account has one role in a list. This is block 0; later changes are [votes or transactions](../protocol.md#system-contracts).\n"+
		"\n## governance\n\n"+governance(t)+
		"\n## recovery\n\n"+members(t, "recovery")+"\n[A page](../operate/recover.md) shows how it is used.\n"+
		"\n## Each of validators\n\n"+members(t, "validator")+"\n## Each account of alloc\n\n"+members(t, "account"))
}

// members lists what a function of the decoder reads.
func members(t *testing.T, function string) string {
	texts, seen := genesisTexts[function], 0
	d := methodsOf(t, module+"genesis", "decoder")[function]
	if d == nil {
		t.Fatalf("package genesis has no decoder for %s", function)
	}
	var rows [][]string
	ast.Inspect(d, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 3 {
			return true
		}
		if id, ok := lit.Type.(*ast.Ident); !ok || id.Name != "field" {
			return true
		}
		name, _ := unquote(lit.Elts[0])
		text, ok := texts[name]
		if !ok {
			t.Errorf("%s.%s has no text", function, name)
		}
		seen++
		required := ""
		if id, ok := lit.Elts[1].(*ast.Ident); ok && id.Name == "true" {
			required = "yes"
		}
		rows = append(rows, []string{Code(name), required, text})
		return true
	})
	if seen != len(texts) {
		t.Errorf("%s: %d members, %d texts", function, seen, len(texts))
	}
	return Table([]string{"Member", "Required", "Meaning"}, rows)
}

var outside = regexp.MustCompile(`^(\w+): \d+ is outside (\d+ … \d+)$`)

// parameters lists the protocol parameters. Their ranges are what Validate says
// when all of them are too large.
func parameters(t *testing.T) string {
	var huge consensus.Params
	enlarge(&huge)
	return numbers(t, reflect.ValueOf(consensus.DefaultParams()), huge.Validate(), commentsOf(t, "consensus", "Params"))
}

// governance lists the rules of votes in the same way.
func governance(t *testing.T) string {
	huge := genesis.Default()
	enlarge(&huge.Governance)
	return numbers(t, reflect.ValueOf(genesis.DefaultGovernance()), huge.Validate(), commentsOf(t, "genesis", "Governance"))
}

// enlarge makes every member of a struct of numbers too large.
func enlarge(to any) {
	v := reflect.ValueOf(to).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(math.MaxUint64)
	}
}

// numbers lists a struct of numbers, with the ranges that faults name.
func numbers(t *testing.T, defaults reflect.Value, faults error, comments map[string]string) string {
	ranges := map[string]string{}
	for line := range strings.SplitSeq(faults.Error(), "\n") {
		if m := outside.FindStringSubmatch(strings.TrimPrefix(line, "governance.")); m != nil {
			ranges[m[1]] = m[2]
		}
	}
	var rows [][]string
	for i := range defaults.NumField() {
		f := defaults.Type().Field(i)
		name := f.Tag.Get("json")
		if ranges[name] == "" {
			t.Errorf("parameter %s has no range", name)
		}
		rows = append(rows, []string{Code(name), fmt.Sprint(defaults.Field(i).Uint()), ranges[name], comments[f.Name]})
	}
	return Table([]string{"Member", "Default", "Range", "Meaning"}, rows)
}
