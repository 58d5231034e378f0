package engineio

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTwoPollsAtOnceEndTheSession(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for name, ts := range map[string][2]string{
		"no t at all": {"", ""}, "only the first": {"&t=a", ""}, "only the second": {"", "&t=a"},
		"different": {"&t=a", "&t=b"}, "empty": {"&t=", "&t="},
	} {
		c := f.poll(4)
		first := c.hold(ts[0])
		t.Log(name)
		f.get(c.query+ts[1]).refused(t, http.StatusBadRequest, 3, "Bad request")
		await(t, "the first poll", first.answer).want(t, http.StatusOK, "1")
		c.side().ended(t, ReasonTransportError, DetailPollOverlap)
		c.gone(t)
	}
}

func TestTwoPostsAtOnceEndTheSession(t *testing.T) {
	t.Parallel()
	for name, ts := range map[string][2]string{"no t": {"", ""}, "different": {"&t=a", "&t=b"}} {
		f, release := serveBlocked(t, nil)
		c := f.poll(4)
		first := c.start(http.MethodPost, ts[0], "4first")
		await(t, "Receive", c.side().in)
		t.Log(name)
		f.post(c.query+ts[1], "4second").refused(t, http.StatusBadRequest, 3, "Bad request")
		release()
		await(t, "the first POST", first.answer).refused(t, http.StatusBadRequest, 3, "Bad request: post overlap")
		c.side().ended(t, ReasonTransportError, DetailPostOverlap)
		if len(c.side().in) != 0 {
			t.Errorf("%s: the second was delivered", name)
		}
	}
}

// serveBlocked starts a server whose Receive, having reported, blocks until
// release is called or the session ends.
func serveBlocked(t *testing.T, o *Options) (f *fixture, release func()) {
	t.Helper()
	gate := make(chan struct{})
	var once sync.Once
	release = func() { once.Do(func() { close(gate) }) }
	f = serve(t, o, func(p *peer, data []byte, binary bool) error {
		p.in <- received{string(data), binary}
		select {
		case <-gate:
		case <-p.Done():
		}
		return nil
	})
	t.Cleanup(release)
	return f, release
}

func TestThePostOfAProxysRetryIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	for _, ts := range []string{"a", "b", "c"} {
		c.postT(ts, "4"+ts).want(t, http.StatusOK, "ok")
		c.postT(ts, "4"+ts).want(t, http.StatusOK, "ok")
		c.postT(ts, "4"+ts).want(t, http.StatusOK, "ok")
	}
	c.post("4x").want(t, http.StatusOK, "ok")
	c.post("4x").want(t, http.StatusOK, "ok") // without t it is another one
	for _, want := range []string{"a", "b", "c", "x", "x"} {
		if got := await(t, want, c.side().in); got.data != want {
			t.Errorf("got %q, want %q", got.data, want)
		}
	}
	if len(c.side().in) != 0 {
		t.Error("a retry was delivered")
	}
}

func TestAPostRepeatedWhileTheFirstIsDelivered(t *testing.T) {
	t.Parallel()
	f, release := serveBlocked(t, nil)
	c := f.poll(4)
	first := c.start(http.MethodPost, "&t=a", "4first")
	await(t, "Receive", c.side().in)
	second, third := c.start(http.MethodPost, "&t=a", "4first"), c.start(http.MethodPost, "&t=a", "4first")
	third.cut() // a retry may be cut, too
	await(t, "the cut retry", third.answer)
	release()
	await(t, "the first", first.answer).want(t, http.StatusOK, "ok")
	await(t, "the retry", second.answer).want(t, http.StatusOK, "ok")
	if len(c.side().in) != 0 {
		t.Error("delivered twice")
	}
	c.postT("b", "4next").want(t, http.StatusOK, "ok")
	if got := await(t, "next", c.side().in); got.data != "next" {
		t.Errorf("got %q", got.data)
	}
}

func TestAPostCutInItsBodyMayComeAgain(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	c := f.poll(4)
	w := c.hold("&t=w")
	conn := f.dial()
	conn.request(http.MethodPost, c.query+"&t=a", "Content-Length: 1000\r\n", "4half")
	eventually(t, "the POST is being read", func() bool { return c.posting() != nil })
	_ = conn.Close()
	eventually(t, "the cut is seen", func() bool { return c.posting() == nil })
	c.postT("a", "4whole").want(t, http.StatusOK, "ok")
	if got := await(t, "the message", c.side().in); got.data != "whole" {
		t.Errorf("got %q", got.data)
	}
	// And the session lives on past the grace.
	select {
	case c := <-c.side().closed:
		t.Fatalf("ended: %v", c)
	case <-time.After(retryGrace + 200*time.Millisecond):
	}
	if err := c.side().Send(says("x"), 0); err != nil {
		t.Fatal(err)
	}
	await(t, "the poll", w.answer).want(t, http.StatusOK, "4x")
}

