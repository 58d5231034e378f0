package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

const poll = "/socket.io/?EIO=4&transport=polling"

// strict counts loopback addresses too.
func strict(c *Config) { c.LimitsExcept = nil }

func TestRatesAreReadAndWrittenAlike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"200/s burst 2000": "200/s burst 2000", "50/s": "50/s burst 500", "30/m burst 4": "30/m burst 4", "60/m": "1/s burst 10",
		"1/h": "1/h burst 1", "0.5/s burst 1": "30/m burst 1", "off": "off", "0": "off",
	} {
		var r, again Rate
		if err := r.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		b, err := r.MarshalText()
		if err != nil || string(b) != want {
			t.Errorf("%q is written as %q, want %q", text, b, want)
		}
		if err := again.UnmarshalText(b); err != nil || again != r {
			t.Errorf("%q is read as %v, want %v", b, again, r)
		}
	}
	for text, want := range map[string]string{"1MiB/s burst 8MiB": "1MiB/s burst 8MiB", "64kB/s burst 1MB": "64kB/s burst 1MB", "off": "off"} {
		var r ByteRate
		err := r.UnmarshalText([]byte(text))
		if b, _ := r.MarshalText(); err != nil || string(b) != want {
			t.Errorf("%q is written as %q (%v), want %q", text, b, err, want)
		}
	}
	for _, text := range []string{"", "200", "/s", "-1/s", "1/s burst", "1/s burst 0", "NaN/s", "1/d", "1e300/s", "1/s burst x"} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "burst 2000") {
			t.Errorf("%q: %v", text, err)
		}
		var b ByteRate
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as a rate of bytes", text)
		}
	}
	for text, want := range map[string]string{"7": "7", "off": "off", "0": "off"} {
		var m Most
		if err := m.UnmarshalText([]byte(text)); err != nil || m.String() != want {
			t.Errorf("%q is %v (%v)", text, m, err)
		}
	}
	var m Most
	var bytes MostBytes
	for _, text := range []string{"-1", "x", "1.5", "99999999999"} {
		if m.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for text, want := range map[string]string{"1GiB": "1GiB", "off": "off", "0": "off"} {
		err := bytes.UnmarshalText([]byte(text))
		if b, _ := bytes.MarshalText(); err != nil || string(b) != want {
			t.Errorf("%q is %s (%v)", text, b, err)
		}
	}
}

func TestLimitsThatContradictAreErrors(t *testing.T) {
	t.Parallel()
	for option, change := range map[string]func(*Config){
		"--trusted-proxies": func(c *Config) { c.TrustedProxies = []string{"example.com"} },
		"--limits-except":   func(c *Config) { c.LimitsExcept = []string{"10.0.0.0/99"} },
		"--proxy-protocol":  func(c *Config) { c.ProxyProtocol = "required" },
		"--byte-rate":       func(c *Config) { c.ByteRate.Burst = 1000 },
		"--outbox-total":    func(c *Config) { c.OutboxTotal = 1000 },
	} {
		c := defaultConfig()
		change(c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), option+": ") {
			t.Errorf("%s: %v", option, err)
		}
	}
}

// tooMany insists on an answer that a page of another origin can read.
func tooMany(t *testing.T, res *http.Response, body, message string) {
	t.Helper()
	if res.StatusCode != http.StatusTooManyRequests || body != fmt.Sprintf(`{"code":3,"message":%q}`, message) {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
	if got := res.Header.Get("Retry-After"); got == "" {
		t.Error("no Retry-After")
	}
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "http://localhost:1" {
		t.Errorf("CORS says %q", got)
	}
}

func TestHandshakesOfAnAddressAreAnsweredWhenTooMany(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		strict(c)
		c.IPHandshakes = Rate{PerSecond: 0.001, Burst: 2}
	})
	for range 2 {
		if res, body := r.do(t, http.MethodGet, poll); res.StatusCode != http.StatusOK {
			t.Fatalf("got %d %s", res.StatusCode, body)
		}
	}
	res, body := r.do(t, http.MethodGet, poll, "Origin", "http://localhost:1")
	tooMany(t, res, body, "too many new connections from your address: try again in 16m40s")
	res, _ = r.do(t, http.MethodGet, "/socket.io/?EIO=4&transport=websocket", "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
	if res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a WebSocket got %d", res.StatusCode)
	}
	if log := r.log.String(); !strings.Contains(log, "limit=ip-handshakes effect=refused remote=127.0.0.1:") {
		t.Errorf("the log: %s", log)
	}
}

