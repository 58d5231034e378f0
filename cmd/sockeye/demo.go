package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type demoCommand struct {
	Devices  demoDevicesCommand  `cmd:"" help:"Act as sensors, prices and boats for the page /dashboard/, until Ctrl-C."`
	Comments demoCommentsCommand `cmd:"" help:"Act as readers who write and vote on the page /demos/comments, until Ctrl-C."`
}

// demoTimeout bounds one request.
const demoTimeout = 10 * time.Second

// demoSlices is in how many requests the readings of one interval go, evenly.
const demoSlices = 5

// maxDemoDevices is what one request of a slice can hold.
const maxDemoDevices = 1000

// demoDevicesCommand knows nothing of the server's options: it is a client.
type demoDevicesCommand struct {
	URL      string        `default:"http://127.0.0.1:3000" env:"SOCKEYE_URL" placeholder:"URL" help:"Where the server is."`
	Count    int           `default:"12" placeholder:"NUMBER" help:"How many devices: a third of them sensors, a third prices, a third boats."`
	Interval time.Duration `default:"1s" placeholder:"DURATION" help:"How often each device sends."`
	Key      string        `env:"SOCKEYE_KEY" placeholder:"KEY" help:"API key or token, where the server wants one: it has to be allowed to publish to device:demo-*."`
	KeyFile  string        `type:"path" placeholder:"FILE" help:"The same as the content of a file."`
}

