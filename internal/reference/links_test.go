package reference

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks: what a document points to in this repository is there, headings
// included.
func TestLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	docs, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.md", "*/*.md"} {
		more, err := filepath.Glob(filepath.Join(root, "docs", pattern))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, more...)
	}
	found := 0
	for _, doc := range docs {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			target, anchor, _ := strings.Cut(m[1], "#")
			path := filepath.Join(filepath.Dir(doc), target)
			if target == "" {
				path = doc
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			} else if anchor != "" && !anchors(read(t, path))[anchor] {
				t.Errorf("%s links to %s: no such heading", doc, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("%d links in %d documents: the pattern does not find them", found, len(docs))
	}
}

// anchors returns the names that headings have on the usual sites.
func anchors(doc string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(doc) {
		text := strings.TrimLeft(line, "#")
		if text == line {
			continue
		}
		out[strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(text))] = true
	}
	return out
}

// TestGoSample: the Go program of docs/clients.md builds.
func TestGoSample(t *testing.T) {
	_, sample, ok := strings.Cut(read(t, filepath.Join("..", "..", "docs", "clients.md")), "```go\n")
	sample, _, closed := strings.Cut(sample, "```")
	if !ok || !closed {
		t.Fatal("docs/clients.md has no Go program")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestMetricNames: the metrics that the documents name exist.
func TestMetricNames(t *testing.T) {
	name := regexp.MustCompile(`\b(quorate|ethereum)(_[a-z0-9]+)+\b`)
	known := read(t, filepath.Join("..", "..", "docs", "reference", "metrics.md"))
	docs, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, doc := range docs {
		for _, n := range name.FindAllString(read(t, doc), -1) {
			found++
			if !strings.Contains(known, "`"+n+"`") {
				t.Errorf("%s names the metric %s, which does not exist", doc, n)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d names of metrics: the pattern does not find them", found)
	}
}
