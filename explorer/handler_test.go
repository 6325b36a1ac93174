package explorer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// site is a build in small.
func site(t *testing.T) *Handler {
	t.Helper()
	h, err := load(fstest.MapFS{
		"index.html":           {Data: []byte("<p>page")},
		"assets/a-12345.js":    {Data: []byte("plain")},
		"assets/a-12345.js.br": {Data: []byte("br")},
		"assets/a-12345.js.gz": {Data: []byte("gz")},
		"icon.svg":             {Data: []byte("<svg/>")},
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEncodings(t *testing.T) {
	h := site(t)
	for accept, want := range map[string][2]string{
		"":                        {"", "plain"},
		"gzip, deflate, br, zstd": {"br", "br"},
		"gzip":                    {"gzip", "gz"},
		"br;q=0, gzip;q=0.5":      {"gzip", "gz"},
		"br; q=0.0, GZIP":         {"gzip", "gz"},
		"brotli":                  {"", "plain"},
		"br;q=x":                  {"", "plain"},
	} {
		w := get(h, "/explorer/assets/a-12345.js", "Accept-Encoding", accept)
		if got := [2]string{w.Header().Get("Content-Encoding"), w.Body.String()}; got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary is %q", accept, w.Header().Get("Vary"))
		}
	}
}

func TestTypesAndCaching(t *testing.T) {
	h := site(t)
	for path, want := range map[string]struct {
		status        int
		kind, caching string
	}{
		"/explorer/":                  {200, "text/html; charset=utf-8", "no-cache"},
		"/explorer/block/12":          {200, "text/html; charset=utf-8", "no-cache"},
		"/explorer/icon.svg":          {200, "image/svg+xml", "no-cache"},
		"/explorer/assets/a-12345.js": {200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/explorer/assets/b-99999.js": {404, "text/plain; charset=utf-8", ""},
		"/explorer":                   {301, "text/html; charset=utf-8", ""},
	} {
		w := get(h, path)
		if w.Code != want.status || w.Header().Get("Content-Type") != want.kind || w.Header().Get("Cache-Control") != want.caching {
			t.Errorf("%s: %d, %q, %q", path, w.Code, w.Header().Get("Content-Type"), w.Header().Get("Cache-Control"))
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: types may be guessed", path)
		}
	}
}

func TestNotModified(t *testing.T) {
	h := site(t)
	tag := get(h, "/explorer/").Header().Get("Etag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("%s is the tag of all codings, whose bytes differ", tag)
	}
	if w := get(h, "/explorer/pool", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestMethods(t *testing.T) {
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		site(t).ServeHTTP(w, httptest.NewRequest(method, "/explorer/", nil))
		if w.Code != want || method == http.MethodHead && w.Body.Len() > 0 {
			t.Errorf("%s: %d with %d bytes", method, w.Code, w.Body.Len())
		}
	}
}

// TestUnknownType: a file whose type nobody has decided on fails the start, not the
// browser.
func TestUnknownType(t *testing.T) {
	if _, err := load(fstest.MapFS{"index.html": {}, "x.exe": {}}, true); err == nil {
		t.Error("x.exe was taken")
	}
	if _, err := load(fstest.MapFS{"x.svg": {}}, true); err == nil {
		t.Error("a build without index.html was taken")
	}
}

// TestEmbedded: what this binary carries can be served, built or not.
func TestEmbedded(t *testing.T) {
	h, err := New()
	if err != nil {
		t.Fatal(err)
	}
	body := get(h, "/explorer/").Body.String()
	if !h.Built() && !strings.Contains(body, "make build") {
		t.Errorf("the page does not say how to build it: %s", body)
	}
	for name, f := range h.files {
		if h.Built() && strings.HasPrefix(name, assets) && len(f.forms) != len(encodings) {
			t.Errorf("%s has %d compressed forms", name, len(f.forms))
		}
	}
	t.Logf("%d files, built %v", len(h.files), h.Built())
}

// TestAbsent: the page that stands in for the explorer says what to do.
func TestAbsent(t *testing.T) {
	w := get(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { absent(t).ServeHTTP(w, r) }), "/explorer/block/1")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if w := get(absent(t), "/explorer/absent.css"); w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%s", w.Header().Get("Content-Type"))
	}
}

func absent(t *testing.T) *Handler {
	t.Helper()
	h, err := standIn()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFront(t *testing.T) {
	for accept, want := range map[string]int{
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": http.StatusFound,
		"*/*":              http.StatusOK,
		"application/json": http.StatusOK,
		"":                 http.StatusOK,
	} {
		w := get(http.HandlerFunc(Front), "/", "Accept", accept)
		if w.Code != want || w.Body.Len() > 100 {
			t.Errorf("%q: %d", accept, w.Code)
		}
		if want == http.StatusFound && w.Header().Get("Location") != Path {
			t.Errorf("%q leads to %q", accept, w.Header().Get("Location"))
		}
	}
}
