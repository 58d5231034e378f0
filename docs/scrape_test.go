package docs_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var listening = regexp.MustCompile(`msg=listening addr=(\S+)`)

// TestOperationsKnowsEveryMetricOfTheProgram starts the program as the documents
// say, scrapes it, and stops it as they say.
func TestOperationsKnowsEveryMetricOfTheProgram(t *testing.T) {
	t.Parallel()
	series, families := exposed(scraped(t))
	page := readPage(t, "docs/operations.md")
	listed := make(map[string]bool)
	for _, r := range page.rows("Metric", "Labels", "Meaning") {
		name, labels := codeSpans(r.cells["Metric"])[0], codeSpans(r.cells["Labels"])
		listed[name] = true
		have, there := series[name]
		if bucket, is := series[name+"_bucket"]; is {
			have, there = slices.DeleteFunc(bucket, func(l string) bool { return l == "le" }), true
		}
		switch slices.Sort(have); {
		case later[name] != nil:
		case !there:
			t.Errorf("%s is not there before the first client: queries miss its first event", name)
		case !slices.Equal(have, slices.Sorted(slices.Values(labels))):
			t.Errorf("%s has the labels %q, and docs/operations.md says %q", name, have, labels)
		}
	}
	for _, name := range families {
		if strings.HasPrefix(name, "sockeye_") && !listed[name] {
			t.Errorf("docs/operations.md does not list %s", name)
		}
	}
	if len(listed) < 40 {
		t.Errorf("only %d metrics were found in the table", len(listed))
	}
}

// scraped starts the program with a webhook, returns what it answers to a scrape, and stops it.
func scraped(t *testing.T) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "sockeye.yaml") // what has series only where it is configured
	text := "webhooks:\n  /app:\n    url: http://127.0.0.1:1/\n    secret: a secret of thirty-two bytes, or more\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	url, stop := serving(t, "--config", config)
	text = get(t, url+"/metrics")
	for _, path := range []string{"/healthz", "/readyz"} {
		get(t, url+path)
	}
	stop()
	return text
}

// serving starts the program on a free port, in a folder of its own, and returns its address
// and what stops it. It is stopped with the test at the latest.
func serving(t *testing.T, args ...string) (url string, stop func()) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, append([]string{"--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = []string{"LANG=C"} // it is stopped after the test's context has ended
	cmd.Dir = t.TempDir()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(stderr)
	read := make(chan error, 1)
	stop = sync.OnceFunc(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := <-read; err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after SIGINT: %v", err)
		}
	})
	url = "http://" + awaitLine(t, log, listening)
	go func() { // all along, as a full pipe would hold the program up
		_, err := io.Copy(io.Discard, log)
		read <- err
	}()
	t.Cleanup(stop)
	return url, stop
}

// awaitLine returns the first group of the first line that fits.
func awaitLine(t *testing.T, r *bufio.Reader, fits *regexp.Regexp) string {
	t.Helper()
	var said strings.Builder
	for {
		line, err := r.ReadString('\n')
		if m := fits.FindStringSubmatch(line); m != nil {
			return m[1]
		}
		said.WriteString(line)
		if err != nil {
			t.Fatalf("waiting for %v: %v\n%s", fits, err, &said)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v\n%s", url, answer.Status, err, body)
	}
	return string(body)
}
