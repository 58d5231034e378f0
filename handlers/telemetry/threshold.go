package telemetry

import (
	"errors"
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// maxThresholds bounds what every reading of a new key is compared with.
const maxThresholds = 200

// Threshold raises an alert when a metric of a device is above or below a level, and
// clears it when it is back at another one.
type Threshold struct {
	// Name says what is wrong, such as "too hot"; "" is made of the rest.
	Name string `yaml:"name,omitempty"`
	// Devices and Metric are patterns, in which "*" stands for any number of characters.
	Devices string `yaml:"devices"`
	Metric  string `yaml:"metric"`
	// Above or Below is the level beyond which it is raised; one of them is given.
	Above *float64 `yaml:"above,omitempty"`
	Below *float64 `yaml:"below,omitempty"`
	// Clear is the level at which it is cleared; nil is the same level.
	Clear *float64 `yaml:"clear,omitempty"`
	// For is how long the metric has to be beyond the level; 0 raises at once.
	For time.Duration `yaml:"for,omitempty"`
	// Severity is info, warning or critical; "" is warning.
	Severity string `yaml:"severity,omitempty"`
}

// The severities.
const (
	severityInfo     = "info"
	severityWarning  = "warning"
	severityCritical = "critical"
)

// demoThresholds are about the devices of sockeye demo devices.
func demoThresholds() []Threshold {
	warm, cool, slow := 29.0, 27.0, 3.0
	return []Threshold{
		{Name: "too warm", Devices: "demo-sensor-*", Metric: "temperature", Above: &warm, Clear: &cool, For: 2 * time.Second},
		{Name: "nearly adrift", Devices: "demo-boat-*", Metric: "speed", Below: &slow, Severity: severityInfo},
	}
}

func (t *Threshold) validate(i int) error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("telemetry.thresholds[%d]: %s", i, fmt.Sprintf(format, args...)))
	}
	switch {
	case t.Devices == "":
		fail("devices is missing: name a device, or write a pattern such as \"boiler-*\"")
	case t.Metric == "":
		fail("metric is missing: name a metric, or write a pattern such as \"temp*\"")
	}
	switch {
	case (t.Above == nil) == (t.Below == nil):
		fail("one of above and below is needed, and not both")
	case t.Clear == nil:
	case t.Above != nil && *t.Clear > *t.Above:
		fail("clear is above the level: it would be cleared while it is raised")
	case t.Below != nil && *t.Clear < *t.Below:
		fail("clear is below the level: it would be cleared while it is raised")
	}
	if t.For < 0 {
		fail("for is below zero")
	}
	switch t.Severity {
	case "", severityInfo, severityWarning, severityCritical:
	default:
		fail("severity %q is none of info, warning and critical", t.Severity)
	}
	if len(t.Name) > maxMetric {
		fail("name is longer than %d bytes", maxMetric)
	}
	return errors.Join(errs...)
}

// level returns where it is raised.
func (t *Threshold) level() float64 {
	if t.Above != nil {
		return *t.Above
	}
	return *t.Below
}

func (t *Threshold) clear() float64 {
	if t.Clear != nil {
		return *t.Clear
	}
	return t.level()
}

func (t *Threshold) name() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.Above != nil:
		return fmt.Sprintf("above %g", *t.Above)
	}
	return fmt.Sprintf("below %g", *t.Below)
}

func (t *Threshold) severity() string {
	if t.Severity == "" {
		return severityWarning
	}
	return t.Severity
}

// beyond reports whether a value raises it; back, whether one clears it.
func (t *Threshold) beyond(v float64) bool {
	if t.Above != nil {
		return v > *t.Above
	}
	return v < *t.Below
}

func (t *Threshold) back(v float64) bool {
	if t.Above != nil {
		return v <= t.clear()
	}
	return v >= t.clear()
}

// fits reports whether it is about a metric of a device.
func (t *Threshold) fits(device, metric string) bool {
	return auth.Patterns{t.Devices}.Match(device) && auth.Patterns{t.Metric}.Match(metric)
}

// watch is a threshold for one key. It is guarded by the board's mutex.
type watch struct {
	*Threshold
	of *cell

	raised bool
	since  int64     // time of the reading that went beyond the level; 0 while it is not
	due    time.Time // when it is raised, if it stays beyond
	value  float64   // of the reading that was judged last
	at     int64     // its time

	told mark[*watch] // place among the alerts that changed
}

// Alert is how dashboards are told of a threshold.
type Alert struct {
	State    string  `json:"state"` // raised or cleared
	Name     string  `json:"name"`
	Severity string  `json:"severity"`
	Device   string  `json:"device"`
	Metric   string  `json:"metric"`
	Value    float64 `json:"value"` // of the last reading that raised or cleared it
	Unit     string  `json:"unit,omitempty"`
	Level    float64 `json:"level"` // beyond which it is raised
	Since    int64   `json:"since"` // when it went beyond; milliseconds since 1970
	Time     int64   `json:"time"`  // of the value
}

// The states of an alert.
const (
	stateRaised  = "raised"
	stateCleared = "cleared"
)

func (w *watch) alert() Alert {
	a := Alert{
		State: stateCleared, Name: w.name(), Severity: w.severity(), Device: w.of.device.name, Metric: w.of.metric,
		Value: w.value, Unit: w.of.last.Unit, Level: w.level(), Since: w.since, Time: w.at,
	}
	if w.raised {
		a.State = stateRaised
	}
	return a
}

// judgeLocked looks at a new reading of a key.
func (b *board) judgeLocked(c *cell, now time.Time) {
	v, ok := c.last.Value.number()
	if !ok {
		return
	}
	for _, w := range c.watches {
		switch {
		case w.raised && w.back(v):
			w.value, w.at = v, c.last.Time
			b.changeLocked(w, false)
		case w.raised:
			w.value, w.at = v, c.last.Time
		case !w.beyond(v):
			w.since = 0
			delete(b.holding, w)
		case w.since == 0:
			w.since, w.value, w.at, w.due = c.last.Time, v, c.last.Time, now.Add(w.For)
			if w.For == 0 {
				b.changeLocked(w, true)
				continue
			}
			b.holding[w] = struct{}{}
			b.wakeLocked(w.due)
		default:
			w.value, w.at = v, c.last.Time
		}
	}
}

// raiseDueLocked raises what has been beyond its level for long enough, and returns when
// the next one is due; zero if none is.
func (b *board) raiseDueLocked(now time.Time) (next time.Time) {
	for w := range b.holding {
		switch {
		case !now.Before(w.due):
			delete(b.holding, w)
			b.changeLocked(w, true)
		case next.IsZero() || w.due.Before(next):
			next = w.due
		}
	}
	return next
}

func (b *board) changeLocked(w *watch, raised bool) {
	w.raised = raised
	b.alerts.touch(&w.told, w, b.tick)
	b.opts.Observer.AlertChanged(w.severity(), raised)
	b.wakeLocked(b.nextLocked())
}
