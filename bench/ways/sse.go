package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/bench/load"
)

var _ = register(&row{
	name: "sse",
	about: "Readers of event streams beside Socket.IO clients by WebSocket: what an idle one takes (2,000), and what it costs to tell " +
		"each of a room of 500 a message of 64 bytes, with 1 and with 32 in flight.",
	measure: measureSSE,
})

func measureSSE(ctx context.Context, l *lab) (*result, error) {
	r := &result{}
	idle, room := l.pick(2000, 50), l.pick(500, 20)
	warmup, measure := l.time(time.Second, 100*time.Millisecond), l.time(4*time.Second, 300*time.Millisecond)
	n, err := l.start(ctx, "")
	if err != nil {
		return r, err
	}
	res, err := l.work(ctx, n, "idle WebSocket", load.Work{Kind: load.Idle, Clients: idle, Settle: l.time(5*time.Second, 300*time.Millisecond)}, r)
	if err != nil {
		return r, err
	}
	r.add(figure{name: "idle WebSocket", value: res.RSSPerClient(), unit: "RSS KiB"})
	rss, err := idleStreams(ctx, l, idle, r)
	if err != nil {
		return r, err
	}
	r.add(figure{name: "idle stream", value: rss, unit: "RSS KiB", of: "idle WebSocket"})
	for _, window := range []int{1, 32} {
		if n, err = l.start(ctx, ""); err != nil {
			return r, err
		}
		name := fmt.Sprintf("%d in flight", window)
		res, err := l.work(ctx, n, name, load.Work{Kind: load.Fanout, Clients: room, Window: window, Warmup: warmup, Measure: measure}, r)
		if err != nil {
			return r, err
		}
		r.add(figure{name: "WebSocket, " + name, value: res.CPUPerUnit(), unit: "CPU µs per delivery"})
		b := &sseBench{node: n, window: window}
		cpu, err := b.fanout(ctx, room, warmup, measure)
		if err = errors.Join(err, b.close()); err != nil {
			return r, err
		}
		for _, one := range b.readers {
			if one.wrong != "" {
				r.lose("a reader with %s: %s", name, one.wrong)
			}
		}
		r.add(figure{name: "stream, " + name, value: cpu, unit: "CPU µs per delivery", of: "WebSocket, " + name})
	}
	return r, nil
}

// idleStreams is what an idle stream takes in the server's memory, in KiB. Those that a
// server allocates once for are not counted.
func idleStreams(ctx context.Context, l *lab, streams int, r *result) (float64, error) {
	n, err := l.start(ctx, "")
	if err != nil {
		return 0, err
	}
	b := &sseBench{node: n, window: 1}
	err = b.connect(ctx, 50)
	var before, after int64
	if err == nil {
		before, err = steadyRSS(ctx, l, n)
	}
	if err == nil {
		err = b.connect(ctx, streams)
	}
	if err == nil {
		after, err = steadyRSS(ctx, l, n)
	}
	if err = errors.Join(err, b.close()); err != nil {
		return 0, err
	}
	for _, one := range b.readers {
		if one.wrong != "" {
			r.lose("an idle reader: %s", one.wrong)
		}
	}
	return float64(after-before) / 1024 / float64(streams), nil
}

