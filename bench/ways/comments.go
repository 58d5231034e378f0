package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws/wsutil"
)

var _ = register(&row{
	name: "comments",
	about: "5,000 readers of one page by WebSocket, of whom 500 are guests who write: 20 comments and 200 reactions a second in all, stored in SQLite. " +
		"The time is from sending a comment to its receipt by each reader. Memory is what the server grew by for each reader that had come but for the first 50, after 5 s and before anything was said. " +
		"It is to be less than what Node takes for a bare idle connection, 19.5 KiB in the bench; Sockeye takes 8.7 KiB for one.",
	measure: measureComments,
})

const (
	commentsSite = "bench"
	commentsPage = "/post"
	commentsJoin = `42/comments,0["join",{"page":"` + commentsPage + `"}]`
	reaction     = "👍"
)

func measureComments(ctx context.Context, l *lab) (*result, error) {
	r := &result{}
	n, err := startComments(ctx, l)
	if err != nil {
		return r, err
	}
	b := &commentsBench{
		node: n, readers: l.pick(5000, 60), guests: l.pick(500, 30),
		span: l.time(12*time.Second, 2*time.Second), talk: 20, reactions: 200, settling: l.time(settleTime, 100*time.Millisecond),
	}
	perReader, err := b.memory(ctx)
	if err != nil {
		return r, errors.Join(err, b.close())
	}
	before, cpuErr := n.cpu()
	err = errors.Join(cpuErr, b.speak(ctx))
	after, cpuErr := n.cpu()
	if err = errors.Join(err, cpuErr); err == nil {
		err = b.await(ctx)
	}
	if err = errors.Join(err, b.close()); err != nil {
		return r, err
	}
	took := b.heard()
	if want := b.said * b.readers; len(took) != want {
		r.lose("%d comments came to readers, want %d", len(took), want)
	}
	if n := b.refused.Load(); n > 0 {
		r.lose("%d comments or reactions were refused, such as %s", n, b.refusal.Load())
	}
	if got, err := b.counted(ctx); err != nil || got != b.reacted {
		r.lose("%d reactions are counted, want %d (%v)", got, b.reacted, err)
	}
	if len(took) == 0 {
		return r, errors.New("no comment came to any reader")
	}
	slices.Sort(took)
	r.add(figure{name: "p50", value: float64(took[len(took)/2]), unit: "ms"})
	r.add(figure{name: "p99", value: float64(took[len(took)*99/100]), unit: "ms", goal: atMost(500)})
	r.add(figure{name: "max", value: float64(took[len(took)-1]), unit: "ms"})
	r.add(figure{name: "comments", value: float64(b.said) / b.span.Seconds(), unit: "comments/s"})
	r.add(figure{name: "reactions", value: float64(b.reacted) / b.span.Seconds(), unit: "reactions/s"})
	r.add(figure{name: "memory", value: perReader, unit: "RSS KiB per reader", goal: atMost(19.5)})
	r.add(figure{name: "CPU", value: 100 * (after - before).Seconds() / b.span.Seconds(), unit: "% of one core"})
	return r, nil
}

// startComments starts a server with a site for pages anywhere that takes guests, in a database of its own.
func startComments(ctx context.Context, l *lab) (*node, error) {
	db := filepath.Join(l.dir, "comments.db")
	for _, args := range [][]string{
		{"init", "--site", commentsSite, "--origin", "https://bench.example", "--guests"},
		{"site", commentsSite, "--set", "minTime=0", "--set", "reactions=" + reaction},
	} {
		args = append(append([]string{"comments"}, args...), "--comments-db", db)
		if out, err := exec.CommandContext(ctx, l.sockeye, args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w: %.300s", args, err, out)
		}
	}
	return l.start(ctx, "", "--comments-db", db, "--comments", "--ip-connections", "off", "--ip-handshakes", "off")
}

