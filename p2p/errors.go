package p2p

import (
	"errors"
	"fmt"
)

var (
	// ErrNotRunning is returned before Run has set up the host and after it ended.
	ErrNotRunning = errors.New("p2p: host is not running")
	// ErrNotConnected is returned for a peer without a completed handshake.
	ErrNotConnected = errors.New("p2p: peer is not connected")
	// ErrQueueFull is returned by Push when the peer does not read fast enough;
	// the message is dropped and counted.
	ErrQueueFull = errors.New("p2p: outbound queue is full")
	// ErrTooLarge is returned for a message above its limit.
	ErrTooLarge = errors.New("p2p: message is too large")
	// ErrBusy is the answer of a server above its limits for this client.
	ErrBusy = errors.New("p2p: peer is busy")
	// ErrNoTopic is returned by Broadcast for a topic this node has not joined:
	// no handler was registered, or its role does not allow it.
	ErrNoTopic = errors.New("p2p: topic is not joined")
)

// RemoteError is an error that the serving handler of a peer returned.
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return fmt.Sprintf("p2p: peer answered: %s", e.Text) }
