// Command standin takes the place of a node where a test is about the
// supervisor: it has the same command line and directory, answers eth_chainId,
// and misbehaves as the file "behave" in its directory says.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/node/config"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(3)
	}
}

func run(args []string) error {
	if len(args) != 3 || args[0] != "start" || args[1] != "--dir" {
		return fmt.Errorf("unexpected arguments %q", args)
	}
	behave, err := os.ReadFile(filepath.Join(args[2], "behave"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	how := strings.TrimSpace(string(behave))
	if how == "crash" {
		return errors.New("told to crash")
	}
	c, _, err := config.Load(args[2], os.Environ(), nil)
	if err != nil {
		return err
	}
	g, err := genesis.Load(c.GenesisFile)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if how == "deaf" {
		signal.Ignore(syscall.SIGTERM)
	}
	server := &http.Server{Addr: c.RPC.String(), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,"result":"0x%x"}`, g.ChainID)
	})}
	context.AfterFunc(ctx, func() {
		fmt.Println("standin: stopping")
		_ = server.Close()
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
