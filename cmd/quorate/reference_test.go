package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/internal/reference"
)

func TestReferenceCLI(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Command line\n\nEvery command takes `--json` (print JSON, for scripts) and `--help`.\n\n")
	codes := [][]string{
		{"0", "done"},
		{"1", "anything else went wrong"},
		{"2", "unknown command or flag, wrong number of arguments"},
		{"3", "a document or configuration is not valid"},
		{"4", "a node does not answer"},
		{"5", "something is there already and is kept"},
		{"6", "a named file is missing"},
		{"7", "a system contract refuses it, or it would leave too few reachable validators, or schedule a fork that is not known"},
		{"8", "the network has a fork that this version does not know: install a newer one"},
	}
	if len(codes) != exitTooOld+1 {
		t.Errorf("%d exit codes are described, the last one is %d", len(codes), exitTooOld)
	}
	b.WriteString(reference.Table([]string{"Exit code", "Meaning"}, codes))
	document(&b, (&app{}).root())
	reference.Check(t, "cli.md", b.String())
}

// document writes a command and those below it.
func document(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
		return
	}
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	if c.HasParent() {
		b.WriteString("\n## " + c.CommandPath() + "\n\n")
	} else {
		b.WriteString("\n")
	}
	b.WriteString(text + "\n")
	if c.Runnable() && !c.HasSubCommands() {
		b.WriteString("\n```\n" + c.UseLine() + "\n\n" + c.NonInheritedFlags().FlagUsages() + "```\n")
	}
	if c.Example != "" {
		b.WriteString("\nFor example:\n\n```sh\n" + dedent(c.Example) + "\n```\n")
	}
	for _, sub := range c.Commands() {
		document(b, sub)
	}
}

// dedent takes the two spaces away that cobra wants in examples.
func dedent(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