func TestThePollOfAProxysRetryReplacesTheWaitingOne(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	first := c.hold("&t=a")
	second := c.hold("&t=a")
	await(t, "the replaced poll", first.answer).want(t, http.StatusOK, "6")
	if err := c.side().Send(says("x"), 0); err != nil {
		t.Fatal(err)
	}
	await(t, "the retry", second.answer).want(t, http.StatusOK, "4x")
}

func TestTheSamePollGetsTheSameBytesUntilAnother(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	send := func(s string) {
		if err := c.side().Send(says(s), 0); err != nil {
			t.Fatal(err)
		}
	}
	send("one")
	c.getT("a").want(t, http.StatusOK, "4one")
	send("two")
	c.getT("a").want(t, http.StatusOK, "4one")
	c.getT("a").want(t, http.StatusOK, "4one")
	c.getT("b").want(t, http.StatusOK, "4two")
	c.getT("b").want(t, http.StatusOK, "4two")
	send("three")
	c.getT("c").want(t, http.StatusOK, "4three")
	send("four")
	c.get().want(t, http.StatusOK, "4four")
	send("five")
	c.get().want(t, http.StatusOK, "4five") // without t nothing is repeated
}

func TestACutPollIsNoticedWithinASecond(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for _, extra := range []string{"", "&t=a"} {
		c := f.poll(4)
		w := c.hold(extra)
		since := time.Now()
		w.cut()
		e := c.side().ended(t, ReasonTransportError, DetailPollAborted)
		if e.Err == nil {
			t.Error("no cause")
		}
		if took := time.Since(since); took > time.Second {
			t.Errorf("took %v", took)
		}
	}
}

// What such a client posts in the meantime does not bring its poll back.
func TestACutPollIsNoticedThoughAPostCame(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	w := c.hold("&t=a")
	w.cut()
	await(t, "the cut", w.answer)
	c.start(http.MethodPost, "&t=b", "4x")
	c.side().ended(t, ReasonTransportError, DetailPollAborted)
}

func TestACutPollMayComeAgain(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	for i := range 3 {
		first := c.hold(fmt.Sprint("&t=T", i))
		first.cut()
		await(t, "the cut", first.answer)
		second := c.start(http.MethodGet, fmt.Sprint("&t=T", i), "")
		if err := c.side().Send(says("x"), 0); err != nil {
			t.Fatal(err)
		}
		await(t, "the retry", second.answer).want(t, http.StatusOK, "4x")
	}
	select {
	case c := <-c.side().closed:
		t.Fatalf("ended: %v", c)
	case <-time.After(retryGrace + 200*time.Millisecond):
	}
}

// A proxy that cuts a poll at the very moment at which it is answered, and sends
// it again, loses nothing. The retry used to get nothing when it came while the
// first answer was being made.
func TestRepeatedPollsDuringTheAnswerLoseNothing(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	for i := range 300 {
		extra := fmt.Sprint("&t=T", i)
		first := c.hold(extra)
		go func() { _ = c.side().Send(says(fmt.Sprint(i)), 0) }()
		second := c.start(http.MethodGet, extra, "")
		a := await(t, "the first", first.answer)
		b := await(t, "the retry", second.answer)
		if b.body != fmt.Sprint("4", i) {
			t.Fatalf("round %d: the retry got %q, the first %q", i, b.body, a.body)
		}
		if a.body != "6" && a.body != b.body {
			t.Fatalf("round %d: the first got %q, the retry %q", i, a.body, b.body)
		}
	}
}

// The same, with the retry arriving for certain between taking and answering: a
// replay is being pulled.
func TestARepeatedPollWaitsForTheAnswerUnderWay(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	first := c.hold("&t=a")
	pulling, goOn := make(chan struct{}), make(chan struct{})
	pages := 0
	if err := c.side().SendPaged(func() *Message {
		if pages++; pages > 1 {
			return nil
		}
		close(pulling)
		<-goOn
		return says("page")
	}); err != nil {
		t.Fatal(err)
	}
	await(t, "the replay", pulling)
	if err := c.side().Send(says("behind"), 0); err != nil {
		t.Fatal(err)
	}
	second := c.start(http.MethodGet, "&t=a", "")
	eventually(t, "the retry waits", func() bool { return c.waitingPoll() != nil })
	close(goOn)
	await(t, "the first", first.answer).want(t, http.StatusOK, "4page")
	await(t, "the retry", second.answer).want(t, http.StatusOK, "4page")
	c.getT("b").want(t, http.StatusOK, "4behind")
}

