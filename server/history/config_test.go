package history

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/server/socketio"
)

func read(t *testing.T, text string) Config {
	t.Helper()
	var file struct{ History Config }
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	return file.History
}

const example = `
history:
  max-bytes: 256MiB
  namespaces:
    /:
      lobby: {length: 50}
      "news:*": {length: 500, age: 168h, bytes: 2MiB}
      "news:private:*": {off: true}
    /game-*:
      "*": {}
`

func TestWhichRoomsKeepHowMuch(t *testing.T) {
	c := read(t, example)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	limits := c.Limits()
	for _, tc := range []struct {
		namespace, room string
		want            socketio.HistoryLimits
		ok              bool
	}{
		{"/", "lobby", socketio.HistoryLimits{Length: 50}, true},
		{"/", "news:1", socketio.HistoryLimits{Length: 500, Age: 168 * time.Hour, Bytes: 2 << 20}, true},
		{"/", "news:private:1", socketio.HistoryLimits{}, false},
		{"/", "other", socketio.HistoryLimits{}, false},
		{"/game-7", "anything", socketio.HistoryLimits{}, true},
		{"/other", "lobby", socketio.HistoryLimits{}, false},
	} {
		for range 2 { // the second time it is remembered
			if got, ok := limits(tc.namespace, tc.room); got != tc.want || ok != tc.ok {
				t.Errorf("%s %s: %+v, %v", tc.namespace, tc.room, got, ok)
			}
		}
	}
	if (Config{}).Limits() != nil || (Config{}).On() || (Config{}).Validate() != nil {
		t.Error("the zero value keeps something")
	}
}

func TestTheConfigurationNamesWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`history: {max-bytes: 1MiB}`:                                         "names no room",
		`history: {namespaces: {chat: {a: {}}}}`:                             `history.namespaces["chat"]: a namespace begins with a slash`,
		`history: {namespaces: {/: {}}}`:                                     `history.namespaces["/"]: names no room`,
		`history: {namespaces: {/: {"": {}}}}`:                               "a pattern is empty",
		`history: {namespaces: {/: {a: {length: -1}}}}`:                      `history.namespaces["/"]["a"].length: -1 is below zero`,
		`history: {namespaces: {/: {a: {age: -1s}}}}`:                        `history.namespaces["/"]["a"].age: -1s is below zero`,
		`history: {namespaces: {/: {a: {bytes: 65MiB}}}}`:                    `history.namespaces["/"]["a"].bytes: 65MiB is not between 0 and history.max-bytes, which is 64MiB`,
		`history: {namespaces: {/: {"sockeye:user:*": {}}}}`:                 "belong to the server",
		`history: {namespaces: {/: {customer-support-eu1: {}}}}`:             "reads like the id of a socket",
		`history: {namespaces: {/: {a: {off: true, length: 1}}}}`:            "off keeps nothing",
		`history: {namespaces: {/: {` + strings.Repeat("a", 257) + `: {}}}}`: "longer than 256 bytes",
	} {
		if err := read(t, text).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestTheConfigurationIsWrittenAsItIsRead(t *testing.T) {
	c := read(t, example)
	text, err := yaml.Marshal(map[string]Config{"history": c})
	if err != nil {
		t.Fatal(err)
	}
	again, err := yaml.Marshal(map[string]Config{"history": read(t, string(text))})
	if err != nil || string(again) != string(text) || !strings.Contains(string(text), "256MiB") {
		t.Errorf("%s\n%s\n%v", text, again, err)
	}
}

func BenchmarkLimits(b *testing.B) {
	var file struct{ History Config }
	if err := yaml.Unmarshal([]byte(example), &file); err != nil {
		b.Fatal(err)
	}
	limits := file.History.Limits()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := limits("/", "room of no pattern"); ok {
			b.Fatal("kept")
		}
	}
}
