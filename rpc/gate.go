package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/quorate/quorate/rpc/access"
)

// gate stands before go-ethereum's HTTP handler: it reads the body within its
// bounds, refuses what is too large, too many or too deep, lets through what the
// caller may call, and prepares batches of transactions.
func (s *Server) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			if r.ContentLength != 0 { // go-ethereum's handler would execute it
				http.Error(w, "POST is expected", http.StatusMethodNotAllowed)
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		caller, refused := s.guard.Caller(r)
		if refused != nil {
			s.reject(w, refused)
			return
		}
		if r.ContentLength < 0 || r.ContentLength > int64(s.cfg.Limits.SmallBody) {
			if !enter(r, s.large) {
				return
			}
			defer func() { <-s.large }()
		}
		body, err := s.readBody(w, r)
		if err != nil {
			return // answered
		}
		if !enter(r, s.requests) {
			return
		}
		defer func() { <-s.requests }()
		found := scan(body)
		if refused := s.cfg.Limits.outside(found); refused != nil {
			status := http.StatusOK
			if found.items > s.cfg.Limits.BatchItems {
				status = http.StatusRequestEntityTooLarge // clients halve the batch
			}
			s.refuse(w, status, refused.Code, refused.Message)
			return
		}
		if refused := caller.Spend(max(found.items, 1)); refused != nil {
			s.reject(w, refused)
			return
		}
		if len(found.raws) >= minPrepared && s.cfg.Signer != nil && caller.Allows("eth_sendRawTransaction") {
			r = r.WithContext(context.WithValue(r.Context(), preparedKey{}, prepare(found.raws, s.cfg.Signer)))
		}
		if s.guard.Limited() {
			r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
		}
		if !caller.Free() {
			body = screen(body, permitted(caller))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		next.ServeHTTP(w, r)
	})
}

// outside returns the error of a request with more calls or levels than allowed.
func (l Limits) outside(found scanned) *Error {
	switch {
	case found.items > l.BatchItems:
		return &Error{Code: codeInvalidRequest, Message: fmt.Sprintf("batch too large: %d calls, the limit is %d", found.items, l.BatchItems)}
	case found.depth > l.Depth:
		return &Error{Code: codeInvalidRequest, Message: fmt.Sprintf("request too deep: %d levels, the limit is %d", found.depth, l.Depth)}
	}
	return nil
}

// enter waits for one of the places, unless the client goes away.
func enter(r *http.Request, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-r.Context().Done():
		return false
	}
}

// readBody returns the trimmed body, or answers the client and returns an error.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := int64(s.cfg.Limits.BodyBytes)
	tooLarge := func() ([]byte, error) {
		message := fmt.Sprintf("request too large: the limit is %d bytes", limit)
		s.refuse(w, http.StatusRequestEntityTooLarge, codeInvalidRequest, message)
		return nil, errors.New(message)
	}
	if r.ContentLength > limit {
		return tooLarge()
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			return tooLarge()
		}
		http.Error(w, "could not read the request", http.StatusBadRequest)
		return nil, err
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}

// reject answers a request that is not served at all.
func (s *Server) reject(w http.ResponseWriter, r *access.Refusal) {
	code := CodeLimit
	switch {
	case r.Status == http.StatusUnauthorized:
		code = CodeUnauthorized
		w.Header().Set("WWW-Authenticate", "Bearer")
	case r.RetryAfter > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int((r.RetryAfter+time.Second-1)/time.Second)))
	}
	s.refuse(w, r.Status, code, r.Text)
}

// refuse answers with one JSON-RPC error that names no call.
func (s *Server) refuse(w http.ResponseWriter, status, code int, message string) {
	WriteError(w, status, &Error{Code: code, Message: message})
}

// WriteError answers a request over HTTP with a status and one JSON-RPC error that
// names no call: all errors of the port have that form.
func WriteError(w http.ResponseWriter, status int, e *Error) {
	body := `{"jsonrpc":"2.0","id":null,"error":{"code":` + strconv.Itoa(e.Code) + `,"message":` + string(quoted(e.Message)) + `}}`
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client is gone or not
}
