// Package reference writes docs/reference from the code, and fails the build
// when the two differ.
//
//	cobra tree ───── cmd/quorate/reference_test.go ──► cli.md
//	settings ──────┐
//	rpc receivers ─┤                               ┌─► config.md, rpc.md, openrpc.json,
//	metrics ───────┼─ reference_test.go ── Check ──┴─► metrics.md, genesis.md
//	genesis ───────┘
//
// rpc.md and rpc/discover/openrpc.json are two views of one description
// (describe_test.go). A Go type is taken apart by reflection (gotype_test.go), or
// is a row of spelt; what writes JSON by hand is in components.json, in the small
// language of shape_test.go. Examples are asked for in requests.json; e2e sends
// them and records the answers in examples.json.
//
// Each document is made by a test. The test compares it with the committed file;
// with -update it writes the file instead:
//
//	go generate ./internal/reference
//
// Invariants: a method, metric, setting, flag or genesis field that exists is in
// its document; texts that the code does not have are in a table next to the
// generator, and a row too many or too few there is an error.
//
// It explains nothing: docs/*.md do, and link here.
package reference

//go:generate go test . ../../cmd/quorate -run ^TestReference -update
