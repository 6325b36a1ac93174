// Package rpctest is what tests of several namespaces share: a call through the
// whole handler of a server but without a connection, a chain of go-ethereum's
// with the methods that ours has, the chain of ethereum/execution-apis, and the
// check of what a server says against the OpenRPC document.
package rpctest
