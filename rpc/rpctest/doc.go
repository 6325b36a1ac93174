// Package rpctest calls the methods of a server in tests, through its whole
// handler but without a connection.
package rpctest
