package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/server/auth/token"
)

var _ = register(&row{
	name: "api",
	about: "4 backends emit over HTTP, each to a room of its own with 5 clients, in batches of 100 events of 64 bytes with one batch in flight. " +
		"Every client checks that it gets every event, in order.",
	measure: measureAPI,
})

const (
	apiRooms   = 4
	apiMembers = 5 // of each room
	apiBatch   = 100
	apiSecret  = "a secret of this bench alone, on loopback"
)

func measureAPI(ctx context.Context, l *lab) (*result, error) {
	r := &result{}
	n, err := l.start(ctx, "", "--auth-secret", apiSecret, "--api-rate", "off")
	if err != nil {
		return r, err
	}
	b := apiBench{node: n, client: &http.Client{}}
	defer b.client.CloseIdleConnections()
	if b.token, err = apiToken(); err != nil {
		return r, err
	}
	err = b.connect(ctx)
	if err == nil {
		err = b.emit(ctx, l.time(time.Second, 100*time.Millisecond))
	}
	if err != nil {
		return r, errors.Join(err, b.close())
	}
	before, err := n.cpu()
	if err != nil {
		return r, errors.Join(err, b.close())
	}
	start, already := time.Now(), b.emitted()
	err = b.emit(ctx, l.time(5*time.Second, 300*time.Millisecond))
	took, count := time.Since(start), b.emitted()-already
	after, cpuErr := n.cpu()
	if err = errors.Join(err, cpuErr); err == nil {
		err = b.await(ctx)
	}
	if err = errors.Join(err, b.close()); err != nil {
		return r, err
	}
	for _, m := range b.members {
		if m.wrong != "" {
			r.lose("a client of room %d: %s", m.room, m.wrong)
		}
	}
	r.add(figure{name: "emits", value: float64(count) / took.Seconds(), unit: "events/s", goal: atLeast(20_000)})
	r.add(figure{name: "CPU", value: float64((after - before).Microseconds()) / float64(count), unit: "CPU µs per event, with its 5 deliveries"})
	return r, nil
}

// apiToken is what the backends and the clients show.
func apiToken() (string, error) {
	k, err := token.NewSecret([]byte(apiSecret))
	if err != nil {
		return "", err
	}
	return token.Mint(token.Keys{k}, "", token.Subject{Claims: map[string]any{"sub": "bench", "scope": "sockeye:publish"}, TTL: time.Hour}, time.Now())
}

// apiBench is the backends and clients of one run.
type apiBench struct {
	node    *node
	client  *http.Client
	token   string
	sent    [apiRooms]atomic.Int64 // to each room
	members []*apiMember
	tasks   sync.WaitGroup
}

// apiMember is a client in one room.
type apiMember struct {
	conn  io.ReadWriteCloser
	room  int
	heard atomic.Int64
	wrong string // read after it has ended
}

func (b *apiBench) emitted() (n int64) {
	for i := range b.sent {
		n += b.sent[i].Load()
	}
	return n
}

// connect connects the clients, and waits until each is in its room.
func (b *apiBench) connect(ctx context.Context) error {
	for room := range apiRooms {
		for range apiMembers {
			socket, br, _, err := ws.Dial(ctx, strings.Replace(b.node.url("/socket.io/?EIO=4&transport=websocket"), "http", "ws", 1))
			if err != nil {
				return err
			}
			var conn io.ReadWriteCloser = socket
			if br != nil { // what came together with the answer to the handshake
				conn = struct {
					io.Reader
					io.WriteCloser
				}{io.MultiReader(io.LimitReader(br, int64(br.Buffered())), socket), socket}
			}
			m := &apiMember{conn: conn, room: room}
			b.members = append(b.members, m)
			for _, step := range []struct{ send, want string }{
				{"", "0{"},
				{fmt.Sprintf(`40{"token":%q}`, b.token), "40{"},
				{fmt.Sprintf(`420["join","room-%d"]`, room), `430["ok"`},
			} {
				if step.send != "" {
					if err := wsutil.WriteClientText(conn, []byte(step.send)); err != nil {
						return err
					}
				}
				got, err := wsutil.ReadServerText(conn)
				if err == nil && !strings.HasPrefix(string(got), step.want) {
					err = fmt.Errorf("got %.80q, want %s", got, step.want)
				}
				if err != nil {
					return err
				}
			}
			b.tasks.Go(m.listen)
		}
	}
	return nil
}

// listen checks what comes until the connection ends: 42["e",<number>,"…"].
func (m *apiMember) listen() {
	for {
		text, err := wsutil.ReadServerText(m.conn)
		if err != nil {
			return
		}
		if len(text) == 1 { // a ping
			_ = wsutil.WriteClientText(m.conn, []byte("3")) // the next read says why it failed
			continue
		}
		want := m.heard.Load()
		digits, ok := bytes.CutPrefix(text, []byte(`42["e",`))
		digits, _, _ = bytes.Cut(digits, []byte(","))
		if got, err := strconv.ParseInt(string(digits), 10, 64); (!ok || err != nil || got != want) && m.wrong == "" {
			m.wrong = fmt.Sprintf("%.60s came, want number %d", text, want)
		}
		m.heard.Add(1)
	}
}

// emit has one backend for each room emit batches for a time.
func (b *apiBench) emit(ctx context.Context, span time.Duration) error {
	errs := make(chan error, apiRooms)
	until := time.Now().Add(span)
	for room := range apiRooms {
		go func() { errs <- b.backend(ctx, room, until) }()
	}
	var all []error
	for range apiRooms {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// payload makes an event some 64 bytes of arguments.
var payload = strings.Repeat("x", 56)

func (b *apiBench) backend(ctx context.Context, room int, until time.Time) error {
	var body []byte
	for time.Now().Before(until) {
		next := b.sent[room].Load()
		body = append(body[:0], '[')
		for i := range int64(apiBatch) {
			if i > 0 {
				body = append(body, ',')
			}
			body = fmt.Appendf(body, `{"rooms":["room-%d"],"event":"e","args":[%d,"%s"]}`, room, next+i, payload)
		}
		body = append(body, ']')
		if err := b.post(ctx, body); err != nil {
			return err
		}
		b.sent[room].Add(apiBatch)
	}
	return nil
}

func (b *apiBench) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.node.url("/api/v1/emit"), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+b.token)
	res, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("a batch was answered with %d: %.200s", res.StatusCode, answer)
	}
	return err
}

// await waits until every client has heard everything.
func (b *apiBench) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, m := range b.members {
		for m.heard.Load() < b.sent[m.room].Load() {
			select {
			case <-ctx.Done():
				return fmt.Errorf("a client of room %d has heard %d of %d events", m.room, m.heard.Load(), b.sent[m.room].Load())
			case <-tick.C:
			}
		}
	}
	return nil
}

// close ends the clients.
func (b *apiBench) close() error {
	var errs []error
	for _, m := range b.members {
		errs = append(errs, m.conn.Close())
	}
	b.tasks.Wait()
	return errors.Join(errs...)
}
