package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// MaxLine bounds one block as a line, in bytes: the largest batch there can be, 64 MB
// of transactions, in hex with receipts.
const MaxLine = 512 << 20

// MaxIdle is how long a node may send nothing while it is waited for: it waits for its
// own clients half as long.
const MaxIdle = time.Minute

// Remote is the source of a node that runs.
type Remote struct {
	URL    string // of its JSON-RPC
	Header http.Header
	Client *http.Client
}

// Head implements Source. It asks for the head by the door, so that one permission is
// enough.
func (r *Remote) Head(ctx context.Context) (uint64, error) {
	var number uint64
	_, err := r.get(ctx, "from=latest&limit=1", func(line []byte) (err error) {
		number, err = numberOf(line)
		return err
	})
	return number, err
}

// errEnough ends an answer after the last block that is wanted.
var errEnough = errors.New("the last block is here")

// Lines implements Source. It names no number of blocks, which the node may bound below
// what is missing, and hangs up after the last one.
func (r *Remote) Lines(ctx context.Context, from, to uint64, take func(number uint64, line []byte) error) error {
	for from <= to {
		next, err := r.get(ctx, fmt.Sprintf("from=%d&include=%s", from, All), func(line []byte) error {
			if from > to {
				return errEnough
			}
			n, err := numberOf(line)
			if err == nil && n != from {
				err = fmt.Errorf("%s: block %d was expected, block %d came", r.URL, from, n)
			}
			if err != nil {
				return err
			}
			from++
			return take(n, line)
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
		if next != from || next == 0 {
			return fmt.Errorf("%s: the last line of an answer is for block %d, the blocks end before %d", r.URL, next, from)
		}
	}
	return nil
}

// errCut says that an answer ended without its last line.
var errCut = errors.New("the answer was cut off")

// errIdle says that an answer came to a stop.
var errIdle = fmt.Errorf("the node has sent nothing for %v", MaxIdle)

// watched is an answer whose timer runs while it is waited for, and not while a block of
// it is written.
type watched struct {
	io.Reader
	idle *time.Timer
}

func (w *watched) Read(b []byte) (int, error) {
	w.idle.Reset(MaxIdle)
	defer w.idle.Stop()
	return w.Reader.Read(b)
}

// get calls take with the blocks of one answer, and returns what its last line says.
func (r *Remote) get(ctx context.Context, query string, take func(line []byte) error) (next uint64, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	idle := time.AfterFunc(MaxIdle, func() { end(errIdle) })
	defer idle.Stop()
	defer func() {
		if why := context.Cause(ctx); err != nil && errors.Is(why, errIdle) {
			err = fmt.Errorf("%s: %w; the blocks before are written, and an export to a file goes on behind them", r.URL, why)
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(r.URL, "/")+"/v1/blocks?"+query, nil)
	if err != nil {
		return 0, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("Accept-Encoding", "zstd")
	resp, err := r.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // as far as it goes
		return 0, fmt.Errorf("%s: %s: %s", r.URL, resp.Status, bytes.TrimSpace(text))
	}
	var in io.Reader = &watched{resp.Body, idle}
	if resp.Header.Get("Content-Encoding") == "zstd" {
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return 0, err
		}
		defer z.Close()
		in = z
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, MaxLine)
	for lines.Scan() {
		if text, ok := bytes.CutPrefix(lines.Bytes(), []byte(`{"next":"0x`)); ok {
			text, _ = bytes.CutSuffix(text, []byte(`"}`))
			return strconv.ParseUint(string(text), 16, 64)
		}
		if err := take(lines.Bytes()); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s: %w: %w", r.URL, errCut, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}

// numberOf reads the number at the beginning of a line.
func numberOf(line []byte) (uint64, error) {
	text, ok := bytes.CutPrefix(line, []byte(`{"number":"0x`))
	end := bytes.IndexByte(text, '"')
	if !ok || end < 0 {
		return 0, fmt.Errorf("no block: %.60q", line)
	}
	n, err := strconv.ParseUint(string(text[:end]), 16, 63)
	if err == nil && !json.Valid(line) {
		err = fmt.Errorf("block %d is no JSON", n)
	}
	return n, err
}
