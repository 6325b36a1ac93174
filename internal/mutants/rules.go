package main

// Rules are what docs/protocol.md demands and no list in the code names. The
// errors of consensus/pbft/reject.go and the constants of the core that are
// bounds need no line here: the test reads them from the sources.
var Rules = []string{
	// §2 Numbers
	"§2 f", "§2 quorum", "§2 weak quorum",

	// §5 Primary schedule
	"§5 span", "§5 rotation", "§5 suspended are no primaries", "§5 first of a view",

	// §3, §5 certificates
	"commit certificate: quorum", "commit certificate: canonical bitset", "commit certificate: one signature each",
	"commit certificate: signatures", "commit certificate: view bound", "commit certificate: block bound", "commit certificate: epoch bound",
	"prepared certificate: quorum", "prepared certificate: distinct signers", "prepared certificate: kinds",
	"prepared certificate: signatures", "prepared certificate: view bound", "prepared certificate: origin view",
	"prepared certificate: primary is not judged", "gathering: one each",

	// §5 the normal case
	"PREPARE: the PRE-PREPARE counts once", "PREPARE: matching digest", "PREPARE: quorum", "executions: in order",
	"COMMIT: prepared", "COMMIT: in order", "COMMIT: executed", "COMMIT: normal mode", "COMMIT: quorum", "COMMIT: same block",
	"a certificate alone commits", "bodies before the vote", "W: pipeline", "unseen digest is fetched",
	"future votes are judged in their view", "candidates wait for their clock", "R: only proposals of the primary are prepared",
	"CHECKPOINT: quorum", "CHECKPOINT: same content", "CHECKPOINT: boundary matches", "CHECKPOINT: every mode",

	// §6 view change
	"view: after the span", "view: no whole rounds", "view: plus one while changing", "join: f+1", "join: others", "join: the highest",
	"a fault of the primary", "no vote while changing", "same VIEW-CHANGE again", "VIEW-CHANGE resend",
	"P: highest view ever held", "P: kept when a NEW-VIEW drops it", "P: what is prepared now", "base is durable",
	"VIEW-CHANGE counts for its view", "VIEW-CHANGE: newest counts",
	"VIEW-CHANGE: one base", "VIEW-CHANGE: base of the epoch", "VIEW-CHANGE: base verifies", "VIEW-CHANGE: ascending above base",
	"VIEW-CHANGE: of the epoch", "VIEW-CHANGE: inside the epoch", "VIEW-CHANGE: views below the new one", "VIEW-CHANGE: certificates verify",
	"NEW-VIEW: exactly q", "NEW-VIEW: those it names", "NEW-VIEW: their view", "NEW-VIEW: distinct senders", "NEW-VIEW: O recomputed",
	"NEW-VIEW: of the new primary", "NEW-VIEW: one per view", "NEW-VIEW: what is missing is fetched", "NEW-VIEW: from any mode",
	"O: highest base", "O: parent of base", "O: from base on", "O: highest view", "O: stops at a gap", "O: parent link", "O: digests",
	"entering: O is prepared", "entering: rollback", "entering: equal layers stay", "entering: schedule restarts",
	"entering: certificates stay", "entering: fork halts", "entering: committed is prepared", "entering: COMMITs are remembered",

	// §7 timers
	"T: doubles", "T: capped", "k: grows on one's own timer", "k: grows on the NEW-VIEW timer", "k: q for exactly this view",
	"k: not in view 0", "k: not after a commit", "k: lowered by a commit",
	"timers: reset when they do not run", "request: runs while transactions wait", "request: not at the primary", "request: restarts with fresh batches",
	"request: restarts with another primary", "request: stable primary must take the oldest", "request: in vain, again where the others do", "request: not in a full window", "request: forward at half",
	"ordering: runs when proposed", "ordering: accepted or not", "ordering: O", "ordering: restarts", "commit timer: 2T", "commit timer: runs after COMMIT", "commit timer: restarts",
	"NEW-VIEW timer: q for this view or higher", "NEW-VIEW timer: asks for the next", "timers: only in normal mode",
	"STATUS: answers", "STATUS: at the end of an epoch", "STATUS: one answer per time", "STATUS: first answer at once", "STATUS: often while changing", "STATUS: NEW-VIEW", "STATUS: VIEW-CHANGEs",

	// §2, the parameter
	"heartbeat: after the silence",

	// §8 durability, one per row, and starting
	"§8 PRE-PREPARE", "§8 first vote in a view", "§8 PREPARE", "§8 COMMIT", "§8 VIEW-CHANGE", "§8 CHECKPOINT", "§8 fsync", "§8 stable",
	"§8 guard: promise", "§8 guard: one digest", "§8 guard: stable", "§8 guard: one block in any view", "§8 guard: epoch recorded first",
	"§8 restart: proposals", "§8 restart: locks", "§8 restart: proofs", "§8 restart: promise", "§8 restart: view", "§8 restart: hole",
	"§8 hold: journal against file", "§8 hold: birth", "§8 hold: votes shown", "§8 hold: durable first", "§8 hold: q others prove", "§8 hold: until its epoch", "§8 hold: twin",
	"§8 start: q−1 STATUS", "§8 syncing sends no vote", "§8 locks hold in every view",

	// §9, §10
	"epoch: views restart", "epoch: set changes", "epoch: a change hurries", "epoch: a watcher learns of the next", "epoch: a leaver learns of the end", "epoch: a newcomer starts like a restarted one", "evidence: equivocation", "evidence: two blocks", "evidence: lost lock", "evidence: once", "evidence: honest are safe",

	// Recovery
	"recovery: m of k", "recovery: distinct signers", "recovery: of the keys", "recovery: everything is signed", "recovery: one per epoch",
	"recovery: at its block", "recovery: never below the head", "recovery: waits", "recovery: the epoch before is over", "recovery: without a checkpoint",
	"recovery: first block is empty", "recovery: votes above the cut", "recovery: beside its block", "recovery: retired keys", "recovery: another epoch is no fault of ours",

	// State sync
	"sync: ranges are proved", "sync: the certified root", "sync: code is what was asked for", "sync: no more than was asked for", "sync: nothing is left out", "sync: one chunk of bounded size",

	// §12 invariants
	"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "L1", "L2", "L3",
}

// NoBounds are numeric constants of consensus/pbft that bound nothing: names
// of places and of kinds, and units. All others need a mutant.
var NoBounds = []string{
	"Everyone", "RecordStable", "RecordProposal", "RecordPrepared", "RecordViewChange", "RecordNewView", "RecordOpened", "RuleOther",
}