// Run sends until a signal comes.
func (c *demoDevicesCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(s.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	d, err := c.open(s.err)
	if err != nil {
		return fmt.Errorf("demo devices: %w", err)
	}
	defer d.client.CloseIdleConnections()
	if err := d.run(ctx); err != nil {
		return fmt.Errorf("demo devices: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "sent %d readings\n", d.sent)
	return err
}

func (c *demoDevicesCommand) open(tell io.Writer) (*demo, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("--url: %q is no URL such as http://127.0.0.1:3000", c.URL)
	case c.Count < 1 || c.Count > maxDemoDevices:
		return nil, fmt.Errorf("--count: %d is not between 1 and %d", c.Count, maxDemoDevices)
	case c.Interval < 100*time.Millisecond:
		return nil, fmt.Errorf("--interval: %v is less than 100ms", c.Interval)
	}
	d := &demo{base: strings.TrimSuffix(c.URL, "/"), key: c.Key, interval: c.Interval, tell: tell, client: &http.Client{Timeout: demoTimeout}}
	if c.KeyFile != "" {
		text, err := os.ReadFile(c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("--key-file: %w", err)
		}
		d.key = strings.TrimSpace(string(text))
	}
	for i := range c.Count {
		n := i/3 + 1
		switch i % 3 {
		case 0:
			d.devices = append(d.devices, sensor(n))
		case 1:
			d.devices = append(d.devices, price(n))
		default:
			d.devices = append(d.devices, boat(n))
		}
	}
	return d, nil
}

// demo is devices that there are not.
type demo struct {
	base, key string
	interval  time.Duration
	devices   []device
	client    *http.Client
	tell      io.Writer
	sent      int
	away      bool // the server was not reached the last time
}

// measured is one reading.
type measured struct {
	Device string `json:"device"`
	Metric string `json:"metric"`
	Value  any    `json:"value"`
	Unit   string `json:"unit,omitempty"`
}

// device returns what it measures, some seconds after it began.
type device func(at float64) []measured

// run sends until ctx ends. A server that is not there at first is an error; one that goes
// is waited for.
func (d *demo) run(ctx context.Context) error {
	start := time.Now()
	tick := time.NewTicker(d.interval / demoSlices)
	defer tick.Stop()
	for n := 0; ; n++ {
		err := d.send(ctx, d.measure(n%demoSlices, time.Since(start).Seconds()))
		var answered *refusedError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &answered) || err != nil && d.sent == 0:
			return err
		case err != nil && !d.away:
			_, _ = fmt.Fprintf(d.tell, "%v; trying again\n", err)
		case err == nil && n == 0:
			_, _ = fmt.Fprintf(d.tell, "%d devices send to %s every %v: look at %s/dashboard/. Ctrl-C stops them.\n", len(d.devices), d.base, d.interval, d.base)
		case err == nil && d.away:
			_, _ = fmt.Fprintln(d.tell, "the server is back")
		}
		d.away = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// measure returns the readings of a slice of the devices.
func (d *demo) measure(slice int, at float64) []measured {
	var all []measured
	for i, measure := range d.devices {
		if i%demoSlices == slice {
			all = append(all, measure(at)...)
		}
	}
	return all
}

// refusedError is what the server says to no.
type refusedError struct{ status, message string }

func (e *refusedError) Error() string { return "the server refused: " + e.status + ": " + e.message }

// send sends readings, one on each line.
func (d *demo) send(ctx context.Context, all []measured) error {
	if len(all) == 0 {
		return nil
	}
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, m := range all {
		if err := lines.Encode(m); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+"/api/v1/ingest", &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if d.key != "" {
		req.Header.Set("Authorization", "Bearer "+d.key)
	}
	res, err := d.client.Do(req)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("nothing listens at %s: start the server with sockeye serve, or say where it is with --url", req.URL.Host)
		}
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	switch {
	case err != nil:
		return err
	case res.StatusCode == http.StatusOK:
		d.sent += len(all)
		return nil
	case res.StatusCode >= http.StatusInternalServerError && res.StatusCode != http.StatusInsufficientStorage:
		return fmt.Errorf("the server answered %s", res.Status)
	}
	return &refusedError{res.Status, d.advice(res.StatusCode, text)}
}

// advice says what the server said, and what can be done.
func (d *demo) advice(status int, text []byte) string {
	var p struct{ Detail string }
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return "this does not look like a Sockeye with telemetry: see --url"
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		p.Detail += "; make a key with sockeye key create --scope publish --room 'device:demo-*', and give it with --key"
	}
	return p.Detail
}

// sensor is a room that is too warm from time to time.
func sensor(n int) device {
	name, phase := fmt.Sprintf("demo-sensor-%d", n), float64(n)
	return func(at float64) []measured {
		t := 21 + 2*math.Sin(at/23+phase) + noise(0.15)
		if n%4 == 1 { // one of four has a heater
			t += 11 * math.Pow(math.Max(0, math.Sin(at/14+phase)), 4)
		}
		return []measured{
			{name, "temperature", rounded(t, 1), "°C"},
			{name, "humidity", rounded(55-1.2*(t-21)+5*math.Sin(at/31+2*phase)+noise(0.4), 1), "%"},
		}
	}
}

// symbols are what prices are of.
var symbols = []string{"SALMON", "TROUT", "PERCH", "PIKE", "STURGEON", "ROACH"}

// price wanders.
func price(n int) device {
	name := "demo-price-" + symbols[(n-1)%len(symbols)]
	if n > len(symbols) {
		name += fmt.Sprintf("-%d", (n-1)/len(symbols)+1)
	}
	base := 20 + 15*float64(n%9)
	now := base
	return func(float64) []measured {
		now += (base-now)*0.01 + noise(base*0.004)
		return []measured{{name, "price", rounded(now, 2), "€"}}
	}
}

// The mouth of a river, in degrees.
const riverLat, riverLon = 49.115, -123.165

// boat goes round and round.
func boat(n int) device {
	name, phase := fmt.Sprintf("demo-boat-%d", n), 1.9*float64(n)
	pace := 0.035 + 0.006*float64(n%5)
	where := func(at float64) (lat, lon float64) {
		a := at*pace + phase
		size := 0.6 + 0.1*float64(n%5)
		return riverLat + 0.022*size*math.Sin(a) + 0.006*math.Sin(3*a+phase), riverLon + 0.05*size*math.Cos(a) + 0.008*math.Cos(2*a)
	}
	return func(at float64) []measured {
		lat, lon := where(at)
		lat2, lon2 := where(at + 1)
		const degree = 111_320 // metres
		speed := math.Hypot((lat2-lat)*degree, (lon2-lon)*degree*math.Cos(lat*math.Pi/180)) / 10
		return []measured{
			{name, "position", map[string]float64{"lat": rounded(lat, 6), "lon": rounded(lon, 6)}, ""},
			{name, "speed", rounded(math.Abs(speed+noise(0.2)), 1), "kn"},
		}
	}
}

// noise is of no importance.
func noise(size float64) float64 { return size * rand.NormFloat64() } //nolint:gosec // it guards nothing

func rounded(v float64, digits int) float64 {
	unit := math.Pow10(digits)
	return math.Round(v*unit) / unit
}