func TestConnectionsAreAnsweredWhenTooMany(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		strict(c)
		c.IPConnections = 1
	})
	c := sockettest.Dial(t, r.url)
	res, body := r.do(t, http.MethodGet, poll, "Origin", "http://localhost:1")
	tooMany(t, res, body, "too many connections from your address: close some, or try again later")
	c.Cut()
	r.eventually(t, "there is room again", func() bool {
		res, _ := r.do(t, http.MethodGet, poll)
		return res.StatusCode == http.StatusOK
	})
	full := start(t, func(c *Config) { c.MaxConnections = 1 })
	sockettest.Dial(t, full.url)
	if res, body := full.do(t, http.MethodGet, poll); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a full node answers %d %s", res.StatusCode, body)
	}
}

func TestPrivateAddressesAreNotCountedByDefault(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.IPConnections, c.IPHandshakes = 1, Rate{PerSecond: 0.001, Burst: 1} })
	for range 3 {
		sockettest.Dial(t, r.url)
	}
}

func TestLimitsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		strict(c)
		c.EventRate, c.ByteRate, c.IPHandshakes, c.UserHandshakes = Rate{}, ByteRate{}, Rate{}, Rate{}
		c.IPConnections, c.UserConnections, c.MaxConnections, c.OutboxTotal = 0, 0, 0, 0
		c.MaxRooms, c.MaxNamespaces, c.MaxEventName = 0, 0, 0
	})
	if r.limits.door != nil {
		t.Error("there is a door")
	}
	c := sockettest.Dial(t, r.url)
	c.Connect("/", "")
	for i := range 150 {
		c.Send(fmt.Sprintf(`2%d["join","r%d"]`, i, i))
		c.Expect(fmt.Sprintf(`3%d["ok"]`, i))
	}
}

// An address is that of the client as the first node saw it, behind a proxy and carried to
// another node too.
func TestTheClientIsSeenThroughProxiesAndNodes(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, redistest.Single(t).URL(), func(c *Config) {
		strict(c)
		c.TrustedProxies, c.IPHandshakes = []string{"loopback"}, Rate{PerSecond: 0.001, Burst: 2}
	})
	seen := make(chan *socketio.Handshake, 1)
	all[0].IO().OnConnection(func(s *socketio.Socket) { seen <- s.Handshake() })
	res, body := all[0].do(t, http.MethodGet, poll, "X-Forwarded-For", "1.1.1.1, 203.0.113.9", "X-Forwarded-Proto", "https")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", res.StatusCode, body)
	}
	sid := strings.Split(body, `"`)[3]
	if status, _ := all[1].post(t, poll+"&sid="+sid, "40"); status != http.StatusOK {
		t.Fatalf("CONNECT through another node: %d", status)
	}
	h := sockettest.Receive(t, "the connection", seen)
	if h.Address != "203.0.113.9" || !h.Secure {
		t.Errorf("address %s, secure %v", h.Address, h.Secure)
	}
	// Both nodes count the one address together, whatever else is in the header.
	countTogether(t, all, func(i int) error {
		forwarded := []string{"X-Forwarded-For", fmt.Sprintf("2.2.2.2, 203.0.113.%d", 20+i)}
		for n, r := range []*running{all[0], all[1], all[0], all[1]} {
			want := http.StatusOK
			if n >= 2 {
				want = http.StatusTooManyRequests
			}
			if res, body := r.do(t, http.MethodGet, poll, forwarded...); res.StatusCode != want {
				return fmt.Errorf("handshake %d: %d %s", n, res.StatusCode, body)
			}
		}
		for n, r := range all {
			if res, body := r.do(t, http.MethodGet, poll, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", 100+2*i+n)); res.StatusCode != http.StatusOK {
				return fmt.Errorf("another client: %d %s", res.StatusCode, body)
			}
		}
		return nil
	})
}

// countTogether tries something until it succeeds, or fails while the nodes counted
// together: on a busy machine Redis may not answer within the time that a handshake waits.
func countTogether(t *testing.T, all []*running, try func(i int) error) {
	t.Helper()
	together := func() bool {
		return !slices.ContainsFunc(all, func(r *running) bool {
			log := r.log.String()
			return strings.Count(log, "limits are counted by this node alone") > strings.Count(log, "limits are counted by all nodes together again")
		})
	}
	for i := range 30 {
		before := together()
		err := try(i)
		if err == nil {
			return
		}
		if before && together() {
			t.Fatal(err)
		}
		<-time.After(200 * time.Millisecond)
	}
	t.Fatal("the nodes never counted together")
}

