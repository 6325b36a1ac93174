// Package net answers the small namespaces: net_ (is this node on a network) and
// web3_ (what software is it).
//
//	rpc.Server ──> API ("net")  ──> number of peers
//	          └──> Web3 ("web3")    version string, keccak256
//
// Invariants: the network id equals the chain id; the client version has the
// form Name/version/platform/go, which explorers parse.
//
// It knows neither the chain nor the protocol of the network.
package net
