// Package pbft is the replica as a pure state machine: inputs in, Ready out.
//
//	        Step(Input)                         Ready()
//	Message ──────────┐                  ┌────────────► Persist   (fsync first)
//	Tick    ──────────┤   ┌──────────┐   ├────────────► Messages  (then sign, then send)
//	Pool    ──────────┼──►│ Replica  ├───┼────────────► Build, Check
//	BatchBuilt/Checked┤   └──────────┘   ├────────────► Rollback, Committed, Execute
//	Executed, Durable ┤    slots of one  ├────────────► Stable, Transfer
//	Synced  ──────────┘    epoch & view  └────────────► Evidence, Halt
//
// The life of a sequence number in a slot:
//
//	empty → candidate (PRE-PREPARE here, bodies being checked)
//	      → accepted  (journalled; PREPARE sent; executing)
//	      → prepared  (q signatures on view, seq, digest)
//	      → committing (executed, certificate journalled, COMMIT sent)
//	      → committed (q COMMITs on digest and block hash)
//
// Rules for those who call it:
//   - One goroutine owns a Replica. It has no lock, starts no goroutine, reads
//     no clock and does no IO: time enters as ticks, everything else as inputs.
//   - Handle a Ready whole before the next Step: first make Persist durable,
//     then sign and send Messages, then hand the signed own votes back as
//     Message inputs. A vote sent is a vote remembered.
//   - Messages that enter are verified: signature, sender, and, of a proposal,
//     that header and hashes belong to the digest. Step judges everything that
//     depends on the protocol's state and returns a typed error for what it
//     refuses; a refusal never changes the state.
//
// Executions may be lost: block sync overtakes the ledger, and a restart
// forgets them. Who loses one says Synced, also when it brought nothing, and
// the replica orders again what it still needs. What was accepted before, in
// another run too, is executed and voted again as the window reaches it.
//
// Invariants, checked where they are cheap: committed, stable and epoch only
// grow; a slot accepts one digest per view; COMMITs are sent in order of
// sequence numbers; nothing is proposed or executed beyond committed + W.
//
// What it does not do: verify signatures, hold transaction bodies, know
// transactions, or decide how messages travel.
//
// Where to read what:
//
//	replica.go     the state, Step, what is refused by every vote
//	order.go       PRE-PREPARE, PREPARE          certify.go   COMMIT, certificates
//	boundary.go    CHECKPOINT, epochs            status.go    STATUS and its answers
//	viewchange.go  leaving a view                newview.go   entering one
//	memory.go      what outlives a view          future.go    votes of later views
//	timers.go      patience                      fetch.go     what is asked for by hash
//	start.go       the first STATUS              hold.go      forgotten votes, twins
//	journal.go     records no replica writes     catchup.go   block sync
//	slot.go        what is here for one seq      inspect.go   for simulations
//	input.go       what enters                   ready.go     what leaves
//	reject.go      why a message is refused      rules.go     the names of these reasons
package pbft
