package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestGrowAndShrink has a network of one validator grow by votes, under load and with
// members killed in between, and shrink to four again: it never halts, no receipt that
// was served is lost, all agree, and one block of every epoch is proved from genesis
// alone. With -long it grows to thirteen.
func TestGrowAndShrink(t *testing.T) {
	full(t)
	sizes := []int{4, 7}
	if *long {
		sizes = append(sizes, 13)
	}
	random := seed(t)
	d := startDevnet(t, 1, 0)
	members := []*node{d.Validators[0]} // the first takes the load, and stays
	// As much as goes would be 40 blocks a second: on two cores, which the newcomers
	// share with everybody, a chain that grows nearly as fast as they can follow.
	load := startPacedLoad(d, members, 2, 200*time.Millisecond)
	load.await(commitLimit, 20)
	for _, size := range sizes {
		for len(members) < size {
			n := d.invite(t)
			d.vote(t, len(members), members, "validators", "propose-add", n.Address.Hex(), "--node-id", n.NodeID, "--name", fmt.Sprintf("member-%d", len(members)))
			members = append(members, n)
			signsBlocks(t, members[0], n.Address)
		}
		victim := pick(random, members[1:])
		d.interrupt(t, victim, load)
		t.Logf("%d validators at %d receipts; %s was killed", size, load.served(), victim.Address)
	}
	var gone *node
	for len(members) > 4 {
		i := 1 + random.IntN(len(members)-1)
		leaves := members[i]
		members = slices.Delete(members, i, i+1)
		d.vote(t, len(members)+1, members, "validators", "propose-remove", leaves.Address.Hex())
		validates(t, members, leaves.Address, false)
		leaves.own.stop()
		load.await(commitLimit, 20)
		gone = leaves
	}
	showsOldBlocks(t, gone)
	d.interrupt(t, members[3], load)
	load.finish()
	head := settled(t, members, recoverLimit)
	agree(t, members, head)
	load.verify(members)
	t.Logf("%d receipts served in %d blocks, %d epochs proved", load.served(), head, d.provesEveryEpoch(t, members[1], load))
}

// showsOldBlocks starts a node that was taken out, whether it has heard of that or not:
// it has its blocks.
func showsOldBlocks(t *testing.T, n *node) {
	t.Helper()
	n.restart(n.own.cmd.Args[4:]...)
	if b, err := n.block(t.Context(), 1); err != nil || b == nil {
		t.Errorf("block 1 of a node that was taken out: %v", err)
	}
	n.own.stop()
}

// vote has as many members decide as must agree in a set of some size, and waits until
// it holds.
func (d *devnet) vote(t *testing.T, size int, members []*node, args ...string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			tellStates(t, members)
		}
	}()
	began := time.Now()
	sign := func(n *node) []string { return []string{"--dir", n.Dir, "--rpc", n.RPC, "--json"} }
	var o outcome
	read := func(args ...string) {
		t.Helper()
		if err := json.Unmarshal([]byte(mustRun(t, args...)), &o); err != nil {
			t.Fatal(err)
		}
	}
	wait := []string{"--wait", "--timeout", "40s"}
	need := size/2 + 1
	propose := slices.Concat(args, sign(members[0]))
	if need == 1 {
		propose = append(propose, wait...)
	}
	read(propose...)
	for i := 1; i < need; i++ {
		vote := slices.Concat([]string{"validators", "vote", o.Proposal.ID}, sign(members[i]))
		if i == need-1 {
			vote = append(vote, wait...)
		}
		read(vote...)
	}
	if !o.Passed || !o.Active {
		t.Fatalf("%v: %+v", args, o)
	}
	t.Logf("%v holds after %s", args, ms(time.Since(began)))
}

// interrupt kills a member with SIGKILL; the others go on, and so does it when it is
// back.
func (d *devnet) interrupt(t *testing.T, n *node, load *load) {
	t.Helper()
	n.own.kill()
	load.await(recoverLimit, 20)
	n.restart(n.own.cmd.Args[4:]...) // after the name, start, --dir and the folder
	signsBlocks(t, d.Validators[0], n.Address)
}

// provesEveryEpoch checks the proof of one transaction of each epoch that has one, and
// returns how many that were.
func (d *devnet) provesEveryEpoch(t *testing.T, n *node, load *load) int {
	t.Helper()
	proved := map[uint64]bool{}
	file := filepath.Join(t.TempDir(), "proof.json")
	for _, s := range load.journal {
		c, err := n.certificate(t.Context(), s.number)
		if err != nil || c == nil {
			t.Fatalf("certificate of %d: %v", s.number, err)
		}
		if proved[c.Epoch] {
			continue
		}
		proof, err := n.call(t.Context(), "pbft_finalityProof", s.tx)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, proof, 0o600); err != nil {
			t.Fatal(err)
		}
		mustRun(t, "verify", file, "--genesis", filepath.Join(d.dir, "genesis.json"))
		proved[c.Epoch] = true
	}
	return len(proved)
}

// tellStates prints where each node stands, and the end of what it said.
func tellStates(t *testing.T, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), commitLimit)
		said, err := n.call(ctx, "pbft_status")
		cancel()
		t.Logf("%s %s: %s %v\n%s", n.Name, n.Address, said, err, n.logTail(25))
	}
	_, out, errs := run(t, "validators", "status", "--rpc", nodes[0].RPC)
	t.Logf("%s%s", out, errs)
}
