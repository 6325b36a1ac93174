package rpc

import "fmt"

// Codes of JSON-RPC errors that several packages answer with.
const (
	CodeRevert        = 3      // execution reverted; data is the revert data
	CodeInvalidParams = -32602 // the arguments are wrong
	CodeTimeout       = -32002 // the request took too long
	CodeTooLarge      = -32003 // the answer is too large
	CodeLimit         = -32005 // a limit is exceeded; the message names it and what would work
	CodePruned        = 4444   // the block, or its logs, were never here or are no longer; as geth
	CodeUnauthorized  = -40100 // the caller may not call this, or is not known; as Besu
)

// codeInvalidRequest is JSON-RPC's code for what is no request, or none that is
// looked into.
const codeInvalidRequest = -32600

// Error is an error with a code and optional data for the client. Other errors
// are answered with -32000.
type Error struct {
	Code    int
	Message string
	Data    any // nil: none
}

func (e *Error) Error() string          { return e.Message }
func (e *Error) ErrorCode() int         { return e.Code }
func (e *Error) ErrorData() interface{} { return e.Data }

// InvalidParams returns the error for wrong arguments.
func InvalidParams(format string, args ...any) *Error {
	return &Error{Code: CodeInvalidParams, Message: fmt.Sprintf(format, args...)}
}

// LimitExceeded returns the error for a limit; the message must name it.
func LimitExceeded(format string, args ...any) *Error {
	return &Error{Code: CodeLimit, Message: fmt.Sprintf(format, args...)}
}

// PrunedHistory returns the error for blocks, or parts of them, that are not here, in
// geth's words.
func PrunedHistory(format string, args ...any) *Error {
	return &Error{Code: CodePruned, Message: "pruned history unavailable: " + fmt.Sprintf(format, args...) + "; ask a node that has synced by blocks"}
}
