// Command quorate is the whole product in one binary: networks, keys, nodes.
//
//	main ── run(args) ── cobra command ── packages that do the work
//	                         │
//	                  output (text or --json), exit code
//
// This package parses, calls and prints; it decides nothing about the
// protocol. Every command knows --json, shows an example in its help, and ends
// with one of the exit codes of exit.go.
package main