// commentsBench is the readers of one run.
type commentsBench struct {
	node            *node
	readers, guests int
	span            time.Duration
	talk, reactions int // a second
	settling        time.Duration

	clients       []*commentReader
	tasks         sync.WaitGroup
	said, reacted int
	answered      atomic.Int64 // comments and reactions that were acknowledged
	refused       atomic.Int64
	refusal       atomic.Value // of string: the first
	last          atomic.Value // of string: the id of the last comment that was acknowledged
}

// commentReader is one connection, with what it has heard.
type commentReader struct {
	conn io.ReadWriteCloser
	b    *commentsBench

	write   sync.Mutex // a pong and an event may be due at once
	acks    int
	reacted []string // the ids of the comments that this guest has reacted to

	mu   sync.Mutex
	took []int64 // milliseconds
}

// memory connects the readers and returns by how many KiB the server grew for each, but for the first ones, as idle rows
// of bench/load do.
func (b *commentsBench) memory(ctx context.Context) (float64, error) {
	all := b.readers
	b.readers = 50
	err := b.connect(ctx)
	before, rssErr := b.settle(ctx)
	if err = errors.Join(err, rssErr); err != nil {
		return 0, err
	}
	first := b.readers
	b.readers = all
	err = b.connect(ctx)
	after, rssErr := b.settle(ctx)
	return float64(after-before) / 1024 / float64(all-first), errors.Join(err, rssErr)
}

// settleTime is how long the server's memory is left alone before it is read.
const settleTime = 5 * time.Second

// settle returns the server's memory once that time has passed.
func (b *commentsBench) settle(ctx context.Context) (int64, error) {
	select {
	case <-time.After(b.settling):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return b.node.rss()
}

// connect connects the readers that are not there yet, some at a time. The first ones are guests.
func (b *commentsBench) connect(ctx context.Context) error {
	from := len(b.clients)
	b.clients = append(b.clients, make([]*commentReader, b.readers-from)...)
	const atOnce = 16
	failures := make(chan error, atOnce)
	var next atomic.Int64
	next.Store(int64(from))
	for range atOnce {
		go func() {
			for i := int(next.Add(1)) - 1; i < b.readers; i = int(next.Add(1)) - 1 {
				who := `{"site":"` + commentsSite + `"}`
				if i < b.guests {
					who = fmt.Sprintf(`{"site":"%s","guest":{"secret":"the secret of reader %d","name":"Reader %d"}}`, commentsSite, i, i)
				}
				conn, err := dial(ctx, b.node.url("/socket.io/?EIO=4&transport=websocket"),
					step{"40/comments," + who, "40/comments,{"}, step{commentsJoin, `43/comments,0[{"page"`})
				if err != nil {
					failures <- fmt.Errorf("reader %d: %w", i, err)
					return
				}
				c := &commentReader{conn: conn, b: b, acks: 1}
				b.clients[i] = c
				b.tasks.Go(c.listen)
			}
			failures <- nil
		}()
	}
	var errs []error
	for range atOnce {
		errs = append(errs, <-failures)
	}
	return errors.Join(errs...)
}

var (
	ofComments  = []byte(`42/comments,["comments"`)
	ackOfEvents = []byte("43/comments,")
	sentAt      = []byte(`<p>sent at `)
)

// listen notes how old the comments are that come, until the connection is closed.
func (c *commentReader) listen() {
	for {
		said, err := wsutil.ReadServerText(c.conn)
		switch {
		case err != nil:
			return
		case string(said) == "2":
			err = c.say("3")
		case bytes.HasPrefix(said, ofComments):
			c.note(said, time.Now().UnixMilli())
		case bytes.HasPrefix(said, ackOfEvents):
			c.acknowledged(said)
		}
		if err != nil {
			return
		}
	}
}

func (c *commentReader) say(packet string) error {
	c.write.Lock()
	defer c.write.Unlock()
	return wsutil.WriteClientText(c.conn, []byte(packet))
}

// note finds the times at which comments in a packet were sent.
func (c *commentReader) note(said []byte, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		_, rest, found := bytes.Cut(said, sentAt)
		if !found {
			return
		}
		at, _, _ := bytes.Cut(rest, []byte(" "))
		if ms, err := strconv.ParseInt(string(at), 10, 64); err == nil {
			c.took = append(c.took, now-ms)
		}
		said = rest
	}
}

