package reference

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference instead of comparing with it")

// header begins every document.
const header = "<!-- Written by `go generate ./internal/reference` from the code. Do not edit. -->\n\n"

// Check compares a document with docs/reference/name, or writes it with -update.
// The caller is in a package two levels below the root of the module.
func Check(t *testing.T, name, doc string) {
	t.Helper()
	checkFile(t, filepath.Join("..", "..", "docs", "reference", name), header+strings.TrimRight(doc, "\n")+"\n")
}

// checkFile compares or writes any file.
func checkFile(t *testing.T, path, doc string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: write it with go generate ./internal/reference", err)
	}
	if at := firstDifference(string(have), doc); at != "" {
		t.Errorf("%s is not what the code says: run go generate ./internal/reference and commit it\n%s", path, at)
	}
}

// firstDifference shows the first line that differs, "" if none does.
func firstDifference(have, want string) string {
	a, b := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y || i >= len(a) || i >= len(b) {
			return "file: " + x + "\ncode: " + y
		}
	}
	return ""
}

// Table writes a table of Markdown.
func Table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		for i := range r {
			r[i] = strings.ReplaceAll(strings.ReplaceAll(r[i], "|", "\\|"), "\n", " ")
		}
		line(r)
	}
	return b.String()
}

// Code writes text as code; nothing stays nothing.
func Code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
