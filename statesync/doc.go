// Package statesync brings a node that has nothing but the genesis to a stable
// checkpoint without executing the blocks before it, and serves others the same.
//
//	        validator                                        newcomer
//	last block of an epoch ─► Shelf: pinned        offers of all peers, each proved
//	its checkpoint is stable ─► offered ──offer──► from the genesis; one is chosen
//	                                                    │ recent headers
//	 flat rows + edge proofs  ◄──accounts, slots, code──┤ 16 tasks, several peers
//	                                                    ▼
//	                                    staged rows, each range verified
//	                                                    ▼
//	                                    tries rebuilt: the certified root?
//	                                                    ▼
//	                                    adopted in one step; blocks from there on
//
// # Trust
//
// The offer proves the pivot, the last block of an epoch, by checkpoint certificates
// (chain.VerifyPivot). Every range of accounts and slots is proved against the state
// root that the pivot's certificate signs, so a wrong one is found at once and its
// sender named. At the end the tries are built anew over all rows and must come to
// the same root: what is adopted is right whatever the steps before have missed.
//
// # Invariants
//
//   - Nothing that was fetched is visible before all of it is: rows are staged.
//   - The database holds the old state or the new one, never a part (store.Adopt).
//   - Rows and the place of a task are in one batch: after a kill the next call goes
//     on there, if the pivot is still offered, and else begins anew.
//   - A peer that lies is not asked again in this run and OnLiar hears of it; one
//     that is silent is put aside for a while, whatever it had to do goes to others.
//   - Memory is bounded: one response for each request under way, and what one range
//     of accounts still lacks for each task.
//   - A held snapshot has an end: Shelf's limits.
//
// # What it does not do
//
// It does not decide whether a node should begin with a snapshot (the node does),
// fetch blocks or receipts before the pivot (nobody does), or heal a state: where the
// pivot is gone from all peers the next one is fetched from the beginning.
package statesync