// steadyRSS is the server's memory once it stands still.
func steadyRSS(ctx context.Context, l *lab, n *node) (int64, error) {
	var last []int64
	for until := time.Now().Add(l.time(5*time.Second, 300*time.Millisecond)); ; {
		rss, err := n.rss()
		if err != nil {
			return 0, err
		}
		last = append(last, rss)
		if k := len(last); time.Now().After(until) || k > 6 && last[k-1]-last[k-6] < rss/100 && last[k-6]-last[k-1] < rss/100 {
			return rss, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// sseBench is the readers of one room, and who says something there.
type sseBench struct {
	node    *node
	window  int
	readers []*sseReader
	tasks   sync.WaitGroup

	left []atomic.Int64 // deliveries of each message in flight, by its number modulo window
	all  chan struct{}  // a message has come to every reader
	over atomic.Bool
}

// sseReader is one stream.
type sseReader struct {
	conn  net.Conn
	in    *bufio.Reader
	next  int    // number of the message that comes next
	wrong string // read after it has ended
}

// connect opens streams, and has them listen.
func (b *sseBench) connect(ctx context.Context, streams int) error {
	if b.left == nil {
		b.left, b.all = make([]atomic.Int64, b.window), make(chan struct{}, b.window)
	}
	for range streams {
		one, err := openSSE(ctx, strings.TrimPrefix(b.node.url(""), "http://"))
		if err != nil {
			return fmt.Errorf("stream %d: %w", len(b.readers), err)
		}
		b.readers = append(b.readers, one)
		b.tasks.Go(func() { b.listen(one) })
	}
	return nil
}

// openSSE opens a stream, and reads until it is live.
func openSSE(ctx context.Context, addr string) (*sseReader, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	one := &sseReader{conn: conn, in: bufio.NewReaderSize(conn, 4<<10)}
	_, err = io.WriteString(conn, "GET /events?room=bench HTTP/1.1\r\nHost: "+addr+"\r\n\r\n")
	for err == nil {
		var line []byte
		if line, err = one.in.ReadSlice('\n'); bytes.HasPrefix(line, []byte("data: ")) {
			return one, nil
		}
	}
	return nil, errors.Join(err, conn.Close())
}

// listen counts what comes, until the stream is closed.
func (b *sseBench) listen(one *sseReader) {
	for {
		line, err := one.in.ReadSlice('\n')
		if err != nil {
			if !b.over.Load() {
				one.wrong = err.Error()
			}
			return
		}
		text, data := bytes.CutPrefix(line, []byte(`data: "`))
		if !data {
			continue
		}
		text, _, _ = bytes.Cut(text, []byte(" "))
		if n, err := strconv.Atoi(string(text)); err != nil || n != one.next {
			one.wrong = fmt.Sprintf("%q came, not number %d", text, one.next)
			return
		}
		if b.left[one.next%b.window].Add(-1) == 0 {
			b.all <- struct{}{}
		}
		one.next++
	}
}

// fanout tells the room something for as long as it takes, and returns the server's CPU
// time for each delivery, in microseconds.
func (b *sseBench) fanout(ctx context.Context, readers int, warmup, measure time.Duration) (float64, error) {
	if err := b.connect(ctx, readers); err != nil {
		return 0, err
	}
	say, err := dialSay(ctx, b.node)
	if err != nil {
		return 0, err
	}
	defer say.Close()
	sent := 0
	for range b.window {
		if err := b.say(say, &sent); err != nil {
			return 0, err
		}
	}
	if _, err := b.sayFor(ctx, say, &sent, warmup); err != nil {
		return 0, err
	}
	before, err := b.node.cpu()
	if err != nil {
		return 0, err
	}
	messages, err := b.sayFor(ctx, say, &sent, measure)
	after, cpuErr := b.node.cpu()
	if err = errors.Join(err, cpuErr); err != nil {
		return 0, err
	}
	for range b.window { // those that are still in flight
		if err := b.await(ctx); err != nil {
			return 0, err
		}
	}
	return float64((after - before).Microseconds()) / float64(messages*readers), nil
}

// sayFor says the next message whenever one has come to everybody, for a time. It returns
// how many came.
func (b *sseBench) sayFor(ctx context.Context, conn io.ReadWriter, sent *int, span time.Duration) (messages int, err error) {
	for until := time.Now().Add(span); time.Now().Before(until); messages++ {
		if err := b.await(ctx); err != nil {
			return messages, err
		}
		if err := b.say(conn, sent); err != nil {
			return messages, err
		}
	}
	return messages, nil
}

func (b *sseBench) say(conn io.Writer, sent *int) error {
	b.left[*sent%b.window].Store(int64(len(b.readers)))
	text := fmt.Sprintf("%d ", *sent)
	text += strings.Repeat(".", 64-len(text))
	*sent++
	return wsutil.WriteClientText(conn, []byte(`42["say","bench","`+text+`"]`))
}

// await waits until a message has come to everybody.
func (b *sseBench) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	select {
	case <-b.all:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a message did not come to every reader: %w", ctx.Err())
	}
}

// dialSay connects who says something. It is short enough that no heartbeat is due.
func dialSay(ctx context.Context, n *node) (net.Conn, error) {
	conn, br, _, err := ws.Dial(ctx, strings.Replace(n.url("/socket.io/?EIO=4&transport=websocket"), "http", "ws", 1))
	if err != nil {
		return nil, err
	}
	var in io.Reader = conn
	if br != nil { // what came with the answer
		in = io.MultiReader(io.LimitReader(br, int64(br.Buffered())), conn)
	}
	both := struct {
		io.Reader
		io.Writer
	}{in, conn}
	_, err = wsutil.ReadServerText(both)
	if err == nil {
		err = wsutil.WriteClientText(conn, []byte("40"))
	}
	if err == nil {
		_, err = wsutil.ReadServerText(both)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// close ends the readers.
func (b *sseBench) close() error {
	b.over.Store(true)
	var errs []error
	for _, one := range b.readers {
		errs = append(errs, one.conn.Close())
	}
	b.tasks.Wait()
	return errors.Join(errs...)
}
