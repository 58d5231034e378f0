package docs_test

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// varying are the parts of a stream that are others each time.
var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?m)^: \.+$`), ": ..."},
	{regexp.MustCompile(`(?m)^retry: \d+$`), "retry: N"},
	{regexp.MustCompile(`(?m)^(id: |data: .*"offset":")[\w-]+\.[\w.-]+`), "${1}ID"},
}

func settled(stream string) string {
	for _, v := range varying {
		stream = v.pattern.ReplaceAllString(stream, v.instead)
	}
	return strings.TrimSpace(stream)
}

// TestEventStreamsAreAsShown compares the two streams that docs/events.md shows with what comes
// from a server with the defaults, and from one that keeps the room's history. The page once
// showed ids that the first does not send.
func TestEventStreamsAreAsShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, config := filepath.Join(dir, "auth.json"), filepath.Join(dir, "sockeye.yaml")
	if err := os.WriteFile(config, []byte("recovery: 2m\nhistory: {namespaces: {/: {news: {}}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := sockeye(t, nil, "key", "create", "--name", "docs", "--scope", "admin", "--auth-file", keys)
	key := regexp.MustCompile(`sk_\S+`).FindString(said)
	if err != nil || key == "" {
		t.Fatalf("%v\n%s", err, said)
	}
	var shown []string
	for _, b := range readPage(t, "docs/events.md").blocks("console") {
		if _, stream, found := strings.Cut(b.text, "events?room=news'\n"); found {
			shown = append(shown, settled(stream))
		}
	}
	for i, args := range [][]string{{}, {"--config", config}} {
		url, _ := serving(t, append(args, "--auth-file", keys, "--anonymous")...)
		if got := settled(streamOf(t, url, key)); i >= len(shown) || got != shown[i] {
			t.Errorf("with %v the stream is\n%s\n\nand docs/events.md shows\n%q", args, got, shown)
		}
	}
}

// streamOf reads a stream from its beginning to the first event, which it sends itself when the
// reader is ready.
func streamOf(t *testing.T, url, key string) string {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(method, path, body string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil || answer.StatusCode >= http.StatusMultipleChoices {
			t.Fatalf("%s %s: %v, %v", method, path, answer, err)
		}
		return answer
	}
	stream := ask(http.MethodGet, "/events?room=news", "")
	defer stream.Body.Close()
	var text strings.Builder
	event := ""
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		name, named := strings.CutPrefix(lines.Text(), "event: ")
		switch {
		case named:
			event = name
		case lines.Text() == "" && event == "sockeye:ready":
			ask(http.MethodPost, "/api/v1/emit", `{"rooms":["news"],"event":"msg","args":["hello"]}`).Body.Close()
			event = ""
		case lines.Text() == "" && event == "msg":
			return text.String()
		}
	}
	t.Fatalf("the stream ended:\n%s", &text)
	return ""
}
