// Package explorer serves the web explorer: static files that the binary carries.
// What the pages show they get like any client, by JSON-RPC and the stream of blocks
// on the same port.
//
//	explorer/web ──npm run build──► explorer/dist/app ──go:embed──► Handler ──► /explorer/…
//	 (TypeScript)                    files, .gz, .br                  │
//	                                                absent/: how to build it, if it was not
//
// Invariants: every answer has the same strict content security policy (own origin
// only, nothing inline) and is never guessed a type; a name with a hash of its content
// may be kept for ever, everything else is asked for anew; a path that is no file is a
// page of the explorer and gets index.html, so that links into it work; nothing is read
// from disk, and nothing here changes after New.
//
// It authenticates nobody: the files are the same for everybody. Who may ask for data
// package rpc decides.
package explorer
