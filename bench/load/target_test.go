package load

import (
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestOnlyLoopbackIsDialled(t *testing.T) {
	for url, want := range map[string]endpoint{
		"http://127.0.0.1:3000":     {addr: "127.0.0.1:3000", host: "127.0.0.1:3000", path: "/socket.io/"},
		"http://127.9.9.9:1/":       {addr: "127.9.9.9:1", host: "127.9.9.9:1", path: "/socket.io/"},
		"http://[::1]:3000/rt":      {addr: "[::1]:3000", host: "[::1]:3000", path: "/rt/"},
		"http://localhost:3000/a/b": {addr: "127.0.0.1:3000", host: "localhost:3000", path: "/a/b/"},
		"http://127.0.0.1/":         {addr: "127.0.0.1:80", host: "127.0.0.1", path: "/socket.io/"},
		"http://127.0.0.1:1/?a=b c": {addr: "127.0.0.1:1", host: "127.0.0.1:1", path: "/socket.io/", query: "&a=b+c"},
	} {
		got, err := resolve(t.Context(), Target{URL: url}, false)
		if err != nil || got != want {
			t.Errorf("%s: %+v, error %v; want %+v", url, got, err, want)
		}
	}
	for _, url := range []string{
		"http://192.0.2.1:3000", "http://0.0.0.0:3000", "http://[2001:db8::1]:3000", "https://192.0.2.1",
		"ws://127.0.0.1:3000", "http://u:p@127.0.0.1:3000", "http://:3000", "127.0.0.1:3000", "", "http://\x00",
	} {
		if got, err := resolve(t.Context(), Target{URL: url}, false); err == nil {
			t.Errorf("%q: accepted as %+v", url, got)
		}
	}
}

func TestClientsAreSpreadOverAllNodes(t *testing.T) {
	r := &relay{}
	first := Target{URL: r.serve(t)}
	var handshakes atomic.Int32
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("sid") == "" {
			handshakes.Add(1)
		}
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(second.Close)
	first.Others = []Target{{URL: second.URL}}
	got, err := Run(t.Context(), first, small(Work{Kind: Fanout, Clients: 8, Messages: 5}))
	if err != nil {
		t.Fatal(err)
	}
	if n := handshakes.Load(); n != 4 || got.Delivered != 40 || got.Failure() != "" {
		t.Errorf("%d of 8 clients came to the second node, delivered %d of 40, failure %q", n, got.Delivered, got.Failure())
	}
	first.Others = []Target{{URL: "http://192.0.2.1:3000"}}
	if _, err := Run(t.Context(), first, small(Work{Kind: Fanout})); err == nil {
		t.Error("a node that is not on this machine is accepted")
	}
}

func TestSessionsGoOnAtAnotherNode(t *testing.T) {
	for _, transport := range []Transport{Polling, Upgrade} {
		t.Run(string(transport), func(t *testing.T) {
			r := &relay{}
			var opened, onward, wrong atomic.Int32
			count := func(in *atomic.Int32, want func(sid string) bool) *httptest.Server {
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					if in.Add(1); !want(req.URL.Query().Get("sid")) {
						wrong.Add(1)
					}
					r.ServeHTTP(w, req)
				}))
				t.Cleanup(srv.Close)
				return srv
			}
			r.serve(t)
			first := count(&opened, func(sid string) bool { return sid == "" })
			second := count(&onward, func(sid string) bool { return sid != "" })
			target := Target{URL: first.URL, Onward: &Target{URL: second.URL}}
			got, err := Run(t.Context(), target, small(Work{Kind: Echo, Transport: transport, Clients: 4, Messages: 5}))
			if err != nil {
				t.Fatal(err)
			}
			if opened.Load() != 4 || onward.Load() < 4 || wrong.Load() != 0 || got.Delivered != 20 || got.Failure() != "" {
				t.Errorf("%d requests at the first node, %d at the other, %d at the wrong one; delivered %d of 20, failure %q",
					opened.Load(), onward.Load(), wrong.Load(), got.Delivered, got.Failure())
			}
		})
	}
	if _, err := Run(t.Context(), Target{URL: "http://127.0.0.1:1", Onward: &Target{URL: "http://127.0.0.1:2"}}, small(Work{Kind: Echo})); err == nil {
		t.Error("a WebSocket is sent on")
	}
}

