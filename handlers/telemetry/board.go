package telemetry

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// voice is how a board speaks. It is called without the board's mutex, by one goroutine
// at a time.
type voice interface {
	// toDashboards tells sockets of this node.
	toDashboards(ids []string, event string, payload json.RawMessage) error
	// toNodes tells the boards of the other nodes what has been measured here.
	toNodes(readings []Reading) error
	// alone says that there are no other nodes, and never will be.
	alone() bool
}

// board is the state of telemetry on this node: the last value, the history and the alerts
// of every key, and who is told of which. Any number of goroutines may call its methods at
// once.
type board struct {
	opts  Options // with defaults
	voice voice

	running sync.WaitGroup // the timer's goroutine; nothing is added after the end

	mu         sync.Mutex
	devices    map[string]*device
	keys       int
	points     int // that histories have room for
	changed    order[*cell]
	alerts     order[*watch]
	holding    map[*watch]struct{} // beyond the level, but not for long enough
	feeds      map[string]*feed
	dashboards map[string]*dashboard // by socket id
	measured   []Reading             // here, since the other nodes were told
	tick       uint64                // that is being gathered; the first is 1
	swept      time.Time             // when silent devices were looked for

	timer    *time.Timer // nil while nothing is to be told
	wakes    time.Time   // when it fires
	flushed  time.Time   // when dashboards were told last
	flushing bool
	closed   bool
}

// device is what has measured something. It is guarded by the board's mutex.
type device struct {
	name  string
	cells map[string]*cell // by metric
	heard time.Time
}

// cell is one key: a metric of a device.
type cell struct {
	device  *device
	metric  string
	last    Reading
	history history
	watches []*watch
	told    mark[*cell]
	was     uint64 // the tick of the change before the last
}

func newBoard(o Options, v voice) *board {
	return &board{
		opts: o, voice: v, devices: make(map[string]*device), holding: make(map[*watch]struct{}),
		feeds: make(map[string]*feed), dashboards: make(map[string]*dashboard), tick: 1, swept: time.Now(),
	}
}

// close ends what tells dashboards, and waits for it.
func (b *board) close() {
	b.mu.Lock()
	b.closed = true
	if b.timer != nil && b.timer.Stop() {
		b.timer = nil
		b.running.Done()
	}
	b.mu.Unlock()
	b.running.Wait()
}

// take takes all readings, or none of them where there is no room. late is how many are
// older than what is known already: they change nothing.
func (b *board) take(all []Reading) (late int, err error) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.roomLocked(all, now); err != nil {
		return 0, err
	}
	for i := range all {
		if !b.applyLocked(&all[i], now) {
			late++
		}
	}
	if !b.voice.alone() && len(b.measured) < maxMeasured {
		b.measured = append(b.measured, all...)
	}
	b.wakeLocked(b.nextLocked())
	return late, nil
}

// learn takes what other nodes have measured, as far as there is room.
func (b *board) learn(all []Reading) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range all {
		if b.roomLocked(all[i:i+1], now) == nil {
			b.applyLocked(&all[i], now)
		}
	}
	b.wakeLocked(b.nextLocked())
}

// roomLocked reports whether all readings have a place.
func (b *board) roomLocked(all []Reading, now time.Time) error {
	var fresh map[string]map[string]struct{} // metrics by device, where they are not known yet
	devices, keys := 0, 0
	for i := range all {
		r := &all[i]
		if b.knownLocked(r) {
			continue
		}
		if fresh == nil {
			fresh = make(map[string]map[string]struct{})
		}
		metrics, d := fresh[r.Device], b.devices[r.Device]
		if metrics == nil {
			metrics = make(map[string]struct{})
			fresh[r.Device] = metrics
			if d == nil {
				devices++
			}
		}
		if _, twice := metrics[r.Metric]; twice {
			continue
		}
		metrics[r.Metric] = struct{}{}
		keys++
		have := 0
		if d != nil {
			have = len(d.cells)
		}
		if have+len(metrics) > b.opts.MaxMetrics {
			return refuse(codeFull, "/metric", "the device %q has no place for the metric %q: the most is %d", r.Device, r.Metric, b.opts.MaxMetrics).within(i, "reading "+strconv.Itoa(i))
		}
	}
	if b.fitsLocked(devices, keys) {
		return nil
	}
	b.sweepLocked(now)
	switch {
	case len(b.devices)+devices > b.opts.MaxDevices:
		return refuse(codeFull, "", "%d devices are known, and there is no place for another: one that is silent for %v makes room", len(b.devices), b.opts.Forget)
	case !b.fitsLocked(devices, keys):
		return refuse(codeFull, "", "%d metrics of devices are known, and there is no place for another", b.keys)
	}
	return nil
}

