package engineio

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A session id is the server's to choose: who plants one in a victim's page or cookies
// shares no session with it.
func TestAClientCannotChooseItsSession(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{Cookie: &http.Cookie{Name: "io"}}, nil)
	const planted = "AAAAAAAAAAAAAAAAAAAAAAAA"
	f.get("EIO=4&transport=polling&sid="+planted).refused(t, http.StatusBadRequest, 1, "Session ID unknown")
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket&sid="+planted, wsHeaders, "")
	conn.response().refused(t, http.StatusBadRequest, 1, "Session ID unknown")

	mine := f.poll(4)
	for _, cookie := range []string{planted, mine.SID} { // of nobody, and of a session of the attacker's
		ctx, cancel := context.WithTimeout(t.Context(), within)
		a := f.do(ctx, http.MethodGet, "EIO=4&transport=polling", "", http.Header{"Cookie": {"io=" + cookie}})
		cancel()
		if sid := parseOpen(t, a.body).SID; sid == cookie {
			t.Errorf("the session has the id %s that the client brought", sid)
		}
	}
}

// What one proxy takes for the body of a POST and this server for a second request, or
// the other way round, would be somebody else's request. Either both agree or the
// connection ends.
func TestAPostCannotCarryASecondRequest(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	victim := f.poll(4)
	second := fmt.Sprintf("POST /?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n4smuggle", victim.query)
	chunks := "0\r\n\r\n" + second
	for name, c := range map[string]struct{ headers, body string }{
		"two lengths": {
			fmt.Sprintf("Content-Length: 2\r\nContent-Length: %d\r\n", 2+len(second)), "4x" + second,
		},
		"an unknown transfer coding": {
			"Content-Length: 2\r\nTransfer-Encoding: xchunked\r\n", "4x" + second,
		},
		"a coding behind chunked": {
			"Transfer-Encoding: chunked, identity\r\n", chunks,
		},
		"a space before the colon": {
			"Content-Length: 2\r\nTransfer-Encoding : chunked\r\n", chunks,
		},
		"a length that is no number": {
			"Content-Length: +2\r\n", "4x" + second,
		},
	} {
		attacker := f.poll(4)
		conn := f.dial()
		conn.request(http.MethodPost, attacker.query, c.headers, c.body)
		_ = conn.SetReadDeadline(time.Now().Add(within))
		rest, err := io.ReadAll(conn) // until the server ends the connection
		if err != nil {
			t.Errorf("%s: the connection goes on: %v, %q", name, err, rest)
		}
		if n := bytes.Count(rest, []byte("HTTP/1.1 ")); n > 1 {
			t.Errorf("%s: %d answers to one request: %q", name, n, rest)
		}
	}
	victim.post("4mine").want(t, http.StatusOK, "ok")
	if got := await(t, "the victim's own message", victim.side().in); got.data != "mine" {
		t.Errorf("the victim's session was told %q", got.data)
	}
}

// Nobody's client compresses what it posts, and a body that inflates a thousandfold
// could not be bounded by what was announced.
func TestACompressedBodyIsNotInflated(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.Copy(z, strings.NewReader(strings.Repeat("4", 4<<20))) // a buffer takes everything
	_ = z.Close()
	c := f.poll(4)
	conn := f.dial()
	conn.request(http.MethodPost, c.query, fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", bomb.Len()), bomb.String())
	conn.response().refused(t, http.StatusBadRequest, 3, "Request body is not UTF-8")
	c.side().ended(t, ReasonTransportError, DetailBadUTF8)
	if len(c.side().in) != 0 {
		t.Error("something of it was delivered")
	}
}
