package admin

import (
	"net"
	"net/http"
	"net/http/pprof"
)

// profiles are what /debug/pprof/ has besides the list of all that Go's runtime
// keeps by name. The command line is left out: it tells nothing of time or memory.
var profiles = map[string]http.HandlerFunc{
	"":        pprof.Index, // and the named ones: heap, goroutine, mutex, …
	"profile": pprof.Profile,
	"symbol":  pprof.Symbol,
	"trace":   pprof.Trace,
}

// profile mounts the profiler of Go's runtime. It is for who is on this machine,
// also where the port is open to others, who shall read the metrics: a profile
// costs time for as long as its caller likes.
func profile(mux *http.ServeMux) {
	for name, serve := range profiles {
		mux.HandleFunc("GET /debug/pprof/"+name, func(w http.ResponseWriter, r *http.Request) {
			if !local(r) {
				http.Error(w, "profiles are for callers on the machine of the node: ask 127.0.0.1 there", http.StatusForbidden)
				return
			}
			serve(w, r)
		})
	}
}

// local reports whether a caller is on this machine, and no web page of elsewhere
// that a browser here was made to open under a name of its own.
func local(r *http.Request) bool {
	host := hostOf(r.Host)
	return loopback(hostOf(r.RemoteAddr)) && (host == "localhost" || loopback(host))
}

// hostOf is an address without its port, if it has one.
func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
