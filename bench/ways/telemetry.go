package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws/wsutil"
)

var _ = register(&row{
	name: "telemetry",
	about: "1,000 devices send one reading a second each, in a request of its own over HTTP, and 50 dashboards see all of them. " +
		"The time is from sending to receipt, with the interval of 100 ms in which readings are gathered.",
	measure: measureTelemetry,
})

func measureTelemetry(ctx context.Context, l *lab) (*result, error) {
	r := &result{}
	n, err := l.start(ctx, "telemetry:\n  hide-server: true\n", "--api-rate", "off")
	if err != nil {
		return r, err
	}
	b := telemetryBench{node: n, devices: l.pick(1000, 50), dashboards: l.pick(50, 5)}
	warmup, measure := l.time(3*time.Second, time.Second), l.time(10*time.Second, 2*time.Second)
	if err := b.connect(ctx); err != nil {
		return r, errors.Join(err, b.close())
	}
	if err := b.send(ctx, warmup); err != nil {
		return r, errors.Join(err, b.close())
	}
	b.begin()
	before, err := n.cpu()
	if err != nil {
		return r, errors.Join(err, b.close())
	}
	err = b.send(ctx, measure)
	after, cpuErr := n.cpu()
	if err = errors.Join(err, cpuErr); err == nil {
		err = b.await(ctx)
	}
	if err = errors.Join(err, b.close()); err != nil {
		return r, err
	}
	got := b.heard()
	if want := b.sent * b.dashboards; len(got) != want {
		r.lose("%d readings came to dashboards, want %d", len(got), want)
	}
	if len(got) == 0 {
		return r, errors.New("no reading came to any dashboard")
	}
	slices.Sort(got)
	r.add(figure{name: "p50", value: float64(got[len(got)/2]), unit: "ms"})
	r.add(figure{name: "p99", value: float64(got[len(got)*99/100]), unit: "ms", goal: atMost(250)})
	r.add(figure{name: "readings", value: float64(b.sent) / measure.Seconds(), unit: "readings/s"})
	r.add(figure{name: "CPU", value: 100 * (after - before).Seconds() / measure.Seconds(), unit: "% of one core"})
	return r, nil
}

// telemetryBench is the devices and dashboards of one run.
type telemetryBench struct {
	node                *node
	devices, dashboards int

	clients []*telemetryDashboard
	tasks   sync.WaitGroup
	from    int64 // readings of this time, in milliseconds since 1970, and later ones count
	sent    int   // of those
}

// telemetryDashboard is one connection, with what it has heard.
type telemetryDashboard struct {
	conn io.ReadWriteCloser

	mu   sync.Mutex
	from int64
	took []int64 // milliseconds
}

// connect connects the dashboards, and has them listen.
func (b *telemetryBench) connect(ctx context.Context) error {
	for range b.dashboards {
		d, err := dialDashboard(ctx, b.node.url("/socket.io/?EIO=4&transport=websocket"))
		if err != nil {
			return fmt.Errorf("dashboard %d: %w", len(b.clients), err)
		}
		b.clients = append(b.clients, d)
		b.tasks.Go(d.listen)
	}
	return nil
}

func dialDashboard(ctx context.Context, url string) (*telemetryDashboard, error) {
	conn, err := dial(ctx, url, step{"40/telemetry,", "40/telemetry,{"}, step{`42/telemetry,0["subscribe"]`, "43/telemetry,0["})
	if err != nil {
		return nil, err
	}
	return &telemetryDashboard{conn: conn, from: 1 << 62}, nil
}

// listen notes how old the readings are that come, until the connection is closed.
func (d *telemetryDashboard) listen() {
	for {
		said, err := wsutil.ReadServerText(d.conn)
		if err == nil && string(said) == "2" {
			err = wsutil.WriteClientText(d.conn, []byte("3"))
		}
		if err != nil {
			return
		}
		d.note(said, time.Now().UnixMilli())
	}
}

// note finds the times of the readings in a packet.
func (d *telemetryDashboard) note(said []byte, now int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const mark = `"time":`
	for {
		_, rest, found := bytes.Cut(said, []byte(mark))
		if !found {
			return
		}
		at := int64(0)
		for len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			at = 10*at + int64(rest[0]-'0')
			rest = rest[1:]
		}
		if at >= d.from {
			d.took = append(d.took, now-at)
		}
		said = rest
	}
}

// begin has readings counted that are sent from now on.
func (b *telemetryBench) begin() {
	time.Sleep(2 * time.Millisecond) // no reading so far is of the same millisecond
	b.from, b.sent = time.Now().UnixMilli(), 0
	for _, d := range b.clients {
		d.mu.Lock()
		d.from = b.from
		d.mu.Unlock()
	}
}

// senders is how many requests are under way at most.
const senders = 32

// send has each device send a reading a second, all of them evenly over each second.
func (b *telemetryBench) send(ctx context.Context, span time.Duration) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	work := make(chan int)
	failures := make(chan error, senders)
	var tasks sync.WaitGroup
	for range senders {
		tasks.Go(func() {
			var failed error
			for i := range work {
				if failed == nil {
					failed = b.post(ctx, client, i)
				}
			}
			failures <- failed
		})
	}
	gap := time.Second / time.Duration(b.devices)
	start := time.Now()
	total := int(span / gap)
	for i := 0; i < total && ctx.Err() == nil; i++ {
		time.Sleep(time.Until(start.Add(time.Duration(i) * gap)))
		work <- i % b.devices
	}
	close(work)
	tasks.Wait()
	close(failures)
	b.sent += total
	err := ctx.Err()
	for failed := range failures {
		err = errors.Join(err, failed)
	}
	return err
}

func (b *telemetryBench) post(ctx context.Context, client *http.Client, device int) error {
	body := fmt.Sprintf(`{"metric":"temperature","value":%d,"unit":"°C","time":%d}`, device%40, time.Now().UnixMilli())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.node.url("/api/v1/ingest/device-"+strconv.Itoa(device)), strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, text)
	}
	return err
}

// await waits until every dashboard has heard everything, or for long enough.
func (b *telemetryBench) await(ctx context.Context) error {
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) && ctx.Err() == nil && len(b.heard()) < b.sent*b.dashboards {
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}

// heard returns how old all readings were that came.
func (b *telemetryBench) heard() []int64 {
	var all []int64
	for _, d := range b.clients {
		d.mu.Lock()
		all = append(all, d.took...)
		d.mu.Unlock()
	}
	return all
}

// close ends the dashboards.
func (b *telemetryBench) close() error {
	var errs []error
	for _, d := range b.clients {
		errs = append(errs, d.conn.Close())
	}
	b.tasks.Wait()
	return errors.Join(errs...)
}
