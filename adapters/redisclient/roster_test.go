package redisclient

import (
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestTheRosterNamesTheOthersWhateverThePrefix(t *testing.T) {
	c := open(t, redistest.Single(t).URL())
	prefix := redistest.Prefix(t) + `[a*?\]#/#`
	s := Subscribe(c)
	t.Cleanup(s.Close)
	up := make(chan struct{}, 1)
	sub := &Topic{
		Channels: []string{prefix, prefix + "me#", prefix + "one#", prefix + "two#", prefix + "not#one#", prefix + "neither", "x" + prefix + "y#"},
		Receive:  func(string, []byte) {}, Up: func(bool) { up <- struct{}{} }, Lost: func(error) {},
	}
	if err := s.Add(sub); err != nil {
		t.Fatal(err)
	}
	sockettest.Receive(t, "the subscription", up)
	r := NewRoster(NewCounter(c), prefix, "me")
	if got := r.Missing(nil); got != nil {
		t.Errorf("%q before anybody was asked", got)
	}
	got, err := r.Nodes(t.Context())
	if err != nil || !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got := r.Missing(map[string]bool{"two": true}); !slices.Equal(got, []string{"one"}) {
		t.Errorf("missing %q", got)
	}
}
