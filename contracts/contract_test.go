package contracts

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// TestSources: an artefact and its sources change together. That the sources
// compile to it is tested in e2e, which has the compiler.
func TestSources(t *testing.T) {
	for _, c := range All() {
		for file, want := range c.artefact().Sources {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			if got := hex.EncodeToString(sum[:]); got != want {
				t.Errorf("%s has changed since the artefact of %s was made: run go generate ./contracts", file, c.Name)
			}
		}
		files, err := filepath.Glob("*.sol")
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(f string) bool { return f == "QuorateFinality.sol" }) // for other chains
		if have := slices.Sorted(maps.Keys(c.artefact().Sources)); !slices.Equal(have, files) {
			t.Errorf("%s is made of %v, here are %v", c.Name, have, files)
		}
	}
}

func TestAddresses(t *testing.T) {
	last := common.HexToAddress("0x71756F7261746500000000000000000000000001")
	for _, c := range All() {
		last[19]++
		if at, ok := At(c.Address); c.Address != last || !ok || at.Name != c.Name {
			t.Errorf("%s is at %s, At says %v", c.Name, c.Address, at.Name)
		}
		if n := len(c.Code()); n == 0 || n > 24_576 {
			t.Errorf("%s has %d bytes of code", c.Name, n)
		}
	}
	for _, other := range []string{"0x71756F7261746500000000000000000000000001", "0x71756F7261746500000000000000000000000007", "0x0000000000000000000000000000000000000002"} {
		if c, ok := At(common.HexToAddress(other)); ok || IsSystem(common.HexToAddress(other)) {
			t.Errorf("%s is %s", other, c.Name)
		}
	}
	if !slices.Equal(Senders.Code(), Deployers.Code()) {
		t.Error("senders and deployers have different code")
	}
}

// TestLayout: every state variable and struct member is where layout.go says, and
// none is missing there.
func TestLayout(t *testing.T) {
	council := map[string]Field{
		"_proposalCount": ProposalCount, "_openIds": OpenProposals, "_proposals": Proposals, "_openOf": OpenOf,
		"Proposal.proposer": ProposalProposer, "Proposal.expires": ProposalExpires, "Proposal.status": ProposalStatus,
		"Proposal.action": ProposalAction, "Proposal.approvals": ProposalApprovals, "Proposal.objections": ProposalObjections,
	}
	roles := map[string]Field{
		"_accounts": Accounts, "_entries": Entries, "_frozenCount": FrozenCount,
		"Entry.role": EntryRole, "Entry.frozen": EntryFrozen, "Entry.place": EntryPlace,
	}
	join := func(parts ...map[string]Field) map[string]Field {
		out := maps.Clone(council)
		for _, p := range parts {
			maps.Copy(out, p)
		}
		return out
	}
	for _, x := range []struct {
		contract Contract
		want     map[string]Field
	}{
		{Validators, join(map[string]Field{
			"_list": MemberList, "_members": Members, "_candidateList": CandidateList, "_candidates": Candidates, "_owners": NodeOwners,
			"_version": ValidatorsVersion, "_proposalSeconds": ProposalSeconds, "_approvalPercent": ApprovalPercent, "_turnoutPercent": TurnoutPercent,
			"Member.place": MemberPlace, "Member.nodeId": MemberNodeID, "Member.name": MemberName, "Member.endpoint": MemberEndpoint,
			"Candidate.place": CandidatePlace, "Candidate.until": CandidateUntil, "Candidate.replaces": CandidateReplaces,
			"Candidate.nodeId": CandidateNodeID, "Candidate.name": CandidateName,
		})},
		{Senders, join(roles, map[string]Field{"_closed": Closed})},
		{Deployers, join(roles, map[string]Field{"_closed": Closed})},
		{Observers, join(roles, map[string]Field{
			"_keys": NodeKeys, "_nodes": Nodes, "_version": NodesVersion,
			"Node.place": NodePlace, "Node.by": NodeBy, "Node.nodeId": NodeNodeID, "Node.name": NodeName,
		})},
		{Parameters, join(map[string]Field{
			"_values": Values, "_forks": ForkList, "_forkTimes": ForkTimes, "_version": ParametersVersion,
		})},
	} {
		got := x.contract.artefact().Layout.fields(t)
		for _, label := range slices.Sorted(maps.Keys(x.want)) {
			if got[label] != x.want[label] {
				t.Errorf("%s: %s is at %v, solc puts it at %v", x.contract.Name, label, x.want[label], got[label])
			}
		}
		if len(got) != len(x.want) {
			t.Errorf("%s: solc lays out %v", x.contract.Name, slices.Sorted(maps.Keys(got)))
		}
	}
}

// fields returns where solc puts what, members as "Struct.member". A mapping has
// the size of its values if they are plain.
func (l layout) fields(t *testing.T) map[string]Field {
	t.Helper()
	out := make(map[string]Field)
	add := func(prefix string, v variable) {
		slot, err := strconv.ParseUint(v.Slot, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		kind := v.Type
		if _, value, ok := strings.Cut(strings.TrimSuffix(kind, ")"), ","); ok && strings.HasPrefix(kind, "t_mapping") && !strings.HasPrefix(value, "t_struct") && value != "t_address" {
			kind = value
		}
		size, err := strconv.Atoi(l.Types[kind].NumberOfBytes)
		if err != nil {
			t.Fatal(v.Type, err)
		}
		out[prefix+v.Label] = Field{slot, v.Offset, size}
	}
	for _, v := range l.Storage {
		add("", v)
	}
	for name, kind := range l.Types {
		if rest, ok := strings.CutPrefix(name, "t_struct("); ok {
			for _, m := range kind.Members {
				add(strings.TrimSuffix(rest, ")_storage")+".", m)
			}
		}
	}
	return out
}

func TestExplain(t *testing.T) {
	e := Parameters.ABI().Errors["OutOfRange"]
	data, err := e.Inputs.Pack(NameKey(PrimarySpan), common.Big3, common.Big0, common.Big2)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := Parameters.Explain(append(e.ID[:4:4], data...)); !ok || got != "OutOfRange(name primarySpan, value 3, low 0, high 2)" {
		t.Error(got, ok)
	}
	for _, other := range [][]byte{nil, {1, 2, 3}, {1, 2, 3, 4}, e.ID[:4], e.ID[:20]} {
		if got, ok := Parameters.Explain(other); ok {
			t.Errorf("%x: %s", other, got)
		}
	}
}
