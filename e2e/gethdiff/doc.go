// Package gethdiff compares Quorate's JSON-RPC with a real go-ethereum node: its
// own RPC layer, pool, miner and chain (ethclient/simulated).
//
//	               ┌─> chaintest: chain, state; txpool; rpc, rpc/eth ──> answer ─┐
//	request, seal ─┤                                                             ├─> equal?
//	               └─> ethclient/simulated: a whole geth over IPC ─────> answer ─┘
//
// Both chains begin with the same accounts and contracts and hold the same
// signed transactions at the same places. Hashes of blocks, roots and times
// differ, and are left out of the comparison; every other difference is an
// error, or stands in a table with its reason.
//
// It is a module of its own, because a geth node needs what the product does not:
// go test ./e2e/gethdiff from the root does not find it, `make gethdiff` runs it.
package gethdiff
