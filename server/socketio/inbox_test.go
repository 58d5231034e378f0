package socketio_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// fullInbox hears of inboxes without room.
type fullInbox struct {
	socketio.NopObserver
	full chan string
}

func (o fullInbox) InboxFull(namespace string) {
	select {
	case o.full <- namespace:
	default:
	}
}

// The inbox used to count the values alone, so that events of a megabyte of white
// space counted next to nothing, and a thousand of them were queued.
func TestInboxIsBoundedByWhatItHolds(t *testing.T) {
	for name, message := range map[string]string{
		"white space":     `2["e",` + strings.Repeat(" ", 600_000) + `1]`,
		"small arguments": `2["e"` + strings.Repeat(",1", 100_000) + `]`,
		"text":            `2["e","` + strings.Repeat("x", 600_000) + `"]`,
	} {
		o := fullInbox{full: make(chan string, 1)}
		srv := serve(t, &socketio.Options{Observer: o, InboxBytes: 1 << 20})
		entered, release := make(chan struct{}, 10), make(chan struct{})
		srv.On("e", func(context.Context, *socketio.Event) {
			entered <- struct{}{}
			<-release
		})
		c, _ := join(t, srv)
		c.Send(message)
		sockettest.Receive(t, "the first event: "+name, entered)
		c.Send(message)
		c.Send(message)
		sockettest.Receive(t, "a full inbox: "+name, o.full)
		close(release)
		c.Fence()
	}
}
