package sse

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestWhatTheReaderHas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ header, query, want string }{
		{"", "", ""},
		{"h-1", "lastEventId=l-1&since=s-1", "h-1"},
		{"", "lastEventId=l-1&since=s-1", "l-1"},
		{"", "lastEventId=&since=s-1", "s-1"},
	} {
		q, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := sinceOf(http.Header{"Last-Event-Id": {c.header}}, q); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// FuzzRequest: what is asked for is within bounds, or answered with what is wrong.
func FuzzRequest(f *testing.F) {
	f.Add("room=a&room=b&since=x-1&limit=5", "")
	f.Add("namespace=%2Fchat&envelope=1&lastEventId=x-2", "x-3")
	f.Add("room=%ff&since=", "\x00")
	f.Fuzz(func(t *testing.T, query, last string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{"Last-Event-Id": {last}}}
		a, err := parse(r, 3)
		if a.namespace == "" || a.namespace[0] != '/' {
			t.Errorf("the namespace is %q", a.namespace)
		}
		if err != nil {
			var p *problem.Problem
			if !errors.As(err, &p) || p.Status != http.StatusBadRequest || p.Message == "" {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if len(a.rooms) > 3 || len(a.since) > socketio.MaxOffset || a.newest < 0 || a.newest > socketio.MaxHistoryLimit {
			t.Errorf("%+v", a)
		}
		sorted := slices.Sorted(slices.Values(a.rooms))
		if len(slices.Compact(sorted)) != len(a.rooms) {
			t.Errorf("a room is there twice: %q", a.rooms)
		}
	})
}