func TestWorkWithoutBoundsIsRefused(t *testing.T) {
	for name, w := range map[string]Work{
		"no kind":            {},
		"unknown kind":       {Kind: "sing"},
		"unknown transport":  {Kind: Echo, Transport: "pigeon"},
		"too many clients":   {Kind: Echo, Clients: maxClients + 1},
		"negative clients":   {Kind: Echo, Clients: -1},
		"too wide":           {Kind: Echo, Window: maxWindow + 1},
		"tiny payload":       {Kind: Echo, Payload: minPayload - 1},
		"endless":            {Kind: Echo, Measure: time.Hour},
		"negative rate":      {Kind: Fanout, Rate: -1},
		"more publishers":    {Kind: Fanout, Clients: 2, Publishers: 3},
		"too many messages":  {Kind: Fanout, Messages: maxMessages + 1},
		"negative warm-up":   {Kind: Fanout, Warmup: -1},
		"stall of no length": {Kind: Fanout, Stall: 1},
		"too many rooms":     {Kind: Fanout, Rooms: maxRooms + 1},
		"negative rooms":     {Kind: Fanout, Rooms: -1},
		"too many members":   {Kind: Fanout, Clients: 1000, Rooms: maxRooms, RoomSize: 1000},
		"room above clients": {Kind: Fanout, Clients: 4, RoomSize: 5},
		"rooms of an echo":   {Kind: Echo, Rooms: 2},
		"room with a quote":  {Kind: Fanout, Room: `a"b`},
		"unknown parser":     {Kind: Echo, Parser: "xml"},
		"deflated polling":   {Kind: Echo, Transport: Polling, Deflate: true},
		"churn beside idle":  {Kind: Idle, Churn: 1},
		"churn is no number": {Kind: Echo, Churn: math.NaN()},
		"too much churn":     {Kind: Echo, Churn: maxChurn + 1},
		"all stalled":        {Kind: Fanout, Stalled: 1},
		"stalled echo":       {Kind: Echo, Stalled: 0.1},
	} {
		if _, err := w.filled(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestResultArithmetic(t *testing.T) {
	r := &Result{Units: 1000, Elapsed: 2 * time.Second, CPU: 5 * time.Millisecond, RSSBefore: 1 << 20, RSSAfter: 3 << 20, RSSClients: 256}
	if got := r.CPUPerUnit(); got != 5 {
		t.Errorf("CPU per unit %v µs, want 5", got)
	}
	if got := r.PerSecond(); got != 500 {
		t.Errorf("%v per second, want 500", got)
	}
	if got := r.RSSPerClient(); got != 8 {
		t.Errorf("RSS per client %v KiB, want 8", got)
	}
	if got := r.Failure(); got != "" {
		t.Errorf("failure %q of a clean run", got)
	}
	r.Lost, r.FailedConnects = 2, 1
	if got := r.Failure(); got != "2 lost, 1 failed connects" {
		t.Errorf("failure %q", got)
	}
}

// One address of this machine has no more than 28,232 ports for one server.
func TestClientsComeFromSeveralAddresses(t *testing.T) {
	if !manySources {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	ep := endpoint{addr: "127.0.0.1:3000"}
	if ep.spread(portsPerSource); ep.sources != 0 {
		t.Errorf("%d sources for few", ep.sources)
	}
	if ep.spread(2*portsPerSource + 1); ep.sources != 3 {
		t.Errorf("%d sources, want 3", ep.sources)
	}
	var mu sync.Mutex
	from := map[string]bool{}
	srv := &relay{seen: func(req *http.Request) {
		host, _, _ := net.SplitHostPort(req.RemoteAddr)
		mu.Lock()
		from[host] = true
		mu.Unlock()
	}}
	target := Target{URL: srv.serve(t)}
	w, err := small(Work{Kind: Echo, Clients: 6, Messages: 2}).filled()
	if err != nil {
		t.Fatal(err)
	}
	eps, _, err := resolveAll(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	eps[0].sources = 3
	l, err := newLoop(false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	r := newRun(w, eps, &format{parser: JSON, nsp: "/"}, l)
	if err := r.do(t.Context()); err != nil {
		t.Fatal(err)
	}
	clean(t, r.res)
	if len(from) != 3 || !from["127.0.0.1"] || !from["127.0.0.3"] {
		t.Errorf("clients came from %v, want 127.0.0.1 to 127.0.0.3", from)
	}
}

func TestOthersAreOnlyDialledOnRequest(t *testing.T) {
	ep, err := resolve(t.Context(), Target{URL: "https://192.0.2.1/rt"}, true)
	if err != nil || ep.addr != "192.0.2.1:443" || ep.tls == nil || ep.tls.ServerName != "192.0.2.1" || ep.path != "/rt/" {
		t.Errorf("%+v, error %v", ep, err)
	}
}
