package explorer

import (
	"net/http"
	"strconv"
	"strings"
)

// Path is where the explorer is mounted.
const Path = "/explorer/"

// policy lets pages load and call their own origin alone. Nothing inline runs or
// styles, so that a hostile name on the chain stays text.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the files below Path. It is immutable and safe for concurrent use.
type Handler struct {
	files map[string]*file
	built bool
}

// Built reports whether the binary carries the pages, and not just the page that says
// how to build them.
func (h *Handler) Built() bool { return h.built }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "GET is expected", http.StatusMethodNotAllowed)
		return
	}
	secure(w.Header())
	name, below := strings.CutPrefix(r.URL.Path, Path)
	if !below {
		http.Redirect(w, r, Path, http.StatusMovedPermanently)
		return
	}
	f := h.files[name]
	switch {
	case f != nil:
	case strings.HasPrefix(name, assets):
		http.Error(w, "no such file", http.StatusNotFound) // of another version: a page instead would be run as a script
		return
	default:
		f = h.files[index]
	}
	f.serve(w, r)
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// serve answers with the smallest form that the client takes.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Etag", f.tag)
	h.Set("Cache-Control", f.caching)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	for _, form := range f.forms {
		if accepts(r.Header.Get("Accept-Encoding"), form.encoding) {
			body = form.body
			h.Set("Content-Encoding", form.encoding)
			break
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client is gone or not
}

// accepts reports whether a list of codings names this one and does not give it the
// weight 0.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		q, given := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		if !given {
			return true
		}
		value, err := strconv.ParseFloat(q, 64)
		return err == nil && value > 0
	}
	return false
}

// Front answers GET / of a browser with the way to the explorer, and everybody else as
// a JSON-RPC port does that is asked whether it lives: with 200 and nothing.
func Front(w http.ResponseWriter, r *http.Request) {
	if !browses(r) {
		w.Header().Set("Content-Length", "0")
		return
	}
	w.Header().Set("Vary", "Accept")
	http.Redirect(w, r, Path, http.StatusFound)
}

// browses reports whether a page is asked for by its name: other clients accept
// anything, or JSON.
func browses(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		kind, _, _ := strings.Cut(part, ";")
		if strings.TrimSpace(kind) == "text/html" {
			return true
		}
	}
	return false
}
