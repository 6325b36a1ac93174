package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus/light"
)

// TestMembersByVote is the life of a network by its command line, under load: a fifth
// member is invited, voted in, attests by itself and signs blocks; a founder is voted
// out; at rest, a parameter is changed and holds within seconds.
func TestMembersByVote(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	load := startLoad(d, d.Validators[1:], 3)
	load.await(commitLimit, 100)
	newcomer := d.invite(t)
	founder, others := d.Validators[0], append(d.Validators[1:4:4], newcomer)

	d.decide(t, d.Validators[:3], "validators", "propose-add", newcomer.Address.Hex(), "--node-id", newcomer.NodeID, "--name", newcomer.Name)
	signsBlocks(t, d.Validators[1], newcomer.Address)
	load.await(commitLimit, 100)

	d.decide(t, []*node{newcomer, d.Validators[1], d.Validators[2]}, "validators", "propose-remove", founder.Address.Hex())
	validates(t, others, founder.Address, false)
	load.await(commitLimit, 100)
	load.finish()

	began := time.Now()
	d.decide(t, others[:3], "params", "propose", "blockGasLimit", "120000000")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("on an idle chain a parameter holds after %s", took)
	}
	last := send(t, others[1], d.account(5).transfer(founder.Address, 1)) // in a block of the new epoch
	final(t, others[1], last)
	head := settled(t, others, commitLimit)
	agree(t, others, head)
	load.verify(others)
	for _, n := range others {
		h, err := n.eth.HeaderByNumber(t.Context(), nil)
		if err != nil || h.GasLimit != 120_000_000 {
			t.Errorf("%s: the gas limit is %d, %v", n.Name, h.GasLimit, err)
		}
	}
	provesFromGenesis(t, d, newcomer, load)
	sameVerdicts(t, d, newcomer, load)
	trustsCheckpoint(t, d, newcomer, load.journal[0].tx, last)
	t.Logf("%d receipts served in %d blocks", load.served(), head)
}

// TestRemovalRefused: a removal that would leave fewer validators than must agree, of
// those that can be reached, is refused with the arithmetic; --force does it, and the
// network stands until the missing one is back.
func TestRemovalRefused(t *testing.T) {
	full(t)
	d := startDevnet(t, 3, 0)
	by, leaves, away := d.Validators[0], d.Validators[1], d.Validators[2]
	d.leave(away)
	propose := []string{"validators", "propose-remove", leaves.Address.Hex(), "--dir", by.Dir, "--rpc", by.RPC}
	code, out, errs := run(t, propose...)
	for _, want := range []string{"the network has 2 validators, of which 2 must agree, and only 1 of them are reachable", away.Address.Hex(), "--force"} {
		if code != 7 || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, want 7; says %q, want %q %s", code, errs, want, out)
		}
	}
	mustRun(t, append(propose, "--force")...)
	mustRun(t, "validators", "vote", "1", "--dir", leaves.Dir, "--rpc", leaves.RPC, "--force")
	away.restart()
	validates(t, []*node{by, away}, leaves.Address, false)
	final(t, by, send(t, by, d.account(5).transfer(leaves.Address, 1)))
}

// TestJoinPage runs docs/operate/join.md.
func TestJoinPage(t *testing.T) {
	full(t)
	own := freePorts(t, 1)
	membersPage(t, "operate/join.md", "quorate validators status", "quorate validators status --rpc $RPC",
		"30399", strconv.Itoa(own.p2p), "8599", strconv.Itoa(own.rpc), "9599", strconv.Itoa(own.admin))
}

// TestRotateKeyPage runs docs/operate/rotate-key.md.
func TestRotateKeyPage(t *testing.T) {
	full(t)
	membersPage(t, "operate/rotate-key.md")
}

// membersPage runs a page that begins with a devnet of four.
func membersPage(t *testing.T, name string, replace ...string) {
	t.Helper()
	dir, p := t.TempDir(), freePorts(t, 4)
	t.Cleanup(func() { noneLeft(t, dir, stopLimit) })
	runPage(t, name, dir, []string{"RPC=http://127.0.0.1:" + strconv.Itoa(p.rpc)}, append(replace,
		"quorate devnet --dir net --validators 4", "quorate devnet --dir net --validators 4 "+strings.Join(p.flags(), " "),
		"quorate validators list", "quorate validators list --rpc $RPC")...)
}

