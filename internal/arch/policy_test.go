package arch

import (
	"slices"
	"strings"
	"testing"
)

// policy says what each package may import of ours. A name that ends in /...
// stands for the whole subtree. Tests may import more, but for those of
// consensus/pbft.
var policy = map[string][]string{
	"consensus":               {},
	"consensus/pbft":          {"consensus"},
	"consensus/pbft/pbfttest": {"consensus", "consensus/pbft"},
	"consensus/engine":        {"consensus", "consensus/pbft"},
	"consensus/light":         {"consensus", "genesis", "recovery"},
	"contracts":               {},
	"contracts/contractstest": {"chain", "chain/chaintest", "consensus", "contracts", "genesis", "keys", "recovery", "state"},
	"genesis":                 {"consensus", "contracts", "internal/suggest"},
	"govern":                  {"consensus", "consensus/light", "contracts", "genesis", "keys", "registry"},
	"keys":                    {"consensus"},
	"keys/softhsm":            {}, // for tests
	"recovery":                {"consensus", "genesis"},
	"registry":                {"consensus", "contracts", "genesis", "recovery"},
	"store":                   {},
	"store/storetest":         {},
	"state":                   {"genesis", "registry", "store", "internal/cores"},
	"index":                   {"store", "internal/cores"},
	"chain":                   {"consensus", "consensus/light", "genesis", "recovery", "registry", "store", "state", "index", "internal/cores"},
	"chain/chaintest":         {"consensus", "genesis", "store", "state", "chain"},
	"txpool":                  {"internal/cores"},
	"p2p":                     {"internal/cores"},
	"p2p/p2ptest":             {"p2p"},
	"blocksync":               {"consensus", "chain", "state", "store", "internal/cores"}, // store: only the error of a full disk
	"statesync":               {"consensus", "chain", "state", "store"},

	"rpc":          {"rpc/access", "internal/cores"},
	"rpc/access":   {},
	"rpc/discover": {"rpc"},
	"rpc/eth":      {"consensus", "registry", "chain", "state", "index", "txpool", "rpc", "rpc/ethjson"},
	"rpc/ethjson":  {"internal/cores"},
	"rpc/net":      {"rpc"},
	"rpc/rpctest":  {"rpc", "rpc/discover"},
	"rpc/pbft":     {"consensus", "consensus/light", "genesis", "registry", "chain", "rpc"}, // genesis: only how a node id is written, and which forks there are

	"rpc/gethbackend": {"state", "rpc"},
	"rpc/debug":       {"rpc", "rpc/gethbackend"},
	"rpc/index":       {"index", "store", "rpc"},
	"rpc/ots":         {"state", "rpc", "rpc/ethjson", "rpc/gethbackend"},
	"rpc/stream":      {"chain", "rpc", "rpc/ethjson", "rpc/pbft"},
	"rpc/txpool":      {"txpool", "rpc", "rpc/ethjson"},

	"archive":        {"chain", "consensus", "rpc/pbft", "rpc/stream"},
	"archive/tables": {"archive"},
	"explorer":       {},

	"node":        {"..."}, // the composition root
	"node/config": {"consensus/light", "genesis", "keys", "rpc", "rpc/access", "internal/suggest"},
	"node/devnet": {"consensus", "genesis", "keys", "node/config"},
	"node/admin":  {},

	"cmd/quorate": {"archive/...", "consensus/light", "consensus/pbft/pbfttest", "node/...", "contracts", "genesis", "govern", "keys", "bench", "recovery", "rpc/access", "internal/suggest", "internal/cores"},
	"bench":       {},
	"e2e":         {}, // real processes, seen from outside

	"internal/arch":      {},
	"internal/cores":     {},
	"internal/bubble":    {"..."}, // whole nodes
	"internal/mutants":   {},      // reads sources and runs the go command
	"internal/racetest":  {},      // runs the go command
	"internal/reference": {},      // documents, and the tests that write them
	"internal/suggest":   {},
}

func TestImportPolicy(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range files(t) {
		if f.test {
			continue
		}
		allowed, ok := policy[f.pkg]
		if !ok && !seen[f.pkg] {
			t.Errorf("package %s has no line in the table of internal/arch: decide what it may import of ours", f.pkg)
		}
		seen[f.pkg] = true
		for imported := range imports(t, f) {
			own, ours := strings.CutPrefix(imported, module+"/")
			if ok && ours && !permits(allowed, own) {
				t.Errorf("%s/%s imports %s, which the table of internal/arch does not allow", f.pkg, f.name, own)
			}
		}
	}
	for pkg := range policy {
		if !seen[pkg] {
			t.Errorf("package %s has a line in the table of internal/arch, but does not exist", pkg)
		}
	}
}

func permits(allowed []string, pkg string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		tree, isTree := strings.CutSuffix(a, "...")
		tree = strings.TrimSuffix(tree, "/")
		return a == pkg || isTree && (tree == "" || pkg == tree || strings.HasPrefix(pkg, tree+"/"))
	})
}

// TestPermits: a policy that allows everything would make the test above pass.
func TestPermits(t *testing.T) {
	for _, row := range []struct {
		allowed string
		pkg     string
		want    bool
	}{
		{"consensus", "consensus", true},
		{"consensus", "consensus/pbft", false},
		{"consensus", "con", false},
		{"node/...", "node", true},
		{"node/...", "node/config", true},
		{"node/...", "nodes", false},
		{"...", "p2p", true},
	} {
		if permits([]string{row.allowed}, row.pkg) != row.want {
			t.Errorf("%q permits %q: %v", row.allowed, row.pkg, !row.want)
		}
	}
}

// TestForeignImports: libraries of go-ethereum only, under names that cannot
// be confused with ours.
func TestForeignImports(t *testing.T) {
	const geth = "github.com/ethereum/go-ethereum/"
	for _, f := range files(t) {
		for imported, name := range imports(t, f) {
			switch {
			case strings.HasPrefix(imported, geth+"cmd/"):
				t.Errorf("%s/%s imports %s, which is GPL", f.pkg, f.name, imported)
			case imported == geth+"consensus" && name != "gethconsensus":
				t.Errorf("%s/%s imports %s as %s, not as gethconsensus", f.pkg, f.name, imported, name)
			case imported == geth+"ethdb/pebble":
				t.Errorf("%s/%s imports %s, which writes without sync in the old format", f.pkg, f.name, imported)
			}
		}
	}
}
