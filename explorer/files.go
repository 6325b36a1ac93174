package explorer

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The pages are not in the repository: "make build" puts them into dist/app. The
// directory itself is there, with a file that keeps it, so that this compiles.
//
//go:embed all:dist absent
var embedded embed.FS

const (
	index  = "index.html"
	assets = "assets/" // names in it carry a hash of their content
)

// kinds are the types of all files that a build makes. Another one is an error: what
// a browser guesses is not ours to find out.
var kinds = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".svg":         "image/svg+xml",
	".json":        "application/json",
	".webmanifest": "application/manifest+json",
	".txt":         "text/plain; charset=utf-8",
}

// encodings are the compressed forms that a build makes, the smallest first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// file is one file in all its forms.
type file struct {
	plain   []byte
	forms   []form // the preferred one first
	kind    string
	tag     string
	caching string
}

type form struct {
	encoding string
	body     []byte
}

// New reads what the binary carries.
func New() (*Handler, error) {
	app, err := fs.Sub(embedded, "dist/app")
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(app, index); errors.Is(err, fs.ErrNotExist) {
		return standIn()
	}
	return load(app, true)
}

// standIn serves the page that says how to build the explorer.
func standIn() (*Handler, error) {
	absent, err := fs.Sub(embedded, "absent")
	if err != nil {
		return nil, err
	}
	return load(absent, false)
}

func load(from fs.FS, built bool) (*Handler, error) {
	h := &Handler{files: map[string]*file{}, built: built}
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || isForm(name) {
			return err
		}
		f, err := read(from, name)
		if err != nil {
			return err
		}
		h.files[name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("explorer: %w", err)
	}
	if h.files[index] == nil {
		return nil, fmt.Errorf("explorer: %s is missing", index)
	}
	return h, nil
}

func isForm(name string) bool {
	for _, e := range encodings {
		if strings.HasSuffix(name, e.suffix) {
			return true
		}
	}
	return false
}

func read(from fs.FS, name string) (*file, error) {
	plain, err := fs.ReadFile(from, name)
	if err != nil {
		return nil, err
	}
	f := &file{plain: plain, kind: kinds[path.Ext(name)], caching: "no-cache"}
	if f.kind == "" {
		return nil, fmt.Errorf("%s: nobody has said which type such a file has", name)
	}
	if strings.HasPrefix(name, assets) {
		f.caching = "public, max-age=31536000, immutable"
	}
	sum := sha256.Sum256(plain) // weak: each coding has other bytes (RFC 9110, 8.8.3.3)
	f.tag = `W/"` + hex.EncodeToString(sum[:12]) + `"`
	for _, e := range encodings {
		body, err := fs.ReadFile(from, name+e.suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f.forms = append(f.forms, form{e.name, slices.Clip(body)})
	}
	return f, nil
}
