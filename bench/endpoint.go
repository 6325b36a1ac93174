package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
)

// endpoint is one node's URL.
type endpoint struct {
	url, ws string
	http    *http.Client
	header  http.Header // of every request
	tls     *tls.Config
	rpc     *rpc.Client // on the same HTTP connections
	dead    bool        // guarded by load.mu
	pid     int         // of the process behind it, 0 = not visible
}

func dial(ctx context.Context, raw string, c *Config) (*endpoint, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	plain, secure := *u, u.Scheme == "https" || u.Scheme == "wss"
	e := &endpoint{header: c.Header, tls: c.TLS}
	plain.Scheme = "http"
	u.Scheme = "ws"
	if secure {
		plain.Scheme, u.Scheme = "https", "wss"
	}
	e.url, e.ws = plain.String(), u.String()
	e.http = &http.Client{
		Timeout: c.RequestTimeout,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: c.Connections + 2, IdleConnTimeout: 5 * time.Minute,
			DisableCompression: true, ForceAttemptHTTP2: false, TLSClientConfig: c.TLS,
		},
	}
	if e.rpc, err = rpc.DialOptions(ctx, e.url, rpc.WithHTTPClient(e.http), rpc.WithHeaders(c.Header)); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", e.url, err)
	}
	e.pid = listenerOf(u)
	return e, nil
}

func (e *endpoint) close() {
	e.rpc.Close()
	e.http.CloseIdleConnections()
}

// statusError is an HTTP answer other than 200.
type statusError struct {
	code int
	body string
}

func (s *statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s %s", s.code, http.StatusText(s.code), s.body))
}

// post sends body and reads the answer into buf.
func (e *endpoint) post(ctx context.Context, body []byte, buf *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = e.header.Clone()
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	buf.Reset()
	if _, err := io.Copy(buf, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &statusError{resp.StatusCode, string(buf.Bytes()[:min(buf.Len(), 200)])}
	}
	return nil
}

// blockHashes returns the transaction hashes of a block, in order.
func (e *endpoint) blockHashes(ctx context.Context, number uint64, buf *bytes.Buffer) ([][32]byte, error) {
	body := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x%x",false]}`, number)
	if err := e.post(ctx, body, buf); err != nil {
		return nil, err
	}
	hashes, err := scanHashes(buf.Bytes())
	if err != nil {
		return nil, fmt.Errorf("block %d of %s: %w", number, e.url, err)
	}
	return hashes, nil
}

// scanHashes finds the array of hashes in a block's JSON. A block of thousands is
// parsed a hundred times cheaper than by reflection.
func scanHashes(data []byte) ([][32]byte, error) {
	const key = `"transactions":`
	at := bytes.Index(data, []byte(key))
	if at < 0 {
		return nil, fmt.Errorf("no transactions in %q", data[:min(len(data), 200)])
	}
	data = bytes.TrimLeft(data[at+len(key):], " \t\r\n")
	end := bytes.IndexByte(data, ']')
	if len(data) == 0 || data[0] != '[' || end < 0 {
		return nil, fmt.Errorf("transactions are no array")
	}
	data = data[1:end]
	out := make([][32]byte, 0, len(data)/68+1)
	for {
		at := bytes.IndexByte(data, '"')
		if at < 0 {
			return out, nil
		}
		var h [32]byte
		if len(data) < at+68 || data[at+1] != '0' || data[at+2] != 'x' || data[at+67] != '"' {
			return nil, fmt.Errorf("transaction %d is no hash", len(out))
		}
		for i := range h {
			hi, lo := nibble(data[at+3+2*i]), nibble(data[at+4+2*i])
			if hi|lo > 15 {
				return nil, fmt.Errorf("transaction %d is no hash", len(out))
			}
			h[i] = hi<<4 | lo
		}
		out = append(out, h)
		data = data[at+68:]
	}
}

// nibble is the value of a hex digit, or 255.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
