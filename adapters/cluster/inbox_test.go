package cluster

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestInboxRunsInOrderAndIsBounded(t *testing.T) {
	var b inbox
	b.init(0)
	release := make(chan struct{})
	next := 0
	b.put(func() { <-release })
	for i := range maxInbox {
		b.put(func() {
			if next != i {
				t.Errorf("ran %d, want %d", i, next)
			}
			next++
		})
	}
	full := make(chan struct{})
	go func() {
		defer close(full)
		b.put(func() { next++ })
	}()
	select {
	case <-full:
		t.Error("one more than the bound was taken")
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	sockettest.Receive(t, "room", full)
	sockettest.Eventually(t, "all was run", b.idle)
	b.end()
	b.wait()
	if next != maxInbox+1 {
		t.Errorf("%d were run", next)
	}
}

func TestInboxEndLetsGoOfWhoWaits(t *testing.T) {
	var b inbox
	b.init(0)
	release := make(chan struct{})
	b.put(func() { <-release })
	var ran atomic.Int32
	for range maxInbox {
		b.put(func() { ran.Add(1) })
	}
	waits := make(chan struct{})
	go func() {
		defer close(waits)
		b.put(func() { ran.Add(1) })
	}()
	b.end()
	sockettest.Receive(t, "the end of the wait", waits)
	close(release)
	b.wait()
	if n := ran.Load(); n != 0 {
		t.Errorf("%d were run after the end", n)
	}
	b.put(func() { t.Error("run after the end") })
	b.wait()
}

func TestAnswersAreBoundedAndFailuresLoggedOnce(t *testing.T) {
	var log strings.Builder
	var o answers
	o.init(slog.New(slog.NewTextHandler(&log, nil)))
	release := make(chan struct{})
	var sent atomic.Int32
	for range maxAnswering + maxAnswers + 10 {
		o.put(func() error {
			<-release
			sent.Add(1)
			return errors.New("away")
		})
	}
	close(release)
	sockettest.Eventually(t, "all was sent", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.running == 0
	})
	o.end()
	o.wait()
	if n := int(sent.Load()); n < maxAnswers || n > maxAnswering+maxAnswers {
		t.Errorf("%d were sent", n)
	}
	if n := strings.Count(log.String(), "was not sent"); n != 1 {
		t.Errorf("%d lines: %s", n, log.String())
	}
}
