package socketio_test

import (
	"context"
	"fmt"
	"regexp"
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

// A client in many namespaces used to have the bounds of one as many times.
func TestInboxesOfAConnectionAreBoundedTogether(t *testing.T) {
	const count = 20
	o := fullInbox{full: make(chan string, 1)}
	srv := serve(t, &socketio.Options{Observer: o, InboxBytes: 100_000})
	entered, release := make(chan string, count), make(chan struct{})
	srv.OfPattern(regexp.MustCompile(`^/n\d+$`)).On("e", func(_ context.Context, e *socketio.Event) {
		entered <- e.Socket().Namespace().Name()
		<-release
	})
	c, _ := join(t, srv)
	for i := range count {
		c.Connect(fmt.Sprintf("/n%d", i), "")
	}
	text := strings.Repeat("x", 90_000)
	for i := range count {
		c.Send(fmt.Sprintf(`2/n%d,["e","%s"]`, i, text))
	}
	for i := range 4 {
		sockettest.Receive(t, fmt.Sprintf("event %d", i), entered)
	}
	sockettest.Receive(t, "the pause", o.full)
	if n := len(entered); n != 0 {
		t.Errorf("%d events more than 400 kB were taken", n)
	}
	close(release)
	for i := 4; i < count; i++ {
		sockettest.Receive(t, fmt.Sprintf("event %d", i), entered)
	}
	c.Fence()
}

// What clients say in CONNECT is kept as long as the socket; a hundred of them may
// not each keep a megabyte.
func TestAuthDataOfAConnectionIsBounded(t *testing.T) {
	srv := serve(t, nil)
	srv.OfPattern(regexp.MustCompile(`^/n\d+$`))
	c, _ := join(t, srv)
	auth := `{"token":"` + strings.Repeat("x", 400_000) + `"}`
	for range 3 { // what is left is free again, when the last handler has returned
		for _, name := range []string{"/n0", "/n1"} {
			sockettest.Eventually(t, "room for auth data", func() bool {
				c.Send("0" + name + "," + auth)
				return strings.HasPrefix(c.Next().Text, "0")
			})
		}
		c.Send("0/n2," + auth)
		c.Expect(`4/n2,{"message":"too much auth data"}`)
		c.Connect("/n3", `{"token":"short"}`)
		c.Send("1/n0,")
		c.Send("1/n1,")
		c.Send("1/n3,")
	}
	c.Fence()
	one := strings.Repeat("x", 950_000)
	sockettest.Dial(t, srv.URL).Connect("/", `{"token":"`+one+`"}`)
}
