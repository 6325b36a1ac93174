package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// blockLimit is what one block of a page may take, and what it may wait for.
const blockLimit = time.Minute

// page runs the commands of a page of docs, in their order, in one folder:
//
//	```sh                    runs to its end, which must be a success
//	```sh fails              must not be one
//	```sh background         runs while the page goes on, and must not end before
//	```sh background restart   the same, after what ran in the background was stopped
//	```text                  the block before must have printed each of these lines, or more on the same line
//	<!-- until: COMMAND -->  is tried until it succeeds
//
// quorate is the binary under test. Every other fence is prose. What a test must
// have otherwise than a reader, as ports and host names, it replaces.
type page struct {
	t          testing.TB
	dir        string // where the commands run
	file       string
	env        []string // besides that of the test
	background *process // nil: none
	printed    string   // by the last block that has ended
	ran        int
}

// step is one thing to do.
type step struct {
	kind, text string
	line       int
}

var (
	opening = regexp.MustCompile("^```(sh( fails| background| background restart)?|text)$")
	waiting = regexp.MustCompile(`^<!-- until: (.+) -->$`)
)

// runPage runs docs/name in a folder. Of replace, each pair is old and new; what
// does not occur in the page is a mistake of the test.
func runPage(t testing.TB, name, dir string, env []string, replace ...string) {
	t.Helper()
	p := &page{t: t, dir: dir, env: env, file: filepath.Join("..", "docs", name)}
	data, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(data), replace[i]) {
			t.Errorf("%s does not mention %s", name, replace[i])
		}
	}
	for _, s := range steps(t, strings.NewReplacer(replace...).Replace(string(data))) {
		p.do(s)
	}
	p.stop()
	if p.ran == 0 {
		t.Fatalf("%s has no commands", name)
	}
	t.Logf("%d blocks of %s ran", p.ran, name)
}

// steps finds what there is to do.
func steps(t testing.TB, text string) (out []step) {
	t.Helper()
	var open *step
	prose := false // within a fence that is nothing to do
	for i, line := range strings.Split(text, "\n") {
		switch m := waiting.FindStringSubmatch(line); {
		case open != nil && line == "```":
			out, open = append(out, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "```"):
			kind := opening.FindStringSubmatch(line)
			switch {
			case prose:
				prose = false
			case kind != nil:
				open = &step{kind: kind[1], line: i + 2}
			case strings.HasPrefix(line, "```sh"):
				t.Fatalf("line %d: %s is nothing that a page can say", i+1, line)
			default:
				prose = true
			}
		case m != nil:
			out = append(out, step{"until", m[1], i + 1})
		}
	}
	if open != nil {
		t.Fatalf("the block in line %d has no end", open.line)
	}
	return out
}

func (p *page) do(s step) {
	p.t.Helper()
	switch s.kind {
	case "until":
		eventually(p.t, blockLimit, fmt.Sprintf("%s line %d: %s", p.file, s.line, s.text), func(context.Context) error {
			return p.try(s.text)
		})
	case "text":
		for line := range strings.Lines(s.text) {
			if line = strings.TrimSpace(line); !strings.Contains(p.printed, line) {
				p.t.Errorf("%s line %d: the commands before do not print %q, but\n%s", p.file, s.line, line, p.printed)
			}
		}
	case "sh background", "sh background restart":
		if p.background != nil && s.kind == "sh background" {
			p.t.Fatalf("%s line %d: something runs in the background already", p.file, s.line)
		}
		p.stop()
		p.ran++
		p.background = p.shell("exec " + strings.TrimSpace(s.text)) // the signal is for the command, not for the shell
	default:
		p.ran++
		p.run(s)
	}
}

// run runs a block to its end.
func (p *page) run(s step) {
	p.t.Helper()
	block := p.shell(s.text)
	code := block.wait(blockLimit)
	p.printed = block.out.String()
	if (code != 0) != (s.kind == "sh fails") {
		p.t.Fatalf("%s line %d: exit code %d\n%s%s", p.file, s.line, code, s.text, p.printed)
	}
}

// try runs a command once.
func (p *page) try(text string) error {
	p.t.Helper()
	if p.background != nil && !p.background.lives() {
		p.t.Fatalf("%s: what runs in the background has ended: %v\n%s", p.file, p.background.err, p.background.out)
	}
	block := p.shell(text)
	if code := block.wait(blockLimit); code != 0 {
		return fmt.Errorf("exit code %d: %s", code, block.out)
	}
	return nil
}

// stop ends what runs in the background, as Ctrl-C does.
func (p *page) stop() {
	if p.background == nil {
		return
	}
	if code := p.background.stop(); code != 0 {
		p.t.Errorf("%s: what ran in the background ends with code %d\n%s", p.file, code, p.background.out)
	}
	p.background = nil
}

// shell starts commands of the page.
func (p *page) shell(text string) *process {
	p.t.Helper()
	out := new(output)
	block := &process{t: p.t, cmd: exec.Command("sh", "-eu", "-c", text), out: out, errs: out, ended: make(chan struct{})}
	block.cmd.Dir, block.cmd.Stdout, block.cmd.Stderr = p.dir, out, out
	path := filepath.Dir(absolute(p.t, quorate)) + string(filepath.ListSeparator) + os.Getenv("PATH")
	block.cmd.Env = slices.Concat(cleanEnv(), []string{"PATH=" + path}, p.env)
	block.run()
	return block
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	out, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
