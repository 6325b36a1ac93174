package reference

import (
	"fmt"
	"testing"

	"github.com/quorate/quorate/node/config"
)

func TestReferenceConfig(t *testing.T) {
	var rows [][]string
	for _, s := range config.Settings() {
		kind := ""
		if s.List {
			kind = " (list; separated by commas in flag and variable)"
		}
		rows = append(rows, []string{Code(s.Key), Code("--" + s.Flag()), Code(s.Env()), Code(s.Default), s.Usage + kind})
	}
	plan := (&config.Config{Memory: 16 << 20}).Plan() // one MiB is one sixteenth
	part := func(x int64) string { return fmt.Sprintf("%d/16", x>>20) }
	Check(t, "config.md", `# Configuration

A node reads `+Code(config.FileName)+` in its folder. A flag of `+Code("quorate start")+` wins over the
environment, which wins over the file, which wins over the default. Relative paths start
at the folder. Unknown keys, values that do not parse and contradictions are errors, all
reported at once. `+Code("quorate config show --origin --dir DIR")+` prints what a node would use, and why.

A dotted key is a table in TOML: `+Code("rpc.port")+` is `+Code("port")+` under `+Code("[rpc]")+`.

`+Table([]string{"Key", "Flag", "Environment", "Default", "Meaning"}, rows)+`
## Memory

The setting `+Code("memory")+` is divided once, at the start; `+Code(config.MinMemory.String())+` is the least.

`+Table([]string{"Part", "Share"}, [][]string{
		{"Pebble's block cache", part(plan.BlockCache)},
		{"Pebble's memtables", part(plan.MemTables)},
		{"accounts, slots, trie nodes and code", part(plan.StateCaches)},
		{"limit of the Go heap", part(plan.GoLimit)},
		{"of it, bodies of waiting transactions", part(plan.Pool)},
		{"program text, C memory, kernel buffers", part(plan.Reserve)},
	}))
}
