package engineio

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnAnswerOfTheLaneThatNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	f := road(t, Options{BodyTimeout: 200 * time.Millisecond, OutboxMax: 64 << 20}, nil)
	c := f.enter("")
	c.send(strings.Repeat("x", 20_000_000))
	c.ask(http.MethodGet, "")
	f.left(0)
	if total, _ := io.Copy(io.Discard, c.Conn); total >= 20_000_000 {
		t.Errorf("all %d bytes came", total)
	}
}

func TestALongAnswerOfTheLane(t *testing.T) {
	t.Parallel()
	f := road(t, Options{BodyTimeout: 500 * time.Millisecond}, nil)
	c := f.enter("")
	for _, n := range []int{answerPiece - 1, answerPiece, 900_000, 1} {
		if n == 1 {
			<-time.After(600 * time.Millisecond) // what bounded the answer before does not bound this one
		}
		text := strings.Repeat("y", n)
		c.send(text)
		c.ask(http.MethodGet, "")
		c.byLane("4" + text)
	}
}

// A short answer that is not taken at once is written as it is taken, or given up.
func TestAShortAnswerOfTheLaneThatIsTakenSlowly(t *testing.T) {
	t.Parallel()
	f := road(t, Options{BodyTimeout: 4 * time.Second}, func(s *http.Server) {
		s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			if tcp, ok := plainTCP(c); !ok || tcp.SetWriteBuffer(1) != nil {
				t.Error("no small buffer")
			}
			return ctx
		}
	})
	c := f.enter("")
	text := strings.Repeat("z", answerPiece-10)
	waits := func() bool { return c.waitingPoll() != nil }
	// unread asks until an answer is not taken, and the next GET therefore not read.
	unread := func() (answers int) {
		for ; ; answers++ {
			f.drain()
			c.ask(http.MethodGet, "")
			for over := time.After(time.Second); !waits(); {
				select {
				case <-over:
					return answers
				case <-time.After(time.Millisecond):
				}
			}
			c.send(text)
			eventually(t, "the GET is answered", func() bool { return !waits() })
		}
	}
	for range unread() {
		c.response().want(t, http.StatusOK, "4"+text)
	}
	eventually(t, "the next GET waits", waits)
	c.send("at last")
	c.response().want(t, http.StatusOK, "4at last")
	unread()
	f.left(0)
}