func TestWhoIsNoProxyCannotLie(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		strict(c)
		c.IPHandshakes = Rate{PerSecond: 0.001, Burst: 1}
	})
	r.do(t, http.MethodGet, poll, "X-Forwarded-For", "203.0.113.1")
	for i := range 3 {
		res, body := r.do(t, http.MethodGet, poll, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i), "Forwarded", "for=1.1.1.1")
		if res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("got %d %s", res.StatusCode, body)
		}
	}
	if log := r.log.String(); strings.Count(log, "--trusted-proxies 127.0.0.1") != 1 {
		t.Errorf("the log: %s", log)
	}
}

func TestTheProxyProtocolNamesTheClientOfSessions(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.TrustedProxies, c.ProxyProtocol = []string{"loopback"}, "optional" })
	seen := make(chan string, 1)
	r.IO().OnConnection(func(s *socketio.Socket) { seen <- s.Handshake().Address })
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(context.Background(), "tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "PROXY TCP4 203.0.113.9 192.0.2.1 51000 80\r\nGET "+poll+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s %v", res.StatusCode, body, err)
	}
	sid := strings.Split(string(body), `"`)[3]
	if status, _ := r.post(t, poll+"&sid="+sid, "40"); status != http.StatusOK { // without a header
		t.Fatalf("CONNECT: %d", status)
	}
	if got := sockettest.Receive(t, "the connection", seen); got != "203.0.113.9" {
		t.Errorf("the client is %s", got)
	}
}

// Another node has one address, and carries the waiting polls of many clients.
func TestConnectionsOfOtherNodesAreLetOff(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, redistest.Single(t).URL(), func(c *Config) {
		strict(c)
		c.IPConnections = 2 // six TCP connections
	})
	const clients = 10
	ctx, cancel := context.WithCancel(t.Context())
	var polls sync.WaitGroup
	defer polls.Wait()
	defer cancel()
	for i := range clients {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i+1))}}
		web := &http.Client{Transport: &http.Transport{DialContext: d.DialContext}}
		defer web.CloseIdleConnections()
		get := func(url string) (string, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
			if err != nil {
				return "", err
			}
			res, err := web.Do(req)
			if err != nil {
				return "", err
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			return string(b), err
		}
		open, err := get(all[0].url + poll)
		if err != nil || !strings.HasPrefix(open, "0{") {
			t.Fatalf("handshake: %q, %v", open, err)
		}
		polls.Go(func() { _, _ = get(all[1].url + poll + "&sid=" + strings.Split(open, `"`)[3]) }) // waits until the end
	}
	waiting := fmt.Sprintf(`sockeye_carried_requests_total{kind="poll",role="received"} %d`, clients)
	all[0].eventually(t, "all polls are carried", func() bool {
		_, text := all[0].do(t, http.MethodGet, "/metrics")
		return strings.Contains(text, waiting)
	})
}

func TestConnectionsOfAUserAreAnsweredWhenTooMany(t *testing.T) {
	t.Parallel()
	app, err := New(defaultConfig(), slog.New(slog.DiscardHandler), "v-test")
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	app.limits.door = limit.New(&limit.Options{UserConnections: 1})
	srv := sockettest.Serve(t, &socketio.Options{
		Engine: engineio.Options{Enter: app.enter},
		Admit: func(ctx context.Context, s *socketio.Socket) error {
			s.SetIdentity(&auth.Principal{ID: s.Handshake().Query.Get("user"), Method: auth.Method(s.Handshake().Query.Get("method"))})
			return app.limitUser(ctx, s)
		},
	})
	srv.Of("/a")
	c := sockettest.Dial(t, srv.URL+"/socket.io/?user=ann&method=token")
	c.Connect("/", "")
	c.Connect("/a", "") // the same connection
	other := sockettest.Dial(t, srv.URL+"/socket.io/?user=ann&method=session")
	other.Send("0")
	message := "too many connections of this user: close some, or try again later"
	other.Expect(fmt.Sprintf(`4{"data":{"code":"rate_limited","limit":"user-connections","message":%q,"retryAfter":10000},"message":%q}`, message, message))
	sockettest.Dial(t, srv.URL+"/socket.io/?user=ann&method=key").Connect("/", "") // a key of that name is somebody else
	for range 3 {
		sockettest.Dial(t, srv.URL+"/socket.io/?user=").Connect("/", "") // nobody in particular
	}
	c.Cut()
	sockettest.Eventually(t, "there is room again", func() bool {
		again := sockettest.Dial(t, srv.URL+"/socket.io/?user=ann&method=token")
		again.Send("0")
		return strings.HasPrefix(again.Next().Text, "0")
	})
}