// acknowledged notes what was refused, and the id of a comment that was not.
func (c *commentReader) acknowledged(said []byte) {
	c.b.answered.Add(1)
	if bytes.Contains(said, []byte(`{"error":`)) {
		c.b.refused.Add(1)
		c.b.refusal.CompareAndSwap(nil, string(said))
		return
	}
	if _, rest, found := bytes.Cut(said, []byte(`[{"comment":{"id":"`)); found {
		id, _, _ := bytes.Cut(rest, []byte(`"`))
		c.b.last.Store(string(id))
	}
}

// speak has guests write and react for the span, evenly.
func (b *commentsBench) speak(ctx context.Context) error {
	tick := time.Second / time.Duration(b.talk+b.reactions)
	start := time.Now()
	each := (b.talk + b.reactions) / b.talk
	for i := 0; time.Since(start) < b.span && ctx.Err() == nil; i++ {
		time.Sleep(time.Until(start.Add(time.Duration(i) * tick)))
		c := b.clients[i%b.guests]
		c.acks++
		id, _ := b.last.Load().(string)
		var packet string
		switch {
		case i%each == 0:
			packet = fmt.Sprintf(`42/comments,%d["post",{"page":"%s","text":"sent at %d by reader %d, who has something to say that is about as long as what people say","key":"key %d"}]`,
				c.acks, commentsPage, time.Now().UnixMilli(), i%b.guests, i)
			b.said++
		case id != "" && !slices.Contains(c.reacted, id): // a second one would not count
			c.reacted = append(c.reacted, id)
			packet = fmt.Sprintf(`42/comments,%d["react",{"id":"%s","reaction":"%s","on":true}]`, c.acks, id, reaction)
			b.reacted++
		default:
			continue
		}
		if err := c.say(packet); err != nil {
			return fmt.Errorf("reader %d: %w", i%b.guests, err)
		}
	}
	return ctx.Err()
}

// await waits until every reader has heard everything and all that was said is acknowledged, or for long enough.
func (b *commentsBench) await(ctx context.Context) error {
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) && ctx.Err() == nil && !b.complete() {
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

func (b *commentsBench) complete() bool {
	return b.answered.Load() >= int64(b.said+b.reacted) && len(b.heard()) >= b.said*b.readers
}

// heard returns how old all comments were that came.
func (b *commentsBench) heard() []int64 {
	var all []int64
	for _, c := range b.clients {
		c.mu.Lock()
		all = append(all, c.took...)
		c.mu.Unlock()
	}
	return all
}

// counted is how many reactions the server has, as its snapshots say.
func (b *commentsBench) counted(ctx context.Context) (sum int, err error) {
	for after := ""; ; {
		var part struct {
			Comments []struct{ Reactions map[string]int }
			Next     string
		}
		if err := b.node.json(ctx, snapshotPath+"&after="+url.QueryEscape(after), &part); err != nil {
			return sum, err
		}
		for _, c := range part.Comments {
			sum += c.Reactions[reaction]
		}
		if after = part.Next; after == "" {
			return sum, nil
		}
	}
}

func (b *commentsBench) close() error {
	var errs []error
	for _, c := range b.clients {
		if c != nil {
			errs = append(errs, c.conn.Close())
		}
	}
	b.tasks.Wait()
	return errors.Join(errs...)
}

// snapshotPath is the page as a browser gets it first.
var snapshotPath = "/comments/v1/" + commentsSite + "/snapshot?page=" + strings.ReplaceAll(commentsPage, "/", "%2F")
