package rpc

import (
	"net"
	"net/http"
	"strings"

	"github.com/rs/cors"
)

// allowHosts refuses requests whose Host is a name that is not allowed. A web
// page cannot point an allowed name or a bare address at this port (DNS
// rebinding works with the attacker's own name only).
func allowHosts(allowed []string, next http.Handler) http.Handler {
	names := make(map[string]bool, len(allowed))
	for _, name := range allowed {
		if name == "*" {
			return next
		}
		names[strings.ToLower(name)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostName(r.Host)
		if host == "" || net.ParseIP(host) != nil || names[strings.ToLower(host)] {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, "invalid host specified", http.StatusForbidden)
	})
}

// hostName cuts the port and the brackets of an IPv6 address off.
func hostName(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

// allowOrigins adds the headers that let web pages of these origins read
// answers. Without origins it adds nothing, and browsers keep them out.
func allowOrigins(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodPost, http.MethodGet},
		AllowedHeaders: []string{"*"},
		MaxAge:         600,
	}).Handler(next)
}

// isUpgrade reports whether a client asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade")
}
