package rawclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// patience is how long anything awaited may take; it only bounds a failing test.
const patience = 10 * time.Second

// Event is an event as it came, without the offset of recovery.
type Event struct {
	Name string
	Args []json.RawMessage
}

// Refusal is the payload of a CONNECT_ERROR.
type Refusal struct {
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Client is a connection to one namespace.
type Client struct {
	t         testing.TB
	conn      net.Conn
	namespace string
	done      chan struct{} // closed when reading has ended

	mu      sync.Mutex // also around writing
	id, pid string
	refused *Refusal
	events  []Event
	acks    map[uint64][]json.RawMessage
	offset  string
	nextID  uint64
	change  chan struct{} // closed and replaced when anything comes
}

// Dial connects to a namespace of the server at base ("http://127.0.0.1:3000") with an
// auth payload, and waits for the answer. The connection ends with the test.
func Dial(t testing.TB, base, namespace string, auth any) *Client {
	t.Helper()
	return DialWith(t, base, namespace, auth, "", nil)
}

// DialWith is Dial with more in the query ("a=1&b=2") and header of the handshake.
func DialWith(t testing.TB, base, namespace string, auth any, query string, header http.Header) *Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	address := "ws" + strings.TrimPrefix(base, "http") + "/socket.io/?EIO=4&transport=websocket&" + query
	conn, early, _, err := ws.Dialer{Header: ws.HandshakeHeaderHTTP(header)}.Dial(ctx, address)
	if err != nil {
		t.Fatalf("dial %s: %v", address, err)
	}
	c := &Client{
		t: t, conn: conn, namespace: namespace, done: make(chan struct{}),
		acks: make(map[uint64][]json.RawMessage), change: make(chan struct{}),
	}
	go c.read(early)
	t.Cleanup(c.Close)
	var payload []byte // nil auth is an absent one: null would be malformed
	if auth != nil {
		if payload, err = json.Marshal(auth); err != nil {
			t.Fatalf("auth: %v", err)
		}
	}
	c.mu.Lock()
	c.writeLocked("40" + c.prefix() + string(payload))
	c.mu.Unlock()
	c.Await("the answer to CONNECT", func() bool { return c.id != "" || c.refused != nil })
	return c
}

// prefix names the namespace in a packet.
func (c *Client) prefix() string {
	if c.namespace == "/" {
		return ""
	}
	return c.namespace + ","
}

// ID returns the id of the socket, or "" when it was refused.
func (c *Client) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// Session returns what a later CONNECT gives to be recovered.
func (c *Client) Session() (pid, offset string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid, c.offset
}

// Refused returns why the namespace did not let the client in, or nil.
func (c *Client) Refused() *Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

// Emit sends an event.
func (c *Client) Emit(event string, args ...any) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeLocked("42" + c.prefix() + c.body(event, args))
}

// Call sends an event and waits for its acknowledgement.
func (c *Client) Call(event string, args ...any) []json.RawMessage {
	c.t.Helper()
	c.mu.Lock()
	id := c.nextID
	c.nextID++
	c.writeLocked("42" + c.prefix() + strconv.FormatUint(id, 10) + c.body(event, args))
	c.mu.Unlock()
	var answer []json.RawMessage
	c.Await("the ack of "+event, func() bool {
		got, ok := c.acks[id]
		answer = got
		return ok
	})
	return answer
}

// body encodes an event with its arguments.
func (c *Client) body(event string, args []any) string {
	c.t.Helper()
	body, err := json.Marshal(append([]any{event}, args...))
	if err != nil {
		c.t.Fatalf("arguments of %s: %v", event, err)
	}
	return string(body)
}

// Next waits for the first event of this name that no earlier Next returned; others
// stay for later.
func (c *Client) Next(event string) Event {
	c.t.Helper()
	var found Event
	c.Await("the event "+event, func() bool {
		for i, e := range c.events {
			if e.Name == event {
				found = e
				c.events = append(c.events[:i:i], c.events[i+1:]...)
				return true
			}
		}
		return false
	})
	return found
}

// Heard returns the names of the events that no Next has taken.
func (c *Client) Heard() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, len(c.events))
	for i, e := range c.events {
		names[i] = e.Name
	}
	return names
}

// Close cuts the connection without a word, as a lost network does, and waits for the
// reading to end.
func (c *Client) Close() {
	_ = c.conn.Close() // closing twice is fine
	<-c.done
}

// Await waits until done says so. It is called with the client's mutex held, at once
// and whenever something came.
func (c *Client) Await(what string, done func() bool) {
	c.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		c.mu.Lock()
		ok, change := done(), c.change
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-change:
		case <-c.done:
			c.t.Fatalf("the connection ended while %s was awaited; heard %v", what, c.Heard())
		case <-limit.C:
			c.t.Fatalf("%s did not come within %v; heard %v", what, patience, c.Heard())
		}
	}
}

func (c *Client) writeLocked(packet string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(packet)); err != nil {
		c.t.Fatalf("write %q: %v", packet, err)
	}
}

// both reads what came with the handshake before the rest of the connection.
type both struct {
	io.Reader
	io.Writer
}

func (c *Client) read(early *bufio.Reader) {
	defer close(c.done)
	stream := both{Reader: c.conn, Writer: c.conn}
	if early != nil {
		stream.Reader = io.MultiReader(early, c.conn)
	}
	for {
		data, _, err := wsutil.ReadServerData(stream)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.takeLocked(data)
		close(c.change)
		c.change = make(chan struct{})
		c.mu.Unlock()
	}
}

func (c *Client) takeLocked(data []byte) {
	switch {
	case bytes.Equal(data, []byte("2")):
		_ = wsutil.WriteClientText(c.conn, []byte("3")) // fails when the connection ends
		return
	case len(data) < 2 || data[0] != '4':
		return
	}
	kind := data[1]
	rest, ours := bytes.CutPrefix(data[2:], []byte(c.prefix()))
	if !ours {
		return
	}
	switch kind {
	case '0':
		var hello struct{ SID, PID string }
		if json.Unmarshal(rest, &hello) == nil {
			c.id, c.pid = hello.SID, hello.PID
		}
	case '4':
		c.refused = new(Refusal)
		_ = json.Unmarshal(rest, c.refused) // an empty one says enough
	case '2':
		c.takeEventLocked(rest)
	case '3':
		at := bytes.IndexByte(rest, '[')
		id, err := strconv.ParseUint(string(rest[:max(at, 0)]), 10, 64)
		var args []json.RawMessage
		if err == nil && json.Unmarshal(rest[at:], &args) == nil {
			c.acks[id] = args
		}
	}
}

func (c *Client) takeEventLocked(rest []byte) {
	var args []json.RawMessage
	var e Event
	if json.Unmarshal(rest, &args) != nil || len(args) == 0 || json.Unmarshal(args[0], &e.Name) != nil {
		return
	}
	e.Args = args[1:]
	if last := len(e.Args) - 1; c.pid != "" && last >= 0 && json.Unmarshal(e.Args[last], &c.offset) == nil {
		e.Args = e.Args[:last]
	}
	c.events = append(c.events, e)
}
