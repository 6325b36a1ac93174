package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/rpc"
)

// TestLimits: the defaults are those of package rpc; file, environment and flag
// reach them, each over the one before; a table is read as dotted keys.
func TestLimits(t *testing.T) {
	c, _, err := Load(t.TempDir(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Limits != rpc.DefaultLimits() {
		t.Errorf("without settings: %+v", c.Limits)
	}
	dir := t.TempDir()
	text := "[rpc.limits]\nbatch_items = 10\nlog_results = 20\ncall_gas = 30\ncall_timeout = \"40ms\"\n"
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err = Load(dir, []string{"QUORATE_RPC_LIMITS_LOG_RESULTS=21", "QUORATE_RPC_LIMITS_CALL_GAS=31"}, map[string]string{"rpc.limits.call_gas": "32"})
	if err != nil {
		t.Fatal(err)
	}
	want := rpc.DefaultLimits()
	want.BatchItems, want.LogResults, want.CallGas, want.CallTimeout = 10, 21, 32, 40*time.Millisecond
	if c.Limits != want {
		t.Errorf("got %+v\nwant %+v", c.Limits, want)
	}
}

// TestLimitFaults: all at once, by key, and a name that is not quite right.
func TestLimitFaults(t *testing.T) {
	_, _, err := Load(t.TempDir(), nil, map[string]string{"rpc.limits.batch_items": "many", "rpc.limits.call_timeout": "5"})
	for _, part := range []string{"--rpc-limits-batch-items: rpc.limits.batch_items: \"many\"", "rpc.limits.call_timeout: \"5\" is no time"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	_, _, err = Load(t.TempDir(), nil, map[string]string{"rpc.limits.batch_items": "0", "rpc.limits.feed_buffer": "1000000000000", "rpc.limits.write_timeout": "1s"})
	for _, part := range []string{"rpc.limits.batch_items is 0", "rpc.limits.feed_buffer is 1000000000000", "rpc.limits.write_timeout (1s) must exceed"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	_, _, err = Load(t.TempDir(), []string{"QUORATE_RPC_LIMITS_BATCH_ITEM=5"}, nil)
	if err == nil || !strings.Contains(err.Error(), "QUORATE_RPC_LIMITS_BATCH_ITEMS") {
		t.Errorf("no suggestion: %v", err)
	}
}

// TestLimitRanges: nothing that a setting takes ends the process: 0 and the
// largest number are refused for each limit, or are a working value.
func TestLimitRanges(t *testing.T) {
	mayBeZero := map[string]bool{"rpc.limits.small_body": true, "rpc.limits.caller_rate": true, "rpc.limits.caller_heavy": true}
	typ := reflect.TypeFor[rpc.Limits]()
	for i, s := range limitSettings() {
		zero, huge := "0", "9223372036854775807"
		if typ.Field(i).Type == reflect.TypeFor[time.Duration]() {
			zero, huge = "0s", "200000h"
		}
		for _, v := range []string{zero, huge} {
			_, _, err := Load(t.TempDir(), nil, map[string]string{s.Key: v})
			if err == nil != (v == "0" && mayBeZero[s.Key]) {
				t.Errorf("%s = %s: %v", s.Key, v, err)
			}
		}
		if s.Usage == "" {
			t.Errorf("%s has no text", s.Key)
		}
	}
}
