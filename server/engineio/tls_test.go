package engineio

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Over TLS browsers poll by HTTP/2, on one connection.
func TestPollingOverHTTP2(t *testing.T) {
	t.Parallel()
	f := start(t, &Options{MaxPayload: 1000}, &opener{hear: echo}, true)
	c := f.poll(4)
	if r := c.side().Request(); !r.TLS {
		t.Error("the request does not say TLS")
	}
	w := c.hold("")
	c.post("4hello").want(t, http.StatusOK, "ok")
	await(t, "the poll", w.answer).want(t, http.StatusOK, "4hello")
	c.post("bAQIDBA==").want(t, http.StatusOK, "ok")
	c.get().want(t, http.StatusOK, "bAQIDBA==")
	c.postT("a", "4once").want(t, http.StatusOK, "ok")
	c.postT("a", "4once").want(t, http.StatusOK, "ok")
	c.getT("a").want(t, http.StatusOK, "4once")
	c.getT("a").want(t, http.StatusOK, "4once")
	w = c.hold("")
	w.cut()
	c.side().ended(t, ReasonTransportError, DetailPollAborted)

	c = f.poll(4)
	c.post("4"+strings.Repeat("x", 1000)).refused(t, http.StatusRequestEntityTooLarge, 3, "Payload too large")
	c.side().ended(t, ReasonTransportError, DetailPayloadTooLarge)
}

func TestWebSocketOverTLS(t *testing.T) {
	t.Parallel()
	f := start(t, nil, &opener{hear: echo}, true)
	s := f.wsAny(true)
	if r := s.side(f).Request(); !r.TLS {
		t.Error("the request does not say TLS")
	}
	for _, n := range []int{1, 100, 20_000, 500_000} {
		text := "4" + strings.Repeat("x", n)
		s.send(text)
		s.want(text)
	}
	s.write(closeFrame(1000, ""))
	if code := s.closes(); code != closeNormal {
		t.Errorf("close code %d", code)
	}
	s.side(f).ended(t, ReasonTransportClose, DetailCloseFrame)
}

// A client that opens a connection for each request is as good as any.
func TestPollingWithoutKeepAlive(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	f.transport().DisableKeepAlives = true
	c := f.poll(4)
	for i := range 5 {
		w := c.hold(fmt.Sprint("&t=", i))
		c.post("4x").want(t, http.StatusOK, "ok")
		await(t, "the poll", w.answer).want(t, http.StatusOK, "4x")
	}
	select {
	case e := <-c.side().closed:
		t.Fatal(e)
	case <-time.After(retryGrace + 100*time.Millisecond):
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if a := f.do(ctx, http.MethodPost, c.query, "1", nil); a.body != "ok" {
		t.Errorf("got %q", a.body)
	}
}
