package net

import "github.com/quorate/quorate/rpc"

// Decisions returns what was decided about every net_ method of go-ethereum
// 1.17.10.
func Decisions() []rpc.Decision {
	return []rpc.Decision{
		rpc.Served("listening", ""),
		rpc.Served("peerCount", ""),
		rpc.Served("version", "the chain id"),
	}
}

// Web3Decisions returns the same for web3_.
func Web3Decisions() []rpc.Decision {
	return []rpc.Decision{
		rpc.Served("clientVersion", ""),
		rpc.Served("sha3", ""),
	}
}
