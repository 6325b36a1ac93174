package main

// Numbers, schedule and certificates (docs/protocol.md §2, §3, §5).

const (
	validatorsGo  = "consensus/validators.go"
	scheduleGo    = "consensus/schedule.go"
	certificateGo = "consensus/certificate.go"
	voteGo        = "consensus/vote.go"
)

var numbersTable = []Mutant{
	{
		Name: "quorum 2f+1", Breaks: breaks("§2 quorum", "I1"),
		Edits: edit(validatorsGo, `return (s.Len() + s.F() + 2) / 2`, `return 2*s.F() + 1`),
	},
	{
		Name: "quorum rounded down", Breaks: breaks("§2 quorum"),
		Edits: edit(validatorsGo, `return (s.Len() + s.F() + 2) / 2`, `return (s.Len() + s.F() + 1) / 2`),
	},
	{
		Name: "f is a third", Breaks: breaks("§2 f"),
		Edits: edit(validatorsGo, `return (s.Len() - 1) / 3`, `return s.Len() / 3`),
	},
	{
		Name: "weak quorum of f", Breaks: breaks("§2 weak quorum"),
		Edits: edit(validatorsGo, `return s.F() + 1`, `return max(s.F(), 1)`),
	},
	{
		Name: "the primary never changes within a view", Breaks: breaks("§5 span"),
		Edits: edit(scheduleGo, `return uint64(seq-s.first) / s.span`, `return 0`),
	},
	{
		Name: "spans count from genesis", Breaks: breaks("§5 first of a view"),
		Edits: edit(scheduleGo, `return uint64(seq-s.first) / s.span`, `return uint64(seq-1) / s.span`),
	},
	{
		Name: "epochs begin with the same primary", Breaks: breaks("§5 rotation"),
		Edits: edit(scheduleGo, `k := int(uint64(epoch) % uint64(len(order)))`, `k := 0`),
	},
	{
		Name: "suspended validators stay primaries", Breaks: breaks("§5 suspended are no primaries"),
		Edits: edit(scheduleGo, `if !slices.Contains(suspended, set.Address(i))`, `if true`),
	},
	{
		Name: "commit certificate without quorum", Breaks: breaks("commit certificate: quorum", "I5"),
		Edits: edit(certificateGo, `if !set.HasQuorum(signers)`, `if !set.HasWeakQuorum(signers)`),
	},
	{
		Name: "signers beyond the set", Breaks: breaks("commit certificate: canonical bitset"),
		Edits: edit(certificateGo, `if err := signers.Check(set.Len()); err != nil`, `if err := error(nil); err != nil`),
	},
	{
		Name: "fewer signatures than signers", Breaks: breaks("commit certificate: one signature each"),
		Edits: edit(certificateGo, `if len(members) != len(sigs) {`, `members = members[:min(len(members), len(sigs))]; if false {`),
	},
	{
		Name: "signatures of a commit certificate unchecked", Breaks: breaks("commit certificate: signatures"),
		Edits: edit(certificateGo, `if err := verifyBy(sigs[i], preimage, set.Address(m)); err != nil`, `if _, err := sigs[i].Recover(preimage); err != nil`),
	},
	{
		Name: "view not bound in the commit certificate", Breaks: breaks("commit certificate: view bound"),
		Edits: edit(voteGo, `return w.uint(uint64(v.View)).uint(uint64(v.Seq)).hash(v.Digest).hash(v.BlockHash)`, `return w.uint(0).uint(uint64(v.Seq)).hash(v.Digest).hash(v.BlockHash)`),
	},
	{
		Name: "block not bound in the commit certificate", Breaks: breaks("commit certificate: block bound", "I9"),
		Edits: edit(voteGo, `return w.uint(uint64(v.View)).uint(uint64(v.Seq)).hash(v.Digest).hash(v.BlockHash)`, `return w.uint(uint64(v.View)).uint(uint64(v.Seq)).hash(v.Digest)`),
	},
	{
		Name: "epoch not bound in votes", Breaks: breaks("commit certificate: epoch bound"),
		Edits: edit(voteGo, `.uint(uint64(v.Kind)).uint(uint64(v.Epoch))`, `.uint(uint64(v.Kind)).uint(0)`),
	},
	{
		Name: "prepared certificate without quorum", Breaks: breaks("prepared certificate: quorum"),
		Edits: edit(certificateGo, `if len(c.Signatures) < set.Quorum() {`, `if len(c.Signatures) < set.WeakQuorum() {`),
	},
	{
		Name: "signers of a prepared certificate counted twice", Breaks: breaks("prepared certificate: distinct signers"),
		Edits: edit(certificateGo, `s.Sender <= c.Signatures[i-1].Sender`, `s.Sender < c.Signatures[i-1].Sender`),
	},
	{
		Name: "COMMITs in a prepared certificate", Breaks: breaks("prepared certificate: kinds"),
		Edits: edit(certificateGo, `if v.Kind != PrePrepare && v.Kind != Prepare {`, `if false {`),
	},
	{
		Name: "kind not bound in the prepared certificate", Breaks: breaks("prepared certificate: kinds"),
		Edits: edit(voteGo, `.uint(uint64(v.Kind)).uint(uint64(v.Epoch))`, `.uint(0).uint(uint64(v.Epoch))`),
	},
	{
		Name: "signatures of a prepared certificate unchecked", Breaks: breaks("prepared certificate: signatures"),
		Edits: edit(certificateGo, `if err := v.Verify(d, set); err != nil {`, `if err := v.Verify(d, set); err != nil && i == 0 {`),
	},
	{
		Name: "view not bound in the prepared certificate", Breaks: breaks("prepared certificate: view bound"),
		Edits: edit(voteGo, `return w.uint(uint64(v.View)).uint(uint64(v.Seq)).hash(v.Digest) case Commit`, `return w.uint(0).uint(uint64(v.Seq)).hash(v.Digest)
		case Commit`),
	},
	{
		Name: "prepared before it was first proposed", Breaks: breaks("prepared certificate: origin view"),
		Edits: edit(certificateGo, `if c.View < c.Header.OriginView {`, `if false {`),
	},
	{
		Name: "a certificate is judged by its PRE-PREPAREs", Breaks: breaks("prepared certificate: primary is not judged"),
		Edits: edit(certificateGo, `if v.Kind != PrePrepare && v.Kind != Prepare {`, `if v.Kind != PrePrepare && v.Kind != Prepare || i > 0 && v.Kind == PrePrepare {`),
	},
	{
		Name: "certificates gather one sender twice", Breaks: breaks("gathering: one each"),
		Edits: edit(certificateGo, `bySender := make([]*Vote, n)
	for _, v := range votes {
		bySender[v.Sender] = v
	}`, `bySender := votes`),
	},
}