func TestAnotherPollDuringTheAnswerIsAnOverlap(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	first := c.hold("&t=a")
	pulling, goOn := make(chan struct{}), make(chan struct{})
	if err := c.side().SendPaged(func() *Message { close(pulling); <-goOn; return nil }); err != nil {
		t.Fatal(err)
	}
	await(t, "the replay", pulling)
	c.getT("c").refused(t, http.StatusBadRequest, 3, "Bad request")
	close(goOn)
	await(t, "the first", first.answer).want(t, http.StatusOK, "6")
	c.side().ended(t, ReasonTransportError, DetailPollOverlap)
}

// The way of a poll may be about to close: its client is let go, and asks again.
func TestAReleasedPollIsAnsweredAndTheSessionGoesOn(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	c := f.poll(4)
	held := c.hold("&t=1")
	f.srv.ReleasePoll("none")
	f.srv.ReleasePoll(c.SID)
	await(t, "the poll", held.answer).want(t, http.StatusOK, "6")
	f.srv.ReleasePoll(c.SID) // nothing waits
	c.postT("2", "4x").want(t, http.StatusOK, "ok")
	c.getT("3").want(t, http.StatusOK, "4x")
}

// Not every client has a t of its own for each request.
func TestAClockTellsNoRequestFromTheNext(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := serve(t, nil, nil).poll(4)
	for name, clock := range map[string]string{
		"seconds": fmt.Sprint(now.Unix()), "milliseconds": fmt.Sprint(now.UnixMilli()), "a fraction": fmt.Sprintf("%d.25", now.Unix()),
		"milliseconds in base 36": strconv.FormatInt(now.UnixMilli(), 36), "a clock that is late": strconv.FormatInt(now.Add(-time.Hour).UnixMilli(), 36),
	} {
		for _, said := range []string{name + " one", name + " two"} {
			c.postT(clock, "4"+said).want(t, http.StatusOK, "ok")
			if got := await(t, said, c.side().in); got.data != said {
				t.Errorf("got %q, want %q", got.data, said)
			}
			if err := c.side().Send(says(said), 0); err != nil {
				t.Fatal(err)
			}
			c.getT(clock).want(t, http.StatusOK, "4"+said)
		}
	}
}

// Those of the official client do, on most days.
func TestWhatTellsARequestFromTheNext(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"PXq7z1a", "PXq7z1a.3", "k3x9q0ab", "zzzzzzzz", "a", "T1"} {
		if requestIDOf(id) == 0 || requestIDOf(id) != requestIDOf(strings.Clone(id)) || requestIDOf(id) == requestIDOf(id+"x") {
			t.Errorf("%s is not known again", id)
		}
	}
	for _, none := range []string{"", "0", "1.5", strconv.FormatInt(time.Now().UnixMilli(), 36)} {
		if requestIDOf(none) != 0 {
			t.Errorf("%q is taken for an id", none)
		}
	}
}

// A copy that a proxy sent may overtake the first, which then comes when the client has gone on.
func TestACopyThatComesLateTakesNothing(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	for _, id := range []string{"a", "b"} {
		if err := c.side().Send(says(id), 0); err != nil {
			t.Fatal(err)
		}
		c.getT(id).want(t, http.StatusOK, "4"+id)
		c.postT(id, "4"+id).want(t, http.StatusOK, "ok")
		await(t, id, c.side().in)
	}
	if err := c.side().Send(says("c"), 0); err != nil {
		t.Fatal(err)
	}
	c.getT("a").refused(t, http.StatusBadRequest, 3, "Bad request")
	c.postT("a", "4a").want(t, http.StatusOK, "ok")
	c.getT("c").want(t, http.StatusOK, "4c")
	waits := c.hold("&t=d")
	c.getT("c").refused(t, http.StatusBadRequest, 3, "Bad request")
	if err := c.side().Send(says("d"), 0); err != nil {
		t.Fatal(err)
	}
	await(t, "the GET that waited", waits.answer).want(t, http.StatusOK, "4d")
	if len(c.side().in) != 0 {
		t.Error("a late POST was delivered again")
	}
}
