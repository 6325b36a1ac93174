package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAttackTable: every row of the table of attacks in docs/reliability.md names a test,
// and each of them is there: tests of this package by their name, others with the folder.
func TestAttackTable(t *testing.T) {
	doc, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(doc), "<!-- attacks -->\n")
	table, _, closed := strings.Cut(table, "<!-- end of attacks -->")
	if !found || !closed {
		t.Fatal("docs/reliability.md has no table between <!-- attacks --> and <!-- end of attacks -->")
	}
	name := regexp.MustCompile("`(?:([a-z0-9/]+) )?(Test[A-Za-z0-9]+)`")
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Attack") {
			continue
		}
		rows++
		tests := name.FindAllStringSubmatch(line, -1)
		if len(tests) == 0 {
			t.Errorf("no test: %s", line)
		}
		for _, x := range tests {
			dir := "."
			if x[1] != "" {
				dir = filepath.Join("..", x[1])
			}
			if !hasTest(t, dir, x[2]) {
				t.Errorf("there is no %s in %s: %s", x[2], dir, line)
			}
		}
	}
	if rows < 12 {
		t.Errorf("%d rows", rows)
	}
}

// hasTest reports whether a folder's tests declare one.
func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
