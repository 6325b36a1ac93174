package blocksync_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/quorate/quorate/blocksync"
)

// TestServer: count, bytes, the head and the sender's wishes bound a response.
func TestServer(t *testing.T) {
	cfg := small()
	s := must[*blocksync.Server](t)(blocksync.NewServer(upTo(20), cfg))
	serve := func(req []byte) (got [][]byte, err error) {
		err = s.Serve(ctx, req, func(raw []byte) error { got = append(got, raw); return nil })
		return got, err
	}
	for _, x := range []struct{ from, count, want uint64 }{
		{1, 3, 3}, {1, 1 << 60, 8}, {18, 8, 3}, {20, 1, 1}, {21, 1, 0}, {1<<64 - 1, 1<<64 - 1, 0},
	} {
		got, err := serve(blocksync.EncodeRequest(x.from, x.count, 1<<20))
		if err != nil || uint64(len(got)) != x.want {
			t.Fatalf("%d blocks from %d: %d came, %v", x.count, x.from, len(got), err)
		}
		for i, raw := range got {
			if !bytes.Equal(raw, source().raw[x.from+uint64(i)]) {
				t.Fatalf("block %d is another one", x.from+uint64(i))
			}
		}
	}
	for _, bad := range [][]byte{nil, {0xc0}, blocksync.EncodeRequest(0, 1, 1<<20), blocksync.EncodeRequest(1, 0, 1<<20), blocksync.EncodeRequest(1, 1, 0), append(blocksync.EncodeRequest(1, 1, 1<<20), 0), make([]byte, 1<<20)} {
		if _, err := serve(bad); !errors.Is(err, blocksync.ErrRequest) {
			t.Fatalf("request %.20x: %v", bad, err)
		}
	}

	cfg.ResponseBytes = len(source().raw[1]) + 1
	s = must[*blocksync.Server](t)(blocksync.NewServer(upTo(20), cfg))
	if got, err := serve(blocksync.EncodeRequest(1, 8, 1<<20)); err != nil || len(got) != 2 {
		t.Fatalf("a response of %d bytes has %d blocks, %v", cfg.ResponseBytes, len(got), err)
	}
	if got, err := serve(blocksync.EncodeRequest(1, 8, 1)); err != nil || len(got) != 1 {
		t.Fatalf("a response of 1 byte has %d blocks, %v", len(got), err)
	}
	gone := errors.New("gone")
	if err := s.Serve(ctx, blocksync.EncodeRequest(1, 8, 1<<20), func([]byte) error { return gone }); !errors.Is(err, gone) {
		t.Fatalf("a peer that is gone: %v", err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Serve(over, blocksync.EncodeRequest(1, 8, 1<<20), func([]byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add(blocksync.EncodeRequest(1, 128, 1<<20))
	f.Add([]byte{0xc3, 0x00, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, data []byte) {
		from, count, size, err := blocksync.DecodeRequest(data)
		if err == nil && !bytes.Equal(blocksync.EncodeRequest(from, count, size), data) {
			t.Fatalf("%x decodes to %d, %d, %d, which encodes differently", data, from, count, size)
		}
	})
}

func TestConfig(t *testing.T) {
	if err := blocksync.Default().Validate(); err != nil {
		t.Fatal(err)
	}
	err := blocksync.Config{MaxBlocks: 1 << 20, ResponseBytes: -1}.Validate()
	for _, name := range []string{"MaxBlocks", "ResponseBytes", "MaxBlockBytes", "BlockTimeout", "RetryDelay", "MaxPeers", "MemoryBytes"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing in %v", name, err)
		}
	}
	if _, err := blocksync.New(nil, nil, blocksync.Config{MemoryBytes: 1 << 20}); err == nil {
		t.Error("too little memory for two responses was accepted")
	}
}
