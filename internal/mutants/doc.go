// Command mutants asks whether the tests would notice: it plants bugs in the
// consensus, one at a time, and runs the tests until one of them fails. A
// mutant that no test kills is a rule that nobody guards.
//
//	table_*.go ──snippet → replacement──┐
//	                                    ├─► schemata ─► overlay ─► go test -c, once
//	mechanical.go ──drawn by a seed─────┘                             │
//	                                                 QUORATE_MUTANT=17│
//	 unit tests, scripts ─► named schedules ─► random ones ◄──────────┘
//
// The sources of the product stay as they are. A copy of each mutated file is
// laid over them with the go command's -overlay; there every mutated function
// begins with its mutants, each a whole body behind its number, so that one
// binary per package holds all of them and the environment chooses one. A whole
// body, not a wrapped expression: what is declared in it keeps its scope, and
// two mutants of one line do not meet.
//
// Two kinds:
//   - The deliberate ones (table_*.go) each break a rule of docs/protocol.md
//     that rules.go lists. A test fails if a snippet is not found exactly once,
//     or if a rule, an error of consensus/pbft, or a bound has no mutant.
//   - The mechanical ones turn operators, constants and statements without
//     knowing what they mean. Some of them change nothing that anybody could
//     see; equivalents.txt names these and says why.
//
// What it does not do: judge how a mutant was killed. A panic and a hang count,
// and it says so.
package main
