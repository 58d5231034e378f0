package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDemosDevicesSendUntilTheyAreStopped(t *testing.T) {
	s := start(t)
	ctx, stop := context.WithCancel(t.Context())
	var stdout bytes.Buffer
	told, status := newOutput(), make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"demo", "devices", "--url", s.url, "--interval", "100ms", "--count", "6"}, &stdout, told)
	}()
	told.await(t, `6 devices send to `+s.url)
	for {
		if _, metrics := get(t, s.url+"/metrics"); strings.Contains(metrics, "\nsockeye_telemetry_devices 6\n") || strings.Contains(metrics, "\nsockeye_telemetry_devices 7\n") {
			break // with the server itself
		}
	}
	stop()
	if got := <-status; got != 0 || !strings.HasPrefix(stdout.String(), "sent ") {
		t.Errorf("status %d, said %q and %q", got, &stdout, told)
	}
}

func TestTheDemoSaysWhatIsWrong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	l.Close()
	strict := start(t, "--auth-secret", strings.Repeat("s", 32))
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--url", nobody}, "nothing listens at"},
		{[]string{"--url", "nowhere"}, "is no URL"},
		{[]string{"--url", strict.url}, "sockeye key create --scope publish"},
		{[]string{"--url", strict.url, "--key-file", key}, "401"},
		{[]string{"--url", strict.url + "/chat"}, "does not look like a Sockeye"},
		{[]string{"--count", "0"}, "--count"},
		{[]string{"--interval", "1ms"}, "--interval"},
		{[]string{"--key-file", key + "s"}, "--key-file"},
	} {
		var stderr bytes.Buffer
		status := run(t.Context(), append([]string{"demo", "devices"}, c.args...), io.Discard, &stderr)
		if status != 1 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: status %d: %s", c.args, status, &stderr)
		}
	}
}
