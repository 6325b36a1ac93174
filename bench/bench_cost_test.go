package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// BenchmarkClient is what one transaction costs the generator between signing and
// verification: batch, request, answer, hash of its block. The server answers
// with a constant, so nearly all of it is the client's.
func BenchmarkClient(b *testing.B) {
	const n, batch = 6000, 150
	var answer bytes.Buffer
	for id := range batch {
		fmt.Fprintf(&answer, `%c{"jsonrpc":"2.0","id":%d,"result":"%v"}`, "[,"[min(id, 1)], id, common.Hash{byte(id)})
	}
	answer.WriteByte(']')
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(answer.Bytes())
	}))
	defer server.Close()
	cfg := Default()
	cfg.URLs, cfg.Txs, cfg.Accounts, cfg.Outstanding = []string{server.URL}, n, 100, n
	if err := cfg.Validate(); err != nil {
		b.Fatal(err)
	}
	e, err := dial(b.Context(), server.URL, &cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer e.close()
	txs := make([]txn, n)
	hashes := make([][32]byte, n)
	for i := range txs {
		txs[i].hash = common.Hash{byte(i), byte(i >> 8), 1}
		txs[i].param = bytes.Repeat([]byte("a"), 230)
		hashes[i] = txs[i].hash
	}
	var block bytes.Buffer
	block.WriteString(`{"transactions":`)
	for i, h := range hashes {
		fmt.Fprintf(&block, `%c"%v"`, "[,"[min(i, 1)], common.Hash(h))
	}
	block.WriteString(`]}`)
	b.ResetTimer()
	for range b.N {
		l := newLoad(&cfg, []*endpoint{e}, append([]txn(nil), txs...))
		l.began = time.Now()
		var body []byte
		var buf bytes.Buffer
		for _, ln := range l.lanes {
			for {
				now, _, _ := ln.take()
				if len(now) == 0 {
					break
				}
				body = ln.assemble(body[:0], now)
				if err := e.post(b.Context(), body, &buf); err != nil {
					b.Fatal(err)
				}
			}
		}
		got, err := scanHashes(block.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		l.include(1, time.Now(), got)
		if l.confirmed != n {
			b.Fatal(l.confirmed)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/tx")
}
