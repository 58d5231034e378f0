package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// errSocketEnded is what waiting for an answer comes to when the connection ends.
var errSocketEnded = errors.New("the connection ended")

// namespaceRefused is a CONNECT_ERROR.
type namespaceRefused struct {
	Message string
	Data    struct{ Code string }
}

func (e *namespaceRefused) Error() string { return "the server refused: " + e.Message }

// demoSocket is a connection to one namespace by WebSocket, of a client that is made up. Its methods may be
// called by any goroutine.
type demoSocket struct {
	conn   net.Conn
	prefix string // of the namespace in a packet
	hear   func(event string, arg json.RawMessage)
	done   chan struct{}          // closed when reading has ended
	told   chan *namespaceRefused // one, when CONNECT is answered; nil: let in

	mu    sync.Mutex // also around writing
	next  uint64
	calls map[uint64]chan json.RawMessage
}

// dialSocket connects, and waits until the namespace has let the client in. hear is called by the goroutine that reads.
func dialSocket(ctx context.Context, base, namespace string, auth any, hear func(event string, arg json.RawMessage)) (*demoSocket, error) {
	payload, err := json.Marshal(auth)
	if err != nil {
		return nil, err
	}
	conn, early, _, err := ws.Dial(ctx, "ws"+strings.TrimPrefix(base, "http")+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		return nil, err
	}
	s := &demoSocket{
		conn: conn, prefix: namespace + ",", hear: hear, done: make(chan struct{}),
		told: make(chan *namespaceRefused, 1), calls: make(map[uint64]chan json.RawMessage),
	}
	stream := struct {
		io.Reader
		io.Writer
	}{conn, conn}
	if early != nil {
		stream.Reader = io.MultiReader(early, conn)
	}
	go s.read(stream)
	if err := s.write("40" + s.prefix + string(payload)); err != nil {
		s.close()
		return nil, err
	}
	select {
	case refused := <-s.told:
		if refused == nil {
			return s, nil
		}
		err = refused
	case <-s.done:
		err = errSocketEnded
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.close()
	return nil, err
}

// close ends the connection and waits until nothing is heard any more.
func (s *demoSocket) close() {
	_ = s.conn.Close() // twice is fine
	<-s.done
}

// ended reports whether the connection has ended.
func (s *demoSocket) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *demoSocket) write(packet string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return wsutil.WriteClientText(s.conn, []byte(packet))
}

// emit sends an event that is not answered.
func (s *demoSocket) emit(event string, arg any) error {
	body, err := json.Marshal([]any{event, arg})
	if err != nil {
		return err
	}
	return s.write("42" + s.prefix + string(body))
}

// call sends an event and waits for its ack.
func (s *demoSocket) call(ctx context.Context, event string, arg any) (json.RawMessage, error) {
	body, err := json.Marshal([]any{event, arg})
	if err != nil {
		return nil, err
	}
	answer := make(chan json.RawMessage, 1)
	s.mu.Lock()
	s.next++
	id := s.next
	s.calls[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.calls, id)
		s.mu.Unlock()
	}()
	if err := s.write("42" + s.prefix + strconv.FormatUint(id, 10) + string(body)); err != nil {
		return nil, fmt.Errorf("%w: %w", errSocketEnded, err)
	}
	select {
	case text := <-answer:
		return text, nil
	case <-s.done:
		return nil, errSocketEnded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *demoSocket) read(stream io.ReadWriter) {
	defer close(s.done)
	for {
		data, _, err := wsutil.ReadServerData(stream)
		if err != nil {
			return
		}
		if bytes.Equal(data, []byte("2")) {
			if s.write("3") != nil {
				return
			}
			continue
		}
		if len(data) < 2 || data[0] != '4' {
			continue
		}
		if rest, ours := bytes.CutPrefix(data[2:], []byte(s.prefix)); ours && !s.take(data[1], rest) {
			return
		}
	}
}

// take reads a packet of the namespace, and reports whether there may be more.
func (s *demoSocket) take(kind byte, rest []byte) bool {
	switch kind {
	case '0':
		s.answered(nil)
	case '1':
		return false
	case '4':
		refused := new(namespaceRefused)
		_ = json.Unmarshal(rest, refused) // an empty one says enough
		s.answered(refused)
	case '2':
		var args []json.RawMessage
		var event string
		if json.Unmarshal(rest, &args) == nil && len(args) > 1 && json.Unmarshal(args[0], &event) == nil {
			s.hear(event, args[1])
		}
	case '3':
		at := max(bytes.IndexByte(rest, '['), 0)
		id, err := strconv.ParseUint(string(rest[:at]), 10, 64)
		var args []json.RawMessage
		if err != nil || json.Unmarshal(rest[at:], &args) != nil || len(args) == 0 {
			return true
		}
		s.mu.Lock()
		answer := s.calls[id]
		delete(s.calls, id)
		s.mu.Unlock()
		if answer != nil {
			answer <- args[0]
		}
	}
	return true
}

// answered says what CONNECT came to; only the first answer counts.
func (s *demoSocket) answered(refused *namespaceRefused) {
	select {
	case s.told <- refused:
	default:
	}
}
