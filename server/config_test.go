package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/history"
)

// defaultConfig is what the program has without flags.
func defaultConfig() *Config {
	return &Config{
		Listen: "127.0.0.1:0", Path: "/socket.io/", ShutdownTimeout: 10 * time.Second, TLSMin: "1.2", HSTS: OrDuration{Word: "off"},
		Transports: []string{"polling", "websocket"}, Parser: "auto",
		PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, UpgradeTimeout: 10 * time.Second,
		ConnectTimeout: 45 * time.Second, PollHold: OrDuration{Word: "auto"}, MaxPayload: 1e6,
		OutboxLimit: 1 << 20, OutboxMax: 16 << 20, SlowReader: "disconnect", HandlerStall: time.Minute,
		Recovery: OrDuration{Word: "off"}, RecoveryBytes: 64 << 20, Relay: "on", Events: true, LogLevel: "info", LogFormat: "text", LogConnections: true,
		ProxyHeader: "x-forwarded-for", ProxyProtocol: "off", LimitsExcept: []string{"private"},
		EventRate: Rate{PerSecond: 200, Burst: 2000}, ByteRate: ByteRate{PerSecond: 1 << 20, Burst: 4 << 20},
		MaxEventName: 256, MaxRooms: 100, MaxNamespaces: 100, MaxConnections: 100_000, OutboxTotal: 1 << 30,
		IPConnections: 2000, IPHandshakes: Rate{PerSecond: 50, Burst: 1000},
		UserConnections: 1000, UserHandshakes: Rate{PerSecond: 50, Burst: 1000},
		PlainWebSocket: true, API: true, APIRate: Rate{PerSecond: 500, Burst: 5000}, APIBody: 1 << 20,
		Adapter: "auto", RedisPrefix: "socket.io", RedisRequestsTimeout: 5 * time.Second,
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sockeye.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestADurationOrAWord(t *testing.T) {
	for text, want := range map[string]string{"auto": "auto", "off": "off", "90s": "1m30s", "2m": "2m", "3h": "3h", "250ms": "250ms"} {
		var d OrDuration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("%q is %q (%v), want %q", text, d, err, want)
		}
	}
	for _, text := range []string{"", "25", "-1s", "0s", "on", "fast"} {
		var d OrDuration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %q", text, d)
		}
	}
}

func TestSwitchWords(t *testing.T) {
	for text, want := range map[string]Switch{"auto": SwitchAuto, "on": SwitchOn, "true": SwitchOn, "YES": SwitchOn, "1": SwitchOn, "off": SwitchOff, "false": SwitchOff} {
		var s Switch
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %v (%v), want %v", text, s, err, want)
		}
	}
	var s Switch
	if err := s.UnmarshalText([]byte("maybe")); err == nil {
		t.Error("maybe was taken")
	}
}

