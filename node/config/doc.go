// Package config is the configuration of one node: a table of settings, where
// each value comes from, and the checks on all of them together.
//
//	flags  >  environment  >  DIR/config.toml  >  default
//	  └──────────┴─────┬──────────┴────────────────┘
//	                 Load ──► Config  (valid, paths absolute)
//	                     └──► []Origin (what "config show --origin" prints)
//
// The setting rpc.addr is the flag --rpc-addr, the variable QUORATE_RPC_ADDR
// and the key addr in the table [rpc] of config.toml.
//
// Invariants:
//   - No rule of the network is set here: permissions, limits and forks are
//     genesis or chain state, the same for all.
//   - An unknown key, a bad value, a contradiction is an error, and all are
//     reported at once with the place and what would be right.
//   - Only Settings knows the keys; documentation, flags and the written file
//     come from it.
//   - Setting edits a file in place and keeps what people wrote beside it.
//
// The package opens nothing but config.toml; it does not look whether ports
// are free or files exist.
package config
