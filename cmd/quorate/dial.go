package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
	"github.com/spf13/cobra"
)

// maxTokenFile bounds a file with a token, in bytes: no node reads a longer one.
const maxTokenFile = 64 << 10

// dialFlags say how a command shows a node who it is, and whom it trusts.
type dialFlags struct{ token, ca, cert, key string }

func (f *dialFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.token, "rpc-token", "", "file with a bearer token for JSON-RPC")
	c.Flags().StringVar(&f.ca, "rpc-ca", "", "file of the CAs that vouch for the node, PEM (default: those of the system)")
	c.Flags().StringVar(&f.cert, "rpc-cert", "", "file of this client's certificate chain, PEM")
	c.Flags().StringVar(&f.key, "rpc-key", "", "file of its private key, PEM")
}

// read opens the files.
func (f *dialFlags) read() (http.Header, *tls.Config, error) {
	header, cfg := make(http.Header), &tls.Config{MinVersion: tls.VersionTLS12}
	if (f.cert == "") != (f.key == "") {
		return nil, nil, withCode(exitUsage, errors.New("--rpc-cert and --rpc-key belong together: give both, or none"))
	}
	if f.token != "" {
		token, err := readToken(f.token)
		if err != nil {
			return nil, nil, err
		}
		header.Set("Authorization", "Bearer "+token)
	}
	if f.ca != "" {
		data, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(data) {
			return nil, nil, withCode(exitInvalid, fmt.Errorf("%s has no certificate in PEM", f.ca))
		}
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, nil, fmt.Errorf("--rpc-cert and --rpc-key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return header, cfg, nil
}

// readToken reads the first line of a file; what follows it is a mistake.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", withCode(exitInvalid, fmt.Errorf("%s: one token on one line is expected", path))
	}
	return token, nil
}

// dial makes a client of a node's JSON-RPC, over HTTP or WebSocket.
func (f *dialFlags) dial(ctx context.Context, url string) (*rpc.Client, error) {
	header, cfg, err := f.read()
	if err != nil {
		return nil, err
	}
	client, err := rpc.DialOptions(ctx, url, rpc.WithHeaders(header),
		rpc.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: cfg, Proxy: http.ProxyFromEnvironment}}),
		rpc.WithWebsocketDialer(websocket.Dialer{TLSClientConfig: cfg, Proxy: http.ProxyFromEnvironment}))
	if err != nil {
		return nil, withCode(exitUnavailable, fmt.Errorf("%s: %w", url, err))
	}
	return client, nil
}