func TestTheFileNamesWhatIsWrongAndWhere(t *testing.T) {
	name := writeFile(t, strings.TrimPrefix(`
listen: 127.0.0.1:0
ping_interval: 25s
ping-timeout: 25
max-payload: 1XB
parser: jsn
allow-eio3: perhaps
transports: [polling, {a: b}]
relay:
  namespaces:
    /:
      chat message: {too: all}
chat: {histroy: 3}
outbox-max: 1kB
outbox-max: 2kB
`, "\n"))
	_, err := ReadConfigFile(name)
	if err == nil {
		t.Fatal("the file was taken")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		`:2: unknown key "ping_interval": did you mean "ping-interval"?`,
		`:3: ping-timeout: "25" is no duration`,
		`:4: max-payload: "1XB" is no size`,
		`:5: parser: "jsn" is none of auto, json or msgpack: did you mean "json"?`,
		`:6: allow-eio3: "perhaps" is neither true nor false`,
		`:7: transports: a list of plain values is needed`,
		`:11: unknown key "too" in relay.namespaces./.chat message: did you mean "to"?`,
		`:12: unknown key "histroy" in chat: did you mean "history"?`,
		`:14: outbox-max is already set in line 13: remove one`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d errors, want %d:\n%v", len(got), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], name+want[i]) {
			t.Errorf("error %d is\n%s\nwant\n%s%s", i, got[i], name, want[i])
		}
	}
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"- a\n- b\n":                           ":1: the file is no mapping",
		"listen: [\n":                          "line ",
		"listen: {a: b}\n":                     ":1: listen: a plain value is needed",
		"relay: maybe\n":                       `:1: relay: "maybe" is none of on or off`,
		"chat: 3\n":                            ":1: chat: ",
		"history: {/: {lobby: {length: 5}}}\n": `:1: unknown key "/" in history: write one of max-bytes, namespaces`,
		"history: {rooms: 5}\n":                `:1: unknown key "rooms" in history: write one of max-bytes, namespaces`,
		"auth: {anonymous: {jion: [a]}}\n":     `:1: unknown key "jion" in auth.anonymous: did you mean "join"?`,
		"relay: {max-rooms: many}\n":           ":1: relay: ",
	} {
		if _, err := ReadConfigFile(writeFile(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
	if _, err := ReadConfigFile(filepath.Join(t.TempDir(), "absent.yaml")); err == nil {
		t.Error("a file that is not there was taken")
	}
	for _, text := range []string{"", "# nothing\n", "{}\n"} {
		if _, err := ReadConfigFile(writeFile(t, text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheFileGivesValuesAndStructures(t *testing.T) {
	name := writeFile(t, "relay:\n  max-rooms: 7\nchat: {history: 3}\ntransports: [websocket]\nanonymous: on\nhistory: {max-bytes: 1MiB, namespaces: {/: {a: {length: 4}}}}\n")
	f, err := ReadConfigFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if text, where, ok := f.Lookup("transports"); text != "websocket" || where != name+":4" || !ok {
		t.Errorf("transports: %q at %s, %v", text, where, ok)
	}
	if _, _, ok := f.Lookup("listen"); ok {
		t.Error("listen is there")
	}
	var c Config
	f.ApplyStructures(&c)
	if c.RelayConfig.MaxRooms != 7 || c.Chat.History != 3 {
		t.Errorf("relay %+v, chat %+v", c.RelayConfig, c.Chat)
	}
	if got := c.History.Namespaces["/"]["a"].Length; got != 4 || c.History.MaxBytes != 1<<20 {
		t.Errorf("history %+v", c.History)
	}
	var printed strings.Builder
	if err := c.WriteYAML(&printed, func(string) string { return "file" }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(printed.String(), "history:\n  max-bytes: 1MiB\n  namespaces:\n    /:\n      a:\n        length: 4\n") {
		t.Errorf("printed without the history: %s", printed.String())
	}
	if got := f.Locate(`relay.max-rooms: 7 is too many`); got != name+":2" {
		t.Errorf("Locate: %q", got)
	}
	if got := f.Locate(`nothing["here"]`); got != "" {
		t.Errorf("Locate of an absent key: %q", got)
	}
}

// TestRightsSurviveConfigPrint: nothing at all is not everything.
func TestRightsSurviveConfigPrint(t *testing.T) {
	for text, want := range map[string]*auth.Rights{
		"listen: 127.0.0.1:0\n":   nil,
		"auth:\n":                 nil,
		"auth: {anonymous: {}}\n": {},
		"auth: {anonymous: {join: [\"user:{id}\", \"*\"]}}": {Join: auth.Patterns{"user:{id}", "*"}},
	} {
		c := defaultConfig()
		for range 2 {
			f, err := ReadConfigFile(writeFile(t, text))
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			f.ApplyStructures(c)
			got := c.Auth.Anonymous
			if (got == nil) != (want == nil) || got != nil && (!slices.Equal(got.Join, want.Join) || !slices.Equal(got.Publish, want.Publish)) {
				t.Errorf("%s: read %+v, want %+v", text, got, want)
			}
			var printed strings.Builder
			if err := c.WriteYAML(&printed, func(string) string { return "file" }); err != nil {
				t.Fatal(err)
			}
			_, text, _ = strings.Cut(printed.String(), "# Who may do what")
			text = "#" + text
		}
	}
}

// keepsAll keeps the history of all rooms.
var keepsAll = history.Config{Namespaces: map[string]history.Rooms{"/": {"*": {}}}}

func TestValidateNamesTheFlag(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"--listen: ":                             func(c *Config) { c.Listen = "3000" },
		"--metrics-listen: ":                     func(c *Config) { c.MetricsListen = "x" },
		"--path: \"/\"":                          func(c *Config) { c.Path = "/" },
		"--path: \"/a*\"":                        func(c *Config) { c.Path = "/a*" },
		"--path: \"/chat\"":                      func(c *Config) { c.Path = "/chat" },
		"--path: \"/a//b\"":                      func(c *Config) { c.Path = "/a//b" },
		"--transports: unk":                      func(c *Config) { c.Transports = []string{"flash"} },
		"--transports: none":                     func(c *Config) { c.Transports = nil },
		"--origins: ":                            func(c *Config) { c.Origins = []string{"example.com"} },
		"--ping-interval: ":                      func(c *Config) { c.PingInterval = 0 },
		"--handler-stall: ":                      func(c *Config) { c.HandlerStall = -1 },
		"--max-payload: ":                        func(c *Config) { c.MaxPayload = 0 },
		"--outbox-max: ":                         func(c *Config) { c.OutboxMax = 1 },
		"--poll-hold: ":                          func(c *Config) { c.PollHold = OrDuration{Word: "off"} },
		"--recovery: ":                           func(c *Config) { c.Recovery = OrDuration{Word: "auto"} },
		"relay.max-rooms: ":                      func(c *Config) { c.RelayConfig.MaxRooms = -1 },
		"history.namespaces[\"/\"]: history has": func(c *Config) { c.History = keepsAll; c.Recovery = OrDuration{Word: "off"} },
		"history: --adapter redis is": func(c *Config) {
			c.History, c.Adapter, c.RedisURL = keepsAll, "redis", "redis://127.0.0.1"
		},
		"history.max-bytes: ": func(c *Config) { c.History.MaxBytes = -1 },
		"chat.history: ":      func(c *Config) { c.Chat.History = -1 },
		"--auth-expiring: ":   func(c *Config) { c.AuthExpiring = -1 },
		"auth.anonymous.join": func(c *Config) { c.Auth.Anonymous = &auth.Rights{Join: auth.Patterns{""}} },
	} {
		c := defaultConfig()
		if err := c.Validate(); err != nil {
			t.Fatalf("the defaults: %v", err)
		}
		change(c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one error that begins with %q", err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "ping-interval", "ping-timeout", "path"}
	for name, want := range map[string]string{
		"lissten": "listen", "ping_timeout": "ping-timeout", "PATH": "path", "pingInterval": "ping-interval",
		"paht": "path", "pa": "", "port": "", "rooms": "", "": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestEveryOptionIsDescribed(t *testing.T) {
	for _, o := range Options() {
		if o.Unit == "" || o.Help == "" || groupTitle(o.Group) == o.Group {
			t.Errorf("--%s has unit %q, help %q, group %q", o.Name, o.Unit, o.Help, o.Group)
		}
		if o.Default != "" {
			if err := o.check(o.Default); err != nil {
				t.Errorf("--%s: its default is no value: %v", o.Name, err)
			}
		}
	}
}