// invite makes and starts a node that genesis does not know.
func (d *devnet) invite(t *testing.T) *node {
	t.Helper()
	p := freePorts(t, 1)
	file, dir := filepath.Join(t.TempDir(), "invitation.json"), filepath.Join(t.TempDir(), "newcomer")
	mustRun(t, "network", "invite", "--dir", d.Validators[0].Dir, "--output", file)
	var doc struct {
		Address common.Address `json:"address"`
		NodeID  string         `json:"nodeId"`
		Genesis common.Hash    `json:"genesisHash"`
		Propose string         `json:"propose"`
	}
	out := mustRun(t, "network", "join", file, "--dir", dir, "--address", fmt.Sprintf("127.0.0.1:%d", p.p2p), "--light-kdf", "--json")
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("quorate validators propose-add %s --node-id %s --name newcomer", doc.Address, doc.NodeID); doc.Propose != want || doc.Genesis != d.Genesis {
		t.Errorf("join says %s", out)
	}
	n := &node{Name: "newcomer", Address: doc.Address, NodeID: doc.NodeID, Dir: dir, RPC: fmt.Sprintf("http://127.0.0.1:%d", p.rpc)}
	n.connect(t)
	n.restart("--rpc-port", fmt.Sprint(p.rpc), "--admin-port", fmt.Sprint(p.admin), "--memory", "256MiB")
	return n
}

// outcome is what commands that decide print with --json.
type outcome struct {
	Passed   bool `json:"passed"`
	Active   bool `json:"active"`
	Proposal struct {
		ID        string           `json:"id"`
		Approvals []common.Address `json:"approvals"`
	} `json:"proposal"`
}

