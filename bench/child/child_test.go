package child

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestListeningLine(t *testing.T) {
	for line, want := range map[string]string{
		"listening addr=127.0.0.1:33": "127.0.0.1:33",
		`time=2026-01-01T00:00:00Z level=INFO msg=listening addr=127.0.0.1:33 a=b`: "127.0.0.1:33",
		`level=INFO msg="listening" addr="[::1]:33"`:                               "[::1]:33",
	} {
		m := listening.FindStringSubmatch(line)
		if m == nil || m[1] != want {
			t.Errorf("%q: %q, want %q", line, m, want)
		}
	}
}

func TestInterruptStopsTheChild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Start(ctx, "sh", "-c", "echo listening addr=127.0.0.1:1 >&2; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-c.ended:
	case <-time.After(5 * time.Second):
		t.Error("the child did not end")
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}
