// Package devnet makes networks in a directory and runs one on this machine.
//
//	DIR/genesis.json
//	DIR/validator-0/{config.toml,genesis.json,nodekey,password,keystore/,data/}
//	DIR/validator-1/…              each complete: it can move to another machine
//	DIR/observer-0/…               the same without keystore and password
//
//	Run ──start──► quorate start --dir DIR/validator-0   (pid, log beside it)
//	    ──start──► quorate start --dir DIR/validator-1
//	    ◄─ready──  every JSON-RPC answers with the chain id
//	    ◄─exit───  reported by name; the others go on
//
// Generate makes the directory, Open reads one, Retarget moves its ports, Run
// supervises one process per node until its context ends.
//
// Invariants:
//   - A directory appears whole or not at all.
//   - A key that exists is never replaced.
//   - The accounts of the standard mnemonic are funded by devnets only, and
//     are marked as unsafe wherever they are shown.
//   - When the supervisor dies, its processes end too (on Linux).
//
// The package is not the node: it knows only the node's directory, its
// command line and its JSON-RPC port.
package devnet
