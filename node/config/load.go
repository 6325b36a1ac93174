package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quorate/quorate/internal/suggest"
)

// Origin says where the value of a setting comes from.
type Origin struct {
	Key    string   `json:"key"`
	Values []string `json:"value"`
	From   string   `json:"origin"` // "default", "config.toml line 3", "QUORATE_RPC_PORT", "--rpc-port"
}

// Text returns the value on one line.
func (o Origin) Text() string { return strings.Join(o.Values, ",") }

// Faults are all faults of a configuration; it is the error that Load returns.
type Faults []string

// Error returns one line per fault.
func (f Faults) Error() string { return "configuration:\n  " + strings.Join(f, "\n  ") }

// notSettings are variables of the same prefix that tests read.
var notSettings = []string{"QUORATE_ETHEREUM_TESTS", "QUORATE_EXECUTION_APIS", "QUORATE_TEST_"}

// Load reads dir/config.toml, if it is there, and lays the environment (as
// from os.Environ) and the flags (by setting key, text form) over it.
func Load(dir string, environ []string, flags map[string]string) (*Config, []Origin, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	l := &loader{origins: make(map[string]Origin)}
	for _, s := range settings {
		l.origins[s.Key] = Origin{Key: s.Key, Values: s.split(s.Default), From: "default"}
	}
	if err := l.file(filepath.Join(abs, FileName)); err != nil {
		return nil, nil, err
	}
	l.environment(environ)
	l.flags(flags)
	return l.finish(abs)
}

type loader struct {
	origins map[string]Origin
	faults  Faults
}

func (l *loader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// file lays the TOML file over the defaults.
func (l *loader) file(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	values, err := readTOML(data)
	if err != nil {
		return Faults{fmt.Sprintf("%s: %v", path, err)}
	}
	for _, v := range values {
		from := fmt.Sprintf("%s line %d", FileName, v.line)
		s, ok := find(v.key)
		switch {
		case !ok:
			l.fault("%s: %s: unknown key%s", from, v.key, suggest.Hint(v.key, keys()))
		case v.err != nil:
			l.fault("%s: %s: %v", from, v.key, v.err)
		case v.list && !s.List:
			l.fault("%s: %s: is a list, one value is expected", from, v.key)
		default:
			l.origins[v.key] = Origin{Key: v.key, Values: v.texts, From: from}
		}
	}
	return nil
}

func (l *loader) environment(environ []string) {
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.ContainsFunc(notSettings, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Env() == name })
		if i < 0 {
			l.fault("environment: %s: unknown variable%s", name, suggest.Hint(name, envNames()))
			continue
		}
		s := settings[i]
		l.origins[s.Key] = Origin{Key: s.Key, Values: s.split(value), From: name}
	}
}

func envNames() []string {
	out := make([]string, len(settings))
	for i, s := range settings {
		out[i] = s.Env()
	}
	return out
}

func (l *loader) flags(flags map[string]string) {
	for _, s := range settings {
		if value, ok := flags[s.Key]; ok {
			l.origins[s.Key] = Origin{Key: s.Key, Values: s.split(value), From: "--" + s.Flag()}
		}
	}
}

// finish reads every value and checks them together.
func (l *loader) finish(dir string) (*Config, []Origin, error) {
	c := &Config{Dir: dir}
	origins := make([]Origin, 0, len(settings))
	readable := true
	for _, s := range settings {
		o := l.origins[s.Key]
		origins = append(origins, o)
		if err := s.set(c, o.Values); err != nil {
			readable = false
			for line := range strings.SplitSeq(err.Error(), "\n") {
				l.fault("%s: %s: %s", o.From, s.Key, line)
			}
		}
	}
	if readable {
		l.together(c)
	}
	if len(l.faults) > 0 {
		return nil, origins, l.faults
	}
	if c.Name == "" {
		c.Name = filepath.Base(dir)
	}
	c.absolute()
	return c, origins, nil
}

// together adds contradictions between settings.
func (l *loader) together(c *Config) {
	if err := c.contradictions(); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			l.fault("%s", line)
		}
	}
	if p := l.origins["password"]; c.Observer() && p.From != "default" && c.PasswordFile != "" {
		l.fault("%s: password: there is no key to open, since keystore is empty (an observer): remove one of the two", p.From)
	}
}
