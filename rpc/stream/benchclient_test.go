package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// asClient makes the test program a client of BenchmarkDoors: a process of its own, so
// that the processor time of the other one is that of the node.
const asClient = "QUORATE_DOORS_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(asClient) == "" {
		os.Exit(m.Run())
	}
	asks, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var a ask
		if err := asks.Decode(&a); err != nil {
			return // the benchmark has ended
		}
		n, err := a.read()
		if err := answers.Encode(got{n, fmt.Sprint(err)}); err != nil {
			return
		}
	}
}

// ask is what the client reads and throws away.
type ask struct {
	Door   string // range, stream, socket, batch
	URL    string
	Coding string // of a range
	Body   []byte // of a batch
	Blocks int    // of a stream and a socket
}

// got is how many bytes that were.
type got struct {
	Bytes int64
	Error string
}

func (a *ask) read() (int64, error) {
	switch a.Door {
	case "stream":
		return a.stream()
	case "socket":
		return a.socket()
	}
	method := http.MethodGet
	if a.Body != nil {
		method = http.MethodPost
	}
	resp, err := a.do(method)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, make([]byte, 256<<10))
}

func (a *ask) do(method string) (*http.Response, error) {
	r, err := http.NewRequest(method, a.URL, bytes.NewReader(a.Body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Encoding", a.Coding)
	return http.DefaultClient.Do(r)
}

// stream reads events up to the end of the last one that is wanted.
func (a *ask) stream() (n int64, err error) {
	resp, err := a.do(http.MethodGet)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	in := bufio.NewReaderSize(resp.Body, 256<<10)
	for blocks, begins := 0, true; ; {
		line, err := in.ReadSlice('\n')
		n += int64(len(line))
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
		if begins && bytes.HasPrefix(line, []byte("id: ")) {
			blocks++
		}
		if begins && blocks == a.Blocks && len(line) == 1 {
			return n, nil
		}
		begins = err == nil
	}
}

// socket reads notifications.
func (a *ask) socket() (n int64, err error) {
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(a.URL, "http"), nil)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	defer conn.Close()
	if err := conn.WriteMessage(websocket.TextMessage, a.Body); err != nil {
		return 0, err
	}
	for range a.Blocks + 1 { // the answer is the first
		_, r, err := conn.NextReader()
		if err != nil {
			return n, err
		}
		m, err := io.Copy(io.Discard, r)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

// startClient returns what has it read.
func startClient(b *testing.B) func(ask) int64 {
	b.Helper()
	c := exec.CommandContext(context.WithoutCancel(b.Context()), os.Args[0])
	c.Env = append(os.Environ(), asClient+"=1", "GOGC=400")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			b.Error(err)
		}
	})
	asks, answers := json.NewEncoder(in), json.NewDecoder(out)
	return func(a ask) int64 {
		var g got
		if err := errors.Join(asks.Encode(a), answers.Decode(&g)); err != nil || g.Error != "<nil>" {
			b.Fatal(err, g.Error)
		}
		return g.Bytes
	}
}