// decide has the first member propose and the others vote; the last of them waits
// until it holds.
func (d *devnet) decide(t *testing.T, by []*node, args ...string) {
	t.Helper()
	sign := func(n *node) []string { return []string{"--dir", n.Dir, "--rpc", n.RPC, "--json"} }
	read := func(args ...string) (o outcome) {
		t.Helper()
		if err := json.Unmarshal([]byte(mustRun(t, args...)), &o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	if o := read(append(slices.Concat(args, sign(by[0])), "--dry-run")...); o.Passed || len(o.Proposal.Approvals) != 1 {
		t.Errorf("dry run: %+v", o)
	}
	o := read(slices.Concat(args, sign(by[0]))...)
	id := o.Proposal.ID
	for i, n := range by[1:] {
		vote := slices.Concat([]string{"validators", "vote", id}, sign(n))
		if i == len(by)-2 {
			vote = append(vote, "--wait", "--timeout", "40s")
		}
		if o = read(vote...); len(o.Proposal.Approvals) != i+2 {
			t.Errorf("after the vote of %s: %+v", n.Name, o)
		}
	}
	if !o.Passed || !o.Active {
		t.Errorf("%s: %+v", strings.Join(args, " "), o)
	}
}

// validates waits until a validator is, or is no more, of the set of the next block.
func validates(t *testing.T, nodes []*node, who common.Address, want bool) {
	t.Helper()
	for _, n := range nodes {
		eventually(t, commitLimit, "the set changes on "+n.Name, func(ctx context.Context) error {
			s, err := n.status(ctx)
			if err != nil {
				return err
			}
			for _, v := range s.Validators {
				if v.Address == who && !want {
					return errors.New("it is still there")
				}
			}
			return nil
		})
	}
}

// signsBlocks waits until the certificate of a block has a validator's signature.
func signsBlocks(t *testing.T, at *node, who common.Address) {
	t.Helper()
	eventually(t, commitLimit, "it signs a block", func(ctx context.Context) error {
		head, err := at.head(ctx)
		if err != nil {
			return err
		}
		c, err := at.certificate(ctx, head-1)
		if err != nil {
			return err
		}
		if c == nil || !slices.Contains(c.signed(), who) {
			return fmt.Errorf("not block %d", head-1)
		}
		return nil
	})
}

// provesFromGenesis checks a proof of the load's last transaction, which was final
// under another set than that of genesis.
func provesFromGenesis(t *testing.T, d *devnet, n *node, l *load) {
	t.Helper()
	last := l.journal[len(l.journal)-1]
	proof, err := n.call(t.Context(), "pbft_finalityProof", last.tx)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "proof.json")
	if err := os.WriteFile(file, proof, 0o600); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, "verify", file, "--genesis", filepath.Join(d.dir, "genesis.json"), "--json")
	var v struct {
		Valid      bool   `json:"valid"`
		Epoch      uint64 `json:"epoch"`
		Validators int    `json:"validators"`
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || !v.Valid || v.Epoch == 0 || v.Validators != 4 {
		t.Errorf("%s, %v", out, err)
	}
}

// trustsCheckpoint: who knows a checkpoint is shown no block before it, for the founders'
// keys could prove another one, and every block after it.
func trustsCheckpoint(t *testing.T, d *devnet, n *node, before, after common.Hash) {
	t.Helper()
	var stable struct {
		Seq       uint64
		BlockHash common.Hash
	}
	if err := n.raw.CallContext(t.Context(), &stable, "pbft_stableCheckpoint"); err != nil {
		t.Fatal(err)
	}
	s, err := n.status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var set []common.Address
	for _, v := range s.Validators { // no change of the set is under way
		set = append(set, v.Address)
	}
	known := light.Checkpoint{Number: stable.Seq, Block: stable.BlockHash, Set: light.SetHash(set)}.String()
	if code, _, errs := run(t, "network", "checkpoint", "--rpc", n.RPC); code == 0 || !strings.Contains(errs, "there is none yet") {
		t.Errorf("a network of seconds has a checkpoint to give: exit code %d, %s", code, errs)
	}
	for tx, want := range map[common.Hash]int{before: 3, after: 0} {
		proof, err := n.call(t.Context(), "pbft_finalityProof", tx)
		if err != nil {
			t.Fatal(err)
		}
		code, _, errs := run(t, "verify", proofFile(t, proof), "--genesis", filepath.Join(d.dir, "genesis.json"), "--checkpoint", known)
		if code != want || code != 0 && !strings.Contains(errs, "before the checkpoint that is trusted") {
			t.Errorf("exit code %d, want %d: %s", code, want, errs)
		}
	}
}

// sameVerdicts has "quorate verify" and contracts/QuorateFinality.sol judge the same
// proof, and what is nearly it.
func sameVerdicts(t *testing.T, d *devnet, n *node, l *load) {
	t.Helper()
	if err := npmInstall(); err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(map[string]any{
		"chainId": d.ChainID, "rpc": []string{n.RPC}, "quorate": quorate,
		"genesis": filepath.Join(d.dir, "genesis.json"), "transaction": l.journal[len(l.journal)-1].tx,
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := clientCommand(t, "node", "setchange.mjs", string(doc)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checks, _ := readChecks(t, bytes.NewBuffer(out))
	t.Log(strings.Join(checks, ", "))
}

// TestCreateNetworkPage runs docs/operate/create-network.md.
func TestCreateNetworkPage(t *testing.T) {
	full(t)
	dir, p := t.TempDir(), freePorts(t, 4)
	t.Cleanup(func() { noneLeft(t, dir, stopLimit) })
	replace := []string{
		"8545 + i", fmt.Sprintf("%d + i", p.rpc), "9545 + i", fmt.Sprintf("%d + i", p.admin),
		"quorate validators list", "quorate validators list --rpc http://127.0.0.1:" + strconv.Itoa(p.rpc),
		"quorate status", "quorate status --rpc http://127.0.0.1:" + strconv.Itoa(p.rpc),
		"quorate genesis member", "quorate genesis member --light-kdf",
	}
	for i := range 4 {
		replace = append(replace, strconv.Itoa(30303+i), strconv.Itoa(p.p2p+i))
	}
	runPage(t, "operate/create-network.md", dir, nil, replace...)
}

// TestRecoverPage runs docs/operate/recover.md.
func TestRecoverPage(t *testing.T) {
	full(t)
	dir, p, own := t.TempDir(), freePorts(t, 4), freePorts(t, 1)
	t.Cleanup(func() { noneLeft(t, dir, stopLimit) })
	node := "--rpc http://127.0.0.1:" + strconv.Itoa(p.rpc)
	runPage(t, "operate/recover.md", dir, nil,
		"quorate genesis new --validators 4 --output net", "quorate genesis new --validators 4 --output net "+strings.Join(p.flags(), " "),
		"quorate validators list", "quorate validators list "+node, "quorate status", "quorate status "+node,
		"127.0.0.1:8545", "127.0.0.1:"+strconv.Itoa(p.rpc), "127.0.0.1:30303", "127.0.0.1:"+strconv.Itoa(p.p2p),
		"30399", strconv.Itoa(own.p2p), "8599", strconv.Itoa(own.rpc), "9599", strconv.Itoa(own.admin))
}