func (b *board) fitsLocked(devices, keys int) bool {
	return len(b.devices)+devices <= b.opts.MaxDevices && b.keys+keys <= b.opts.MaxKeys
}

func (b *board) knownLocked(r *Reading) bool {
	d := b.devices[r.Device]
	return d != nil && d.cells[r.Metric] != nil
}

// applyLocked makes a reading the last of its key, unless it is older than that.
func (b *board) applyLocked(r *Reading, now time.Time) bool {
	c := b.cellLocked(r)
	c.device.heard = now
	if r.Time < c.last.Time {
		return false
	}
	if c.told.tick == b.tick {
		b.opts.Observer.ReadingsConflated(whyInterval, 1)
	} else {
		c.was = c.told.tick
	}
	if c.last.Value.kind != r.Value.kind { // a chart shows one kind
		b.points -= len(c.history.ring)
		c.history = history{}
	}
	c.last = *r
	b.changed.touch(&c.told, c, b.tick)
	if p, ok := r.Value.point(r.Time); ok {
		c.history.add(p, b.opts.History, func(more int) bool {
			if b.points+more > b.opts.HistoryPoints {
				return false
			}
			b.points += more
			return true
		})
	}
	b.judgeLocked(c, now)
	return true
}

func (b *board) cellLocked(r *Reading) *cell {
	d := b.devices[r.Device]
	if d == nil {
		d = &device{name: r.Device, cells: make(map[string]*cell)}
		b.devices[r.Device] = d
		b.sizeLocked()
	}
	c := d.cells[r.Metric]
	if c == nil {
		c = &cell{device: d, metric: r.Metric}
		for i := range b.opts.Thresholds {
			if t := &b.opts.Thresholds[i]; t.fits(d.name, c.metric) {
				c.watches = append(c.watches, &watch{Threshold: t, of: c})
			}
		}
		d.cells[r.Metric] = c
		b.keys++
		b.sizeLocked()
	}
	return c
}

// sweepLocked forgets devices that have been silent for long.
func (b *board) sweepLocked(now time.Time) {
	b.swept = now
	for _, d := range b.devices {
		patience := b.opts.Forget
		if ownDevice(d.name) { // a node that has gone does not come back by this name
			patience = min(patience, sweepEvery)
		}
		if now.Sub(d.heard) < patience {
			continue
		}
		for _, c := range d.cells {
			b.changed.remove(&c.told)
			b.points -= len(c.history.ring)
			for _, w := range c.watches {
				b.alerts.remove(&w.told)
				delete(b.holding, w)
			}
		}
		b.keys -= len(d.cells)
		delete(b.devices, d.name)
		for _, f := range b.feeds {
			delete(f.seen, d)
		}
	}
	b.sizeLocked()
}

func (b *board) sizeLocked() {
	b.opts.Observer.TelemetrySize(len(b.devices), b.keys, len(b.dashboards))
}

// Series is the kept readings of one key.
type Series struct {
	Device string          `json:"device"`
	Metric string          `json:"metric"`
	Unit   string          `json:"unit,omitempty"`
	Points json.RawMessage `json:"points"` // [[time, value], ...], oldest first
}

// series returns the kept readings of a key after a time, in milliseconds since 1970.
func (b *board) series(name, metric string, since int64) Series {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Series{Device: name, Metric: metric, Points: json.RawMessage("[]")}
	d := b.devices[name]
	if d == nil || d.cells[metric] == nil {
		return s
	}
	c := d.cells[metric]
	s.Unit = c.last.Unit
	to := []byte{'['}
	for i, p := range c.history.after(since, b.opts.HistoryAge, time.Now()) {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendNumber(append(to, '['), float64(p.at))
		to = append(to, ',')
		to = Value{kind: c.last.Value.kind, a: p.a, b: p.b}.appendJSON(to)
		to = append(to, ']')
	}
	s.Points = append(to, ']')
	return s
}

// page returns known readings after a key, in the order of keys, for another node, and
// whether there are more.
func (b *board) page(device, metric string, most int) (some []Reading, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*cell, 0, b.keys)
	for _, d := range b.devices {
		for _, c := range d.cells {
			if compareKeys(c.device.name, c.metric, device, metric) > 0 {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(x, y *cell) int { return compareKeys(x.device.name, x.metric, y.device.name, y.metric) })
	for _, c := range all[:min(most, len(all))] {
		some = append(some, c.last)
	}
	return some, len(all) > most
}

func (b *board) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys
}

// compareKeys orders keys by device and metric.
func compareKeys(device, metric, otherDevice, otherMetric string) int {
	return cmp.Or(strings.Compare(device, otherDevice), strings.Compare(metric, otherMetric))
}
