package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDemosReadersWriteUntilTheyAreStopped(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t, "--guests")
	d.does(t, "site", "blog", "--set", "minTime=0")
	s := start(t, "--comments-db", d.file)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout bytes.Buffer
	told, status := newOutput(), make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"demo", "comments", "--url", s.url, "--site", "blog", "--page", "/post-1", "--interval", "100ms", "--readers", "3"}, &stdout, told)
	}()
	told.await(t, `3 readers are on /post-1 of the site "blog"`)
	db := d.open(t)
	waitUntil(t, "the readers have written and voted", func() bool {
		list, err := db.Recent(t.Context(), "blog", "/post-1", 100)
		if err != nil {
			t.Fatal(err)
		}
		votes := 0
		for _, c := range list {
			votes += c.Up + c.Down + len(c.Reactions)
		}
		return len(list) > 2 && votes > 0
	})
	stop()
	if got := <-status; got != 0 || !strings.Contains(stdout.String(), "votes and reactions") || strings.HasPrefix(stdout.String(), "0 ") {
		t.Errorf("status %d, said %q and %q", got, &stdout, told)
	}
}

func TestTheDemosReadersSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	nobody := nobodyAt(t)
	d, _ := newDesk(t)
	s := start(t, "--comments-db", d.file)
	without := start(t, "--no-comments", "--comments-db", filepath.Join(t.TempDir(), "none.db"))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--url", nobody}, "nothing listens at"},
		{[]string{"--url", "nowhere"}, "is no URL"},
		{[]string{"--url", s.url, "--site", "blog"}, "--set guests=on"},
		{[]string{"--url", s.url, "--site", "shop"}, "sockeye comments init --site shop"},
		{[]string{"--url", s.url + "/chat"}, "does not look like a Sockeye"},
		{[]string{"--url", without.url}, "comments are on where --comments-db is there"},
		{[]string{"--readers", "0"}, "--readers"},
		{[]string{"--interval", "1ms"}, "--interval"},
	} {
		var stderr bytes.Buffer
		status := run(t.Context(), append([]string{"demo", "comments"}, c.args...), io.Discard, &stderr)
		if status != 1 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: status %d: %s", c.args, status, &stderr)
		}
	}
}
