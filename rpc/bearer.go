package rpc

import (
	"net/http"
	"slices"
	"strings"

	"github.com/quorate/quorate/rpc/access"
)

// This file lets a browser show a token. Its WebSocket has no header of its own but the
// list of subprotocols, and what many servers do with it is done here.

const (
	// subprotocol is the one that a client gets if it offers it. A browser that has
	// offered some and gets none cuts the connection.
	subprotocol = "quorate"
	// bearerPrefix stands before a token in the list. A JWT is base64url and dots, all of
	// which may stand there (RFC 9110 §5.6.2).
	bearerPrefix = "bearer."
)

const headerProtocols = "Sec-WebSocket-Protocol"

// withBearer returns an upgrade with the token that is among its subprotocols where
// other clients have it, in the header Authorization: it is judged in the same way, and
// it is in no list that could be answered. A client that shows one must offer
// subprotocol, too: the token is no answer.
func withBearer(r *http.Request) (*http.Request, *access.Refusal) {
	var offered, shown []string
	for _, line := range r.Header.Values(headerProtocols) {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			if token, ok := strings.CutPrefix(item, bearerPrefix); ok {
				shown = append(shown, token)
			} else if item != "" {
				offered = append(offered, item)
			}
		}
	}
	if len(shown) == 0 {
		return r, nil
	}
	if !slices.Contains(offered, subprotocol) {
		return nil, &access.Refusal{Status: http.StatusUnauthorized, Text: "unauthorized: offer the subprotocol " + subprotocol + " beside " + bearerPrefix + "TOKEN"}
	}
	r = r.Clone(r.Context())
	for _, token := range shown {
		r.Header.Add("Authorization", "Bearer "+token)
	}
	r.Header.Set(headerProtocols, strings.Join(offered, ", "))
	return r, nil
}
