package rpctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Conversation checks all that is said over one connection, or in one exchange
// over HTTP: single messages, batches and notifications. Safe for concurrent use.
type Conversation struct {
	schemas *Schemas

	mu            sync.Mutex
	calls         map[string][]call // those that wait for their answer, by id
	subscriptions map[string]string // id → as Subscription
}

// call is a request.
type call struct {
	Method string          `json:"method"`
	ID     json.RawMessage `json:"id"`
	Params json.RawMessage `json:"params"`
}

// answer is whatever a node sends.
type answer struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
	Method  string          `json:"method"` // of a notification
	Params  json.RawMessage `json:"params"`
}

// Conversation begins one.
func (s *Schemas) Conversation() *Conversation {
	return &Conversation{schemas: s, calls: map[string][]call{}, subscriptions: map[string]string{}}
}

// Asked notes a message to the node. What is no request is left to the node.
func (c *Conversation) Asked(message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, raw := range messages(message) {
		var r call
		if json.Unmarshal(raw, &r) == nil && r.ID != nil {
			id := string(r.ID)
			c.calls[id] = append(c.calls[id], r)
		}
	}
}

// Answered checks a message from the node. It returns how many answers and
// notifications there were, and what is wrong with them.
func (c *Conversation) Answered(message []byte) (checked int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := messages(message)
	var wrong []error
	for _, raw := range all {
		if err := c.one(raw); err != nil {
			wrong = append(wrong, err)
		}
	}
	return len(all), errors.Join(wrong...)
}

// messages takes a batch apart.
func messages(raw []byte) []json.RawMessage {
	var batch []json.RawMessage
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' && json.Unmarshal(raw, &batch) == nil {
		return batch
	}
	return []json.RawMessage{raw}
}

func (c *Conversation) one(raw json.RawMessage) error {
	var a answer
	if err := strict(raw, &a); err != nil {
		return fmt.Errorf("no JSON-RPC answer: %w\n%s", err, cut(raw))
	}
	if a.Version != "2.0" || a.Method == "" && (a.Result == nil) == (a.Error == nil) {
		return fmt.Errorf("no JSON-RPC answer: want jsonrpc 2.0, and result or error\n%s", cut(raw))
	}
	if a.Method != "" {
		return c.notified(&a, raw)
	}
	asked := c.take(string(a.ID))
	err := c.schemas.Answer(asked.Method, a.Result, a.Error)
	if err == nil && a.Error == nil && strings.HasSuffix(asked.Method, "_subscribe") {
		c.subscribed(&asked, a.Result)
	}
	if err != nil {
		return fmt.Errorf("%s %s is answered against the OpenRPC document: %w\n%s", asked.Method, cut(asked.Params), err, cut(raw))
	}
	return nil
}

// take returns the request with an id; without one, an answer is to something
// that was none.
func (c *Conversation) take(id string) call {
	waiting := c.calls[id]
	if len(waiting) == 0 {
		return call{}
	}
	if len(waiting) == 1 {
		delete(c.calls, id)
	} else {
		c.calls[id] = waiting[1:]
	}
	return waiting[0]
}

// subscribed notes what the notifications of a new subscription are.
func (c *Conversation) subscribed(asked *call, id json.RawMessage) {
	var params []json.RawMessage
	var name string
	if json.Unmarshal(asked.Params, &params) == nil && len(params) > 0 && json.Unmarshal(params[0], &name) == nil {
		c.subscriptions[string(id)] = Subscription(asked.Method, name)
	}
}

// notified checks a notification. Go-ethereum's server sends none before the
// answer to its subscription.
func (c *Conversation) notified(a *answer, raw json.RawMessage) error {
	var params struct {
		Subscription json.RawMessage `json:"subscription"`
		Result       json.RawMessage `json:"result"`
	}
	if err := strict(a.Params, &params); err != nil {
		return fmt.Errorf("no notification: %w\n%s", err, cut(raw))
	}
	name, known := c.subscriptions[string(params.Subscription)]
	if !known {
		return fmt.Errorf("a notification of a subscription that nobody has\n%s", cut(raw))
	}
	if err := c.schemas.Result(name, params.Result); err != nil {
		return fmt.Errorf("%s notifies against the OpenRPC document: %w\n%s", name, err, cut(raw))
	}
	return nil
}

// cut is as much of a message as a reader needs.
func cut(raw []byte) string {
	const most = 2000
	if len(raw) <= most {
		return string(raw)
	}
	return fmt.Sprintf("%s… (%d bytes)", raw[:most], len(raw))
}
