package presence_test

import (
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/presence"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// TestAViewShowsWhatMayBeRead: of rooms that a client may not read it sees nothing.
func TestAViewShowsWhatMayBeRead(t *testing.T) {
	srv := sockettest.Serve(t, nil)
	people := presence.New(srv.Of("/"), presence.Options{})
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/", "")
	sockettest.Eventually(t, "the socket is there", func() bool { return srv.Of("/").Len() == 1 })
	for _, room := range []string{"news", "vip"} {
		if err := people.Track(srv.Of("/").Sockets()[0], room, "ann", nil); err != nil {
			t.Fatal(err)
		}
	}
	reader := &auth.Principal{ID: "bea", Join: auth.Patterns{"news"}}
	view := people.As(reader, auth.Rooms{})
	if got, err := view.Room("news"); err != nil || got.UserCount != 1 {
		t.Errorf("news: %+v, %v", got, err)
	}
	if got, err := view.Room("vip"); err == nil || got.UserCount != 0 || len(got.Users) != 0 {
		t.Errorf("vip: %+v, %v", got, err)
	}
	if got := view.Rooms(); !slices.Equal(got, []string{"news"}) {
		t.Errorf("rooms: %v", got)
	}
	if got := people.As(reader, nil).Rooms(); len(got) != 2 {
		t.Errorf("rooms where nothing is hidden: %v", got)
	}
}
