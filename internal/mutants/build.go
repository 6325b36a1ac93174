package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// helperFile is laid into every mutated package.
const helperFile = "zz_mutants.go"

const helper = `package %s

import (
	"os"
	"strconv"
)

var activeMutant = func() int {
	n, _ := strconv.Atoi(os.Getenv("QUORATE_MUTANT"))
	return n
}()

func mutantIs(n int) bool { return n == activeMutant }
`

// seedsTest plays random schedules until one fails.
//
//go:embed seeds_test.go.txt
var seedsTest string

const seedsFile = "consensus/pbft/zz_mutant_seeds_test.go"

// suites are the packages whose tests judge, cheapest first.
var suites = []string{"consensus", "consensus/pbft", "consensus/engine"}

// outside are packages beside the core: their tests judge mutants of their own files,
// and nothing else does.
var outside = []string{"recovery", "consensus/light", "chain", "blocksync", "statesync"}

// lent are packages whose mutants the tests of another one outside of the core judge.
var lent = map[string]string{"state": "statesync"}

// all are the packages whose tests are built.
func all() []string { return slices.Concat(suites, outside) }

// mutated are the packages that may hold mutants.
func mutated() []string { return slices.Concat(all(), slices.Sorted(maps.Keys(lent))) }

// judgeOf is the package whose tests alone judge the mutants of a package; false if it is
// of the core.
func judgeOf(pkg string) (string, bool) {
	if other, ok := lent[pkg]; ok {
		return other, true
	}
	return pkg, slices.Contains(outside, pkg)
}

// plan is everything that is laid over the sources.
type plan struct {
	root    string // of the module
	dir     string // temporary
	sources map[string]*source
	changes map[string][]change // by file
	regions map[string][]region // by file, after write
	judges  map[int]string      // by mutant: the package outside of the core that it is in
}

func newPlan(root, dir string) *plan {
	return &plan{root: root, dir: dir, sources: map[string]*source{}, changes: map[string][]change{}, judges: map[int]string{}}
}

func (p *plan) source(path string) (*source, error) {
	if s := p.sources[path]; s != nil {
		return s, nil
	}
	s, err := readSource(p.root, path)
	if err == nil {
		p.sources[path] = s
	}
	return s, err
}

// add locates the edits of a mutant.
func (p *plan) add(m *Mutant) error {
	for _, e := range m.Edits {
		s, err := p.source(e.File)
		if err != nil {
			return err
		}
		c, err := s.locate(m.Number, e)
		if err != nil {
			return fmt.Errorf("mutant %d, %s: %w", m.Number, m.Name, err)
		}
		p.changes[e.File] = append(p.changes[e.File], c)
		if judge, ok := judgeOf(filepath.Dir(e.File)); ok {
			p.judges[m.Number] = judge
		}
	}
	return nil
}

// write makes the files of the overlay and the list that names them.
func (p *plan) write() error {
	p.regions = map[string][]region{}
	replace := map[string]string{}
	lay := func(path string, text []byte) error {
		file := filepath.Join(p.dir, strings.ReplaceAll(path, "/", "__"))
		replace[filepath.Join(p.root, path)] = file
		return os.WriteFile(file, text, 0o600)
	}
	for path, changes := range p.changes {
		text, regions := p.sources[path].schemata(changes)
		p.regions[path] = regions
		if err := lay(path, text); err != nil {
			return err
		}
	}
	for _, pkg := range mutated() {
		if err := lay(pkg+"/"+helperFile, fmt.Appendf(nil, helper, filepath.Base(pkg))); err != nil {
			return err
		}
	}
	if err := lay(seedsFile, []byte(seedsTest)); err != nil {
		return err
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(p.overlay(), list, 0o600)
}

func (p *plan) overlay() string { return filepath.Join(p.dir, "overlay.json") }

// binary is the test binary of a package.
func (p *plan) binary(pkg string) string {
	return filepath.Join(p.dir, strings.ReplaceAll(pkg, "/", "__")+".test")
}

// position is how the compiler begins a complaint.
var position = regexp.MustCompile(`(?m)^(?:\./)?(\S+\.go):(\d+):\d+: (.*)$`)

// check compiles without linking, and returns the mutants that do not compile.
func (p *plan) check() ([]int, error) {
	args := []string{"build", "-gcflags=-e", "-overlay", p.overlay()}
	for _, pkg := range mutated() {
		args = append(args, "./"+pkg)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = p.root
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	var bad []int
	for _, m := range position.FindAllStringSubmatch(string(out), -1) {
		path := strings.ReplaceAll(filepath.Base(m[1]), "__", "/") // as write has named it
		line, _ := strconv.Atoi(m[2])
		for _, r := range p.regions[path] {
			if r.first <= line && line <= r.last && !slices.Contains(bad, r.mutant) {
				bad = append(bad, r.mutant)
			}
		}
	}
	if len(bad) == 0 {
		return nil, fmt.Errorf("the mutated sources do not compile: %w\n%s", err, out)
	}
	return bad, errors.New(strings.TrimSpace(string(out)))
}

// link builds the test binaries.
func (p *plan) link() error {
	for _, pkg := range all() {
		cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", p.overlay(), "-o", p.binary(pkg), "./"+pkg)
		cmd.Dir = p.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("tests of %s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}
