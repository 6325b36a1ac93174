package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/quorate/quorate/node/config"
)

// TestLevelChanges: a logger that was made with one level follows it, in both formats.
func TestLevelChanges(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		level := new(slog.LevelVar)
		log := leveled(&out, &config.Config{Name: "n", Log: config.Log{Format: format}}, level).With("part", "x")
		for _, step := range []struct {
			level slog.Level
			shown int
		}{{slog.LevelInfo, 0}, {slog.LevelDebug, 1}, {slog.LevelError, 1}, {slog.LevelDebug, 2}} {
			level.Set(step.level)
			log.Debug("here")
			if n := strings.Count(out.String(), "here"); n != step.shown {
				t.Errorf("%s at %s: %d lines, want %d\n%s", format, step.level, n, step.shown, out.String())
			}
		}
	}
}
