package eth_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// BenchmarkReads answers batches of 100 calls over one keep-alive connection, on a
// chain of ours on which each block has 10 transactions. It reports processor time of
// the whole process per call, the client's included, which only copies bytes, and
// the calls per second of one core that this makes.
func BenchmarkReads(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as in a node
	const blocks = 100
	c := newOurChain(b, 10)
	for range blocks {
		for _, u := range c.net.Users {
			c.submit(b, u.Transfer(poor, 1))
		}
		c.seal(b)
	}
	web := httptest.NewServer(c.node.server.Handler())
	defer web.Close()
	users := c.net.Users
	for name, params := range map[string]func(i int) string{
		"eth_getBalance":       func(i int) string { return fmt.Sprintf(`"%s","latest"`, users[i%len(users)].Address) },
		"eth_getBalance/past":  func(i int) string { return fmt.Sprintf(`"%s","0x%x"`, users[i%len(users)].Address, 1+i%blocks) },
		"eth_getBlockByNumber": func(i int) string { return fmt.Sprintf(`"0x%x",false`, 1+i%blocks) },
	} {
		b.Run(name, func(b *testing.B) {
			benchmarkCalls(b, web.Listener.Addr().String(), strings.TrimSuffix(name, "/past"), params)
		})
	}
}

// batchOf is one HTTP request with 100 calls.
func batchOf(method string, params func(i int) string) []byte {
	const size = 100
	calls := make([]string, size)
	for i := range calls {
		calls[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"%s","params":[%s]}`, i, method, params(i))
	}
	body := "[" + strings.Join(calls, ",") + "]"
	return fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func benchmarkCalls(b *testing.B, addr, method string, params func(i int) string) {
	request := batchOf(method, params)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 64<<10)
	round := func() []byte {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			b.Fatal(r.Status, err)
		}
		return body
	}
	if body := round(); bytes.Count(body, []byte(`"result":"0x`))+bytes.Count(body, []byte(`"result":{"number"`)) != 100 {
		b.Fatalf("not 100 answers: %.500s", body)
	}
	var used time.Duration
	for b.Loop() {
		from := cpu(b)
		round()
		used += cpu(b) - from
	}
	each := float64(used.Nanoseconds()) / float64(100*b.N)
	b.ReportMetric(each, "cpu-ns/call")
	b.ReportMetric(1e9/each, "calls/s/core")
}
