package engineio

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// early is how much the HTTP server has read of the frames.
const early = 20

// inCuts is a connection of which bytes can be waited for, and of which every read finds
// nothing at first and then so many.
type inCuts struct {
	f    *frameReader
	t    *testing.T
	left []byte
	size int
}

func (c *inCuts) await() error {
	if c.f.giveBack(); c.f.busy != nil || len(c.f.buf) > max(c.f.w-c.f.r, early) {
		c.t.Errorf("while it waits a reader holds %d bytes for %d", len(c.f.buf), c.f.w-c.f.r)
	}
	n, err := c.Read(c.f.room())
	c.f.came(n)
	return err
}

func (c *inCuts) Read(b []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.left[:min(c.size, len(c.left))])
	c.left = c.left[n:]
	return n, nil
}

func TestFramesAreTheSameWithoutABufferWhileWaiting(t *testing.T) {
	t.Parallel()
	lengths := []int{0, 1, 125, 126, 513, 5, busyBuffer, busyBuffer + 1, 3 * busyBuffer, 7, busyBuffer - 20, 70_000}
	var stream []byte
	for i, n := range lengths {
		stream = append(stream, whole(ws.OpText, strings.Repeat(string(rune('a'+i)), n))...)
	}
	for _, size := range []int{1, 7, 500, busyBuffer, len(stream)} {
		r := &frameReader{}
		c := &inCuts{f: r, t: t, left: stream[early:], size: size}
		r.init(c, 1<<20, false, slices.Clone(stream[:early]))
		r.waiter = c
		for i, n := range lengths {
			_, data, err := r.next()
			if err != nil || string(data) != strings.Repeat(string(rune('a'+i)), n) {
				t.Fatalf("cuts of %d, message %d: %d bytes, %v", size, i, len(data), err)
			}
		}
		if op, _, err := r.next(); err != io.EOF { //nolint:errorlint // it is passed on as it is
			t.Errorf("at the end: %v, %v", op, err)
		}
	}
}

// A reader that is not to wait says so, but only between frames.
func TestAReaderThatQuitsTakesWhatHasCome(t *testing.T) {
	t.Parallel()
	r := &frameReader{}
	stream := whole(ws.OpText, "hello")
	c := &inCuts{f: r, t: t, left: stream[3:], size: 2}
	r.init(c, 1<<20, false, slices.Clone(stream[:3]))
	r.waiter, r.quits = c, true
	if op, data, err := r.next(); err != nil || op != wire.OpText || string(data) != "hello" {
		t.Fatalf("%v %q %v", op, data, err)
	}
	if _, _, err := r.next(); err != errQuiet { //nolint:errorlint // see above
		t.Errorf("between frames: %v", err)
	}
	if r.giveBack(); r.busy != nil || len(r.buf) != 0 {
		t.Errorf("it holds %d bytes", len(r.buf))
	}
}

// reading counts the goroutines of this process that wait for a connection, by how.
func reading() (watchers, readers int) {
	all := make([]byte, 1<<20)
	text := string(all[:runtime.Stack(all, true)])
	return strings.Count(text, ".(*wsConn).watch("), strings.Count(text, ".(*wsConn).read(")
}

// It is not parallel: other tests have readers too.
func TestWhoIsSilentHasNoReader(t *testing.T) {
	if idle {
		t.Skip("in idle mode nobody watches: see idle_test.go")
	}
	f := serve(t, nil, echo)
	s := f.ws(4)
	say := func(text string) {
		t.Helper()
		s.send("4" + text)
		s.want("4" + text)
	}
	only := func(watchers, readers int) func() bool {
		return func() bool {
			w, r := reading()
			return w == watchers && r == readers
		}
	}
	eventually(t, "only a watcher is left", only(1, 0))
	say("hello")
	eventually(t, "only a watcher is left after a message", only(1, 0))
	eventually(t, "its reader stays", func() bool {
		say("quick")
		return only(0, 1)()
	})
	for i := range 3 * chatty {
		say(fmt.Sprint(i))
	}
	eventually(t, "a reader that stays", only(0, 1))
	for long := time.Now().Add(2 * lull); time.Now().Before(long); {
		<-time.After(2 * lull)
	}
	say("slow")
	eventually(t, "only a watcher is left in the end", only(1, 0))
}
