// Package archive writes blocks into files, and brings a chain forward by such a file.
//
//	chain ──┐                ┌─> FILE (lines or RLP) ──> Import ──> Verify ──> execute ──> chain
//	        ├─> Source ──────┤
//	a URL ──┘   in order     └─> tables.DB (SQLite)
//
// Two forms. Lines are the objects of GET /v1/blocks with all parts, one on a line: for
// programs of any language. RLP is what nodes send each other, with the genesis at the
// beginning: smaller, and with what stands beside blocks: checkpoint certificates, and the
// recoveries of the network, which Import of lines needs to be in the chain's folder.
//
// Invariants: a file holds each block once, in order and without a gap; what a killed
// export leaves is cut to its last whole block and continued; Import takes nothing that
// a quorum of its epoch has not signed, and executes it; a byte that was changed is
// found, also in what merely repeats something, and named with its block.
//
// It does not read a database, and it knows no command line.
package archive
