package sockettest

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// StreamEvent is one event of an event stream. One without a name is never dispatched: it
// only has an id, or says when to come back.
type StreamEvent struct{ ID, Name, Data, Retry string }

// Stream is a client that reads an event stream, as EventSource does.
type Stream struct {
	t    testing.TB
	r    *bufio.Reader
	stop context.CancelFunc

	Resp *http.Response
	// Last is the id of the last event that had one.
	Last string
}

// OpenStream asks for an event stream, whatever the answer is. A nil client is a new one.
func OpenStream(t testing.TB, client *http.Client, url string, header ...string) *Stream {
	t.Helper()
	if client == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		client = &http.Client{Transport: transport}
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	late := time.AfterFunc(Wait, cancel)
	resp, err := client.Do(req)
	late.Stop()
	if err != nil {
		t.Fatalf("asking for %s: %v", url, err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &Stream{t: t, r: bufio.NewReader(resp.Body), stop: cancel, Resp: resp}
}

// Read returns the next event, or false at the end of the stream.
func (s *Stream) Read() (e StreamEvent, ok bool) {
	late := time.AfterFunc(Wait, s.stop)
	defer late.Stop()
	begun := false
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return StreamEvent{}, false
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && begun:
			return e, true
		case line == "" || strings.HasPrefix(line, ":"):
			continue
		}
		begun = true
		switch field {
		case "id":
			e.ID, s.Last = value, value
		case "event":
			e.Name = value
		case "data":
			e.Data += value
		case "retry":
			e.Retry = value
		default:
			s.t.Errorf("the stream has a line %q", line)
		}
	}
}

// Next returns the next event that has a name.
func (s *Stream) Next() StreamEvent {
	s.t.Helper()
	for {
		e, ok := s.Read()
		if !ok {
			s.t.Fatal("the stream ended, or nothing came")
		}
		if e.Name != "" {
			return e
		}
	}
}

// Expect fails unless the next event is called so and has these data.
func (s *Stream) Expect(name, data string) StreamEvent {
	s.t.Helper()
	e := s.Next()
	if e.Name != name || e.Data != data {
		s.t.Fatalf("got the event %q with %s, want %q with %s", e.Name, e.Data, name, data)
	}
	return e
}

// ExpectEnd fails unless the stream ends now.
func (s *Stream) ExpectEnd() {
	s.t.Helper()
	if e, ok := s.Read(); ok {
		s.t.Fatalf("got the event %+v, want the end", e)
	}
}

// Cut ends the connection.
func (s *Stream) Cut() { s.stop() }
