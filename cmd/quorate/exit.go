package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/govern"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/recovery"
)

// The exit codes. Scripts may rely on them.
const (
	exitOK          = 0
	exitFailure     = 1 // anything else
	exitUsage       = 2 // unknown command or flag, wrong number of arguments
	exitInvalid     = 3 // a document or configuration is not valid
	exitUnavailable = 4 // a node does not answer
	exitExists      = 5 // something is there already and is kept
	exitNotFound    = 6 // a named file is missing
	exitRefused     = 7 // a system contract refuses it, or it would leave too few reachable validators, or schedule an unknown fork, or a recovery does not fit the node
	exitTooOld      = 8 // the network has a fork that this version does not know: install a newer one
)

// codeError gives an error its exit code.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codeError{code, err}
}

// exitCode maps an error to a code: its own, or that of its kind.
func exitCode(err error) int {
	var own *codeError
	var problems genesis.Problems
	var faults config.Faults
	var refused *govern.Refused
	var unsafe *govern.Unsafe
	var fork *govern.BadFork
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &problems), errors.As(err, &faults):
		return exitInvalid
	case isRecoveryFault(err):
		return exitInvalid
	case errors.As(err, &refused), errors.As(err, &unsafe), errors.As(err, &fork), errors.Is(err, node.ErrRefused):
		return exitRefused
	case errors.Is(err, node.ErrTooOld):
		return exitTooOld
	case errors.Is(err, keys.ErrExists):
		return exitExists
	case errors.Is(err, os.ErrNotExist):
		return exitNotFound
	}
	return exitFailure
}

// isRecoveryFault reports whether a recovery document does not hold by itself.
func isRecoveryFault(err error) bool {
	return slices.ContainsFunc([]error{recovery.ErrForm, recovery.ErrNetwork, recovery.ErrNotAllowed, recovery.ErrSignature, recovery.ErrTooFew},
		func(kind error) bool { return errors.Is(err, kind) })
}

// printError writes the error for people, or as one JSON line.
func (a *app) printError(w io.Writer, err error) {
	if !a.json {
		fmt.Fprintf(w, "quorate: %v\n", err)
		if exitCode(err) == exitUsage {
			fmt.Fprintln(w, "Run 'quorate help' or add --help to a command.")
		}
		return
	}
	doc := map[string]any{"code": exitCode(err), "error": err.Error()}
	var problems genesis.Problems
	var faults config.Faults
	switch {
	case errors.As(err, &problems):
		doc["problems"] = problems
	case errors.As(err, &faults):
		doc["problems"] = faults
	}
	_ = json.NewEncoder(w).Encode(doc) // nobody is left to tell
}
