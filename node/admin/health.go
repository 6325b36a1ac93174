package admin

import (
	"fmt"
	"net/http"
	"strings"
)

func live(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := h.Live(); err != nil {
			answer(w, false, "text/plain; charset=utf-8", err.Error()+"\n")
			return
		}
		answer(w, true, "text/plain; charset=utf-8", "ok\n")
	}
}

// readyz lists what is wrong; with ?verbose all checks.
func readyz(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		verbose := r.URL.Query().Has("verbose")
		checks := h.Ready()
		ok := allOK(checks)
		var b strings.Builder
		for _, c := range checks {
			mark := "+"
			if !c.OK {
				mark = "-"
			}
			if verbose || !c.OK {
				fmt.Fprintf(&b, "[%s] %s: %s\n", mark, c.Name, c.Detail)
			}
		}
		if ok {
			b.WriteString("ok\n")
		} else {
			b.WriteString("not ready\n")
		}
		answer(w, ok, "text/plain; charset=utf-8", b.String())
	}
}

// readiness is the same in the words of Besu, for tools made for it.
func readiness(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if allOK(h.Ready()) {
			answer(w, true, "application/json", `{"status":"UP"}`+"\n")
			return
		}
		answer(w, false, "application/json", `{"status":"DOWN"}`+"\n")
	}
}

func allOK(checks []Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return true
}

func answer(w http.ResponseWriter, ok bool, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(body)) // the prober is gone or not
}
