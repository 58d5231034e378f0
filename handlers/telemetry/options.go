package telemetry

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// Options bound what is kept and say what is watched. Zero means the default of a field.
type Options struct {
	// Interval is how often a dashboard is told at most; 100 ms. Of several readings of
	// one key in between it hears the last.
	Interval time.Duration `yaml:"interval,omitempty"`
	// Thresholds raise and clear alerts. Where there are none, those of the devices of
	// sockeye demo devices are there, so that its first user sees an alert.
	Thresholds []Threshold `yaml:"thresholds,omitempty"`

	// History is how many readings of a key are kept for charts, 300, and HistoryAge for
	// how long, 10 min. HistoryPoints bounds them for all keys together; 1,000,000, which
	// is 24 MB.
	History       int           `yaml:"history,omitempty"`
	HistoryAge    time.Duration `yaml:"history-age,omitempty"`
	HistoryPoints int           `yaml:"history-points,omitempty"`

	// MaxDevices, MaxMetrics (of one device) and MaxKeys (of all devices together) are how
	// much is known at once; 10,000, 64 and 50,000.
	MaxDevices int `yaml:"max-devices,omitempty"`
	MaxMetrics int `yaml:"max-metrics,omitempty"`
	MaxKeys    int `yaml:"max-keys,omitempty"`
	// MaxBatch is how many readings may come at once; 1000.
	MaxBatch int `yaml:"max-batch,omitempty"`
	// MaxAhead and MaxBehind are how far off the time of a reading may be; 1 min and 24 h.
	MaxAhead  time.Duration `yaml:"max-ahead,omitempty"`
	MaxBehind time.Duration `yaml:"max-behind,omitempty"`
	// Forget is after how long without a reading a device is not known any more; 24 h.
	Forget time.Duration `yaml:"forget,omitempty"`
	// HideServer leaves out the server's own processor, memory and connections.
	HideServer bool `yaml:"hide-server,omitempty"`

	// Node is the id of this node among several; "" is a node alone.
	Node string `yaml:"-"`
	// Vitals measures this process, once a second; nil shows nothing.
	Vitals func() []Vital `yaml:"-"`
	// Open says that clients are known by nothing: who may see everything sees the server's
	// own measures too.
	Open bool `yaml:"-"`
	// Access decides about devices, as rooms named device:NAME; nil allows everything.
	Access auth.Access `yaml:"-"`
	// Observer hears what a metric may count; nil hears nothing.
	Observer Observer `yaml:"-"`
	// Logger logs what an operator should know; nil logs nothing.
	Logger *slog.Logger `yaml:"-"`
}

// Vital is one measure of the process.
type Vital struct {
	Metric string
	Value  float64
	Unit   string
}

// Observer is told what a metric may count. It is called by many goroutines at once and
// must not block.
type Observer interface {
	// ReadingsTaken counts readings by the way they came: "event", "http", "node", "server".
	ReadingsTaken(door string, n int)
	// ReadingsRefused counts requests of which no reading was taken, by the error's code.
	ReadingsRefused(code string)
	// ReadingsConflated counts readings that a dashboard was not sent because a later one
	// of the same key was: why is "interval" (once for all dashboards) or "slow" (for each).
	ReadingsConflated(why string, n int)
	// AlertChanged counts an alert that was raised or cleared.
	AlertChanged(severity string, raised bool)
	// TelemetrySize says how many devices, keys and dashboards there are.
	TelemetrySize(devices, keys, dashboards int)
}

// Validate reports each field that cannot be, naming its key.
func (o Options) Validate() error {
	var errs []error
	for _, f := range []struct {
		key string
		n   int64
	}{
		{"interval", int64(o.Interval)},
		{"history", int64(o.History)},
		{"history-age", int64(o.HistoryAge)},
		{"history-points", int64(o.HistoryPoints)},
		{"max-devices", int64(o.MaxDevices)},
		{"max-metrics", int64(o.MaxMetrics)},
		{"max-keys", int64(o.MaxKeys)},
		{"max-batch", int64(o.MaxBatch)},
		{"max-ahead", int64(o.MaxAhead)},
		{"max-behind", int64(o.MaxBehind)},
		{"forget", int64(o.Forget)},
	} {
		if f.n < 0 {
			errs = append(errs, fmt.Errorf("telemetry.%s: below zero", f.key))
		}
	}
	if len(o.Thresholds) > maxThresholds {
		errs = append(errs, fmt.Errorf("telemetry.thresholds: there are %d; the most is %d", len(o.Thresholds), maxThresholds))
	}
	names := make(map[string]bool)
	for i := range o.Thresholds {
		t := &o.Thresholds[i]
		errs = append(errs, t.validate(i))
		if names[t.Name] && t.Name != "" {
			errs = append(errs, fmt.Errorf("telemetry.thresholds: two have the name %q: alerts are told apart by it", t.Name))
		}
		names[t.Name] = true
	}
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	o.Interval = or(o.Interval, 100*time.Millisecond)
	o.History = or(o.History, 300)
	o.HistoryAge = or(o.HistoryAge, 10*time.Minute)
	o.HistoryPoints = or(o.HistoryPoints, 1_000_000)
	o.MaxDevices = or(o.MaxDevices, 10_000)
	o.MaxMetrics = or(o.MaxMetrics, 64)
	o.MaxKeys = or(o.MaxKeys, 50_000)
	o.MaxBatch = or(o.MaxBatch, 1000)
	o.MaxAhead = or(o.MaxAhead, time.Minute)
	o.MaxBehind = or(o.MaxBehind, 24*time.Hour)
	o.Forget = or(o.Forget, 24*time.Hour)
	if o.Thresholds == nil {
		o.Thresholds = demoThresholds()
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func or[T int | int64 | time.Duration](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return value
}

// nobody is the Observer of those who have none.
type nobody struct{}

var _ Observer = nobody{}

func (nobody) ReadingsTaken(string, int)     {}
func (nobody) ReadingsRefused(string)        {}
func (nobody) ReadingsConflated(string, int) {}
func (nobody) AlertChanged(string, bool)     {}
func (nobody) TelemetrySize(int, int, int)   {}
