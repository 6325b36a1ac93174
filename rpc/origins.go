package rpc

import (
	"net/http"
	"net/url"
	"os"
	"strings"
)

// originCheck returns whether a web page may open a WebSocket, by go-ethereum's
// rules: "*" is any origin, one without scheme, host or port fits all of them,
// without any origin in the list it is this machine's, and clients that are no
// browser send none. Pages that this very server has sent may always: its name is
// one that allowHosts lets through, so that no other page can borrow it.
func originCheck(allowed []string) func(*http.Request) bool {
	if len(allowed) == 0 {
		allowed = []string{"http://localhost"}
		if name, err := os.Hostname(); err == nil {
			allowed = append(allowed, "http://"+name)
		}
	}
	return func(r *http.Request) bool {
		if len(r.Header.Values("Origin")) == 0 {
			return true
		}
		page := originOf(r.Header.Get("Origin"))
		if page.sent(r) {
			return true
		}
		for _, a := range allowed {
			if a == "*" || page.fits(originOf(a)) {
				return true
			}
		}
		return false
	}
}

type origin struct{ scheme, host, port string }

// originOf reads SCHEME://HOST:PORT, each part but the host optional.
func originOf(s string) origin {
	s = strings.ToLower(s)
	if !strings.Contains(s, "://") {
		s = "//" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return origin{host: s} // fits nothing but itself
	}
	return origin{u.Scheme, u.Hostname(), u.Port()}
}

func (o origin) fits(rule origin) bool {
	return (rule.scheme == "" || rule.scheme == o.scheme) &&
		(rule.host == "" || rule.host == o.host) &&
		(rule.port == "" || rule.port == o.port)
}

// sent reports whether a page is one of this server: the same scheme, host and port as
// the request goes to.
func (o origin) sent(r *http.Request) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return o == originOf(scheme+"://"+r.Host)
}
