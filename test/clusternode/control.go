package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// control does what test/cluster asks for, and remembers what the node heard.
type control struct {
	name string
	srv  *socketio.Server

	mu     sync.Mutex
	heard  map[string][]any    // server side events by namespace
	states map[string][]string // adapter events by namespace
}

func newControl(name string, srv *socketio.Server) *control {
	return &control{name: name, srv: srv, heard: map[string][]any{}, states: map[string][]string{}}
}

// welcome serves a new socket.
func (c *control) welcome(s *socketio.Socket) {
	var auth struct {
		Rooms names `json:"rooms"`
		Data  any   `json:"data"`
	}
	if err := s.Handshake().Auth.Decode(&auth); err == nil {
		if auth.Data != nil {
			s.SetData(auth.Data)
		}
		_ = s.Join(auth.Rooms...) // fails where the client has gone already
	}
	s.On("enter", func(ctx context.Context, e *socketio.Event) {
		var room, since string
		if err := e.Args().Bind(&room, &since); err != nil {
			_ = e.AckError("bad_request", err.Error())
			return
		}
		h, err := s.JoinSince(ctx, since, 0, room)
		if err != nil {
			_ = e.AckError("failed", err.Error())
			return
		}
		_ = e.Ack(h)
	})
	s.On("where", func(_ context.Context, e *socketio.Event) { _ = e.Ack(c.name) })
}

// listen remembers the server side and adapter events of a namespace.
func (c *control) listen(n *socketio.Namespace) {
	for _, event := range []string{"note", "mute"} {
		n.OnServerSide(event, func(args socketio.Args, ack func(args ...any)) {
			values := packed(args)
			c.mu.Lock()
			c.heard[n.Name()] = append(c.heard[n.Name()], map[string]any{"event": event, "args": values})
			c.mu.Unlock()
			if ack != nil && event != "mute" {
				ack(map[string]any{"node": c.name, "args": args.Values()})
			}
		})
	}
	n.OnAdapter(func(e socketio.AdapterEvent) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.states[n.Name()] = append(c.states[n.Name()], fmt.Sprintf("%s %t %s", e.Kind, e.Up, e.Why))
	})
}

// operation is what a request asks for.
type operation struct {
	Op        string `json:"op"`
	Namespace string `json:"nsp"`

	From     string `json:"from"`
	To       names  `json:"to"`
	Except   names  `json:"except"`
	Local    bool   `json:"local"`
	Volatile bool   `json:"volatile"`
	Timeout  int    `json:"timeout"` // ms

	Event string `json:"event"`
	Args  []any  `json:"args"`
	Times int    `json:"times"`
	Rooms names  `json:"rooms"`
	Close bool   `json:"close"`
}

// names are names of rooms; numbers are taken for their text.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	var values []json.RawMessage
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	*n = nil
	for _, v := range values {
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		*n = append(*n, text)
	}
	return nil
}

// answer is what a request gets.
type answer struct {
	Value   any    `json:"value"`
	Error   string `json:"error,omitempty"`
	Answers []any  `json:"answers,omitempty"`
	Missing int    `json:"missing,omitempty"`
}

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var op operation
	var got answer
	err := json.NewDecoder(r.Body).Decode(&op)
	if err == nil {
		op.Args, _ = unpack(op.Args).([]any)
		got.Value, err = c.perform(r.Context(), &op)
	}
	if err != nil {
		got.Error = err.Error()
		var missing *socketio.AckError
		if errors.As(err, &missing) {
			got.Missing = missing.Missing
			got.Answers = firsts(missing.Responses)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(got) // whoever asked is gone
}

// audience is whom the operation is for.
func (op *operation) audience(n *socketio.Namespace) (*socketio.Broadcast, error) {
	b := n.Compress(true)
	if op.From != "" {
		s, ok := n.Socket(op.From)
		if !ok {
			return nil, fmt.Errorf("no socket %s here", op.From)
		}
		b = s.Broadcast()
	}
	b = b.To(op.To...).Except(op.Except...)
	if op.Local {
		b = b.Local()
	}
	if op.Volatile {
		b = b.Volatile()
	}
	if op.Timeout > 0 {
		b = b.Timeout(time.Duration(op.Timeout) * time.Millisecond)
	}
	return b, nil
}

func (c *control) heardIn(namespace string) []any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]any{}, c.heard[namespace]...)
}

func (c *control) statesOf(namespace string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.states[namespace]...)
}
