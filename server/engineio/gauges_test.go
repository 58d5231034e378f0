package engineio

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func (s *story) has(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.told, line)
}

func TestUpgradesThatFailAreToldWithTheirReason(t *testing.T) {
	t.Parallel()
	for want, fail := range map[UpgradeFailure]func(c *pollClient){
		UpgradeBadProbe:     func(c *pollClient) { c.probe().send("4x") },
		UpgradeLost:         func(c *pollClient) { c.probe().conn.Close() },
		UpgradeSessionEnded: func(c *pollClient) { c.probe(); c.side().Abort(ReasonForcedServer, DetailServerDisconnect, nil) },
		UpgradeNotAllowed: func(c *pollClient) {
			c.probe()
			c.upgrade(strings.Replace(c.query, TransportPolling, TransportWebSocket, 1))
		},
	} {
		var s story
		f := serve(t, &Options{Observer: &s}, nil)
		fail(f.poll(4))
		eventually(t, string(want), func() bool { return s.has("upgrade failed: " + string(want)) })
		if !s.has("upgrade tried") {
			t.Errorf("%s: not told that it was tried", want)
		}
	}
	var s story
	f := serve(t, &Options{Observer: &s, UpgradeTimeout: 1}, nil)
	f.upgrade(strings.Replace(f.poll(4).query, TransportPolling, TransportWebSocket, 1))
	eventually(t, "timeout", func() bool { return s.has("upgrade failed: " + string(UpgradeTimeout)) })
}

// An end is one line with what the connection carried, and nothing of it is secret.
func TestTheEndOfASessionIsOneLineWithItsCounts(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 10)
	log := slog.New(slog.NewTextHandler(lineWriter(lines), nil))
	f := serve(t, &Options{Logger: log, LogSessions: true}, nil)
	c := f.poll(4, "token=hush")
	c.post("4four\x1e4four")
	await(t, "a message", c.side().in)
	if err := c.side().Send(says("sixsix"), 0); err != nil {
		t.Fatal(err)
	}
	c.get()
	s := c.probe()
	c.complete(s)
	if err := c.side().Send(says("on"), 0); err != nil {
		t.Fatal(err)
	}
	s.want("4on")
	eventually(t, "the write is settled", func() bool { bytes, _ := f.srv.Outboxes(); return bytes == 0 })
	s.send("1")
	line := await(t, "the line", lines)
	for _, want := range []string{
		"level=INFO", `reason="transport close"`, `detail="close packet"`, "transport=websocket", "protocol=4", "after=",
		"messages_in=2", "bytes_in=8", "messages_out=2", "bytes_out=8", "remote=127.0.0.1:",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not in %s", want, line)
		}
	}
	for _, secret := range []string{"hush", c.SID} {
		if strings.Contains(line, secret) {
			t.Errorf("%q is in %s", secret, line)
		}
	}
}

func TestAReplayCountsInTheLineOfItsSession(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{TransportPolling, TransportWebSocket} {
		lines := make(chan string, 10)
		f := serve(t, &Options{Logger: slog.New(slog.NewTextHandler(lineWriter(lines), nil)), LogSessions: true}, nil)
		left := 3
		next := func() *Message {
			if left--; left < 0 {
				return nil
			}
			return says("123")
		}
		if transport == TransportPolling {
			c := f.poll(4)
			if err := c.side().SendPaged(next); err != nil {
				t.Fatal(err)
			}
			c.get().want(t, http.StatusOK, "4123\x1e4123\x1e4123")
			c.post("1")
		} else {
			s := f.ws(4)
			if err := s.side(f).SendPaged(next); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				s.want("4123")
			}
			eventually(t, "the replay is settled", func() bool {
				p := s.side(f)
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.out.sent.messages == 3
			})
			s.send("1")
		}
		if line := await(t, "the line", lines); !strings.Contains(line, "messages_out=3 bytes_out=9") {
			t.Errorf("%s: %s", transport, line)
		}
	}
}

func TestOutboxesAreCounted(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{OutboxLimit: 1000}, nil)
	c, slow := f.poll(4), f.poll(4)
	if err := c.side().Send(says("x"), 0); err != nil {
		t.Fatal(err)
	}
	if err := slow.side().Send(says(strings.Repeat("x", 2000)), 0); err != nil {
		t.Fatal(err)
	}
	want := int64(1 + 2000 + 2*messageOverhead)
	if bytes, above := f.srv.Outboxes(); bytes != want || above != 1 {
		t.Errorf("%d bytes, %d above the limit; want %d, 1", bytes, above, want)
	}
	c.get()
	slow.get()
	if bytes, above := f.srv.Outboxes(); bytes != 0 || above != 0 {
		t.Errorf("%d bytes, %d above the limit, want nothing", bytes, above)
	}
}

// The lists of words that the metrics show from the start hold all that are used.
func TestTheListsOfWordsAreWhole(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f, "_test.go") && f != "close.go" && f != "ends.go" && f != "refusals.go" {
			code.Write(text)
		}
	}
	known := slices.Concat(Refusals()...)
	names := regexp.MustCompile(`"name": "(\w+)"`).FindAllStringSubmatch(code.String(), -1)
	if len(names) < 10 {
		t.Fatalf("only %d names of refusals were found", len(names))
	}
	for _, m := range names {
		f := refusal{context: map[string]any{"name": m[1]}}
		if !slices.Contains(known, f.why()) {
			t.Errorf("Refusals lacks %q", f.why())
		}
	}
	above, err := filepath.Glob("../socketio/*.go")
	if err != nil || len(above) == 0 {
		t.Fatal("the layer above is not there")
	}
	for _, f := range above {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`engineio\.(Detail\w+), (?:nil|err)\)`).FindAllStringSubmatch(string(text), -1) {
			code.WriteString("Detail: " + m[1] + "\n")
		}
	}
	listed, err := os.ReadFile("ends.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range regexp.MustCompile(`Detail: (Detail\w+)|, (Detail\w+)\}`).FindAllStringSubmatch(code.String(), -1) {
		if name := d[1] + d[2]; name != "DetailNone" && !strings.Contains(string(listed), name) {
			t.Errorf("Ends lacks %s", name)
		}
	}
}
