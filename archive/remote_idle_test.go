package archive_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/archive"
)

// TestRemoteIdle: a node that stops in the middle of an answer is given up after MaxIdle,
// and the blocks before are there. One that sends a byte now and then is not, and neither
// is one whose blocks take long to be written.
func TestRemoteIdle(t *testing.T) {
	const lines = "{\"number\":\"0x0\"}\n{\"number\":\"0x1\"}\n"
	for name, test := range map[string]struct {
		body  []string // with almost MaxIdle before each
		write time.Duration
		want  string
	}{
		"stops in a line":  {[]string{lines, `{"numb`}, 0, "http://node: the node has sent nothing for 1m0s; the blocks before are written, and an export to a file goes on behind them"},
		"stops at once":    {nil, 0, "http://node: the node has sent nothing for 1m0s; the blocks before are written, and an export to a file goes on behind them"},
		"goes on":          {[]string{lines, `{"numb`, `er":"0x2"}`, "\n", `{"next":"0x3"}`, "\n"}, 0, ""},
		"is slow to write": {[]string{lines + "{\"number\":\"0x2\"}\n{\"next\":\"0x3\"}\n"}, 3 * archive.MaxIdle, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				go func() {
					_, _ = http.ReadRequest(bufio.NewReader(far))
					fmt.Fprint(far, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n")
					for _, part := range test.body {
						time.Sleep(archive.MaxIdle - time.Second)
						fmt.Fprint(far, part)
					}
				}()
				transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
				source := &archive.Remote{URL: "http://node", Client: &http.Client{Transport: transport}}
				var out bytes.Buffer
				err := archive.WriteLines(t.Context(), &out, source, 0, 2, func(uint64) { time.Sleep(test.write) })
				if got := fmt.Sprint(err); test.want == "" && err != nil || test.want != "" && got != test.want {
					t.Errorf("%s\nwant %s", got, test.want)
				}
				if test.body != nil && !strings.HasPrefix(out.String(), lines) {
					t.Errorf("written: %q", out.String())
				}
				near.Close()
				far.Close()
				transport.CloseIdleConnections()
			})
		})
	}
}
