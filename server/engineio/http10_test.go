package engineio

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// request10 makes one request as a proxy does that speaks HTTP/1.0. Its answer must
// end with the connection, and must not need HTTP/1.1 to be read.
func (f *fixture) request10(method, query, headers, body string) answer {
	f.t.Helper()
	c := f.dial()
	defer c.Close()
	if _, err := io.WriteString(c, method+" /engine.io/?"+query+" HTTP/1.0\r\n"+headers+"\r\n"+body); err != nil {
		f.t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(within))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(resp.TransferEncoding) != 0 || resp.Header.Get("Content-Length") == "" {
		f.t.Errorf("%s ?%s: transfer encoding %q, headers %v", method, query, resp.TransferEncoding, resp.Header)
	}
	if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
		f.t.Errorf("%s ?%s: the connection did not end: %v", method, query, err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
}

func TestPollingWorksInHTTP10(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{HTTPCompression: &Compression{}}, echo)
	a := f.request10(http.MethodGet, "EIO=4&transport=polling", "", "") // without Host
	q := "EIO=4&transport=polling&sid=" + parseOpen(t, a.body).SID
	f.request10(http.MethodPost, q+"&t=a", "Content-Length: 2\r\n", "4x").want(t, http.StatusOK, "ok")
	f.request10(http.MethodGet, q+"&t=b", "", "").want(t, http.StatusOK, "4x")
	long := strings.Repeat("long ", 50_000)
	if err := f.peer(parseOpen(t, a.body).SID).Send(says(long), 0); err != nil {
		t.Fatal(err)
	}
	f.request10(http.MethodGet, q+"&t=c", "", "").want(t, http.StatusOK, "4"+long)
	f.request10(http.MethodGet, "EIO=4&transport=polling&sid=none", "", "").refused(t, http.StatusBadRequest, 1, "Session ID unknown")
}

// A proxy that passes on the headers of an upgrade in HTTP/1.0 is told so, and the
// session goes on by polling.
func TestAnUpgradeInHTTP10IsRefusedAndHarmless(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	c := f.poll(4)
	for _, q := range []string{"EIO=4&transport=websocket", "EIO=4&transport=websocket&sid=" + c.SID} {
		f.request10(http.MethodGet, q, "Host: test\r\n"+wsHeaders, "").refused(t, http.StatusBadRequest, 3,
			"Bad request: a WebSocket handshake in HTTP/1.0, which a proxy may have chosen: it needs HTTP/1.1")
	}
	c.post("4x").want(t, http.StatusOK, "ok")
	c.get().want(t, http.StatusOK, "4x")
}
