package carry

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// response reads one answer from a raw connection.
func response(t testing.TB, r *bufio.Reader) answered {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answered{status: resp.StatusCode, header: resp.Header, body: string(b), err: err}
}

func TestBodiesOfEveryKindArrive(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	const length, chunks = "Content-Length: 9\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"
	for name, pieces := range map[string][]string{
		"in one piece":     {length + "4a\x1e4b\x1e4cd"},
		"in three pieces":  {length, "4a\x1e", "4b\x1e4cd"},
		"in one chunk":     {chunks + "9\r\n4a\x1e4b\x1e4cd\r\n0\r\n\r\n"},
		"in chunks":        {chunks, "3\r\n4a\x1e\r\n", "6\r\n4b\x1e4cd\r\n", "0\r\n\r\n"},
		"after a continue": {"Expect: 100-continue\r\n" + length, "4a\x1e4b\x1e4cd"},
	} {
		t.Log(name)
		conn := c.nodes[1].dialRaw()
		s.turn++
		say(t, conn, "POST /socket.io/?EIO=4&transport=polling&t=%d&sid=%s HTTP/1.1\r\nHost: x\r\n", s.turn, s.sid)
		received := c.nodes[0].of("received post")
		for i, p := range pieces {
			if i == 2 { // the owner has heard of it, and waits
				c.nodes[0].awaits("received post", received+1)
			}
			if _, err := io.WriteString(conn, p); err != nil {
				t.Fatal(err)
			}
			if i == 0 && strings.HasPrefix(p, "Expect") {
				response(t, bufio.NewReaderSize(onlyHead{conn}, 16)) // 100 Continue
			}
		}
		r := bufio.NewReader(conn)
		response(t, r).want(t, http.StatusOK, "ok")
		s.get(s.at(0)).want(t, http.StatusOK, "4a\x1e4b\x1e4cd")
		// The client's connection goes on.
		s.turn++
		say(t, conn, "GET /socket.io/?EIO=4&transport=polling&t=T%d&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", s.turn, s.sid)
		s.post(s.at(0), "4again").want(t, http.StatusOK, "ok")
		response(t, r).want(t, http.StatusOK, "4again")
	}
}

// onlyHead reads byte by byte, so that nothing behind the answer is taken.
type onlyHead struct{ r io.Reader }

func (o onlyHead) Read(b []byte) (int, error) { return o.r.Read(b[:1]) }

func TestLargeBodiesGoBothWays(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	for _, size := range []int{answerPiece - 1, answerPiece, bufferSize - 1, bufferSize, 5 * bufferSize, 900_000} {
		message := "4" + strings.Repeat("sockeye!", size/8)
		s.post(s.at(1), message).want(t, http.StatusOK, "ok")
		s.get(s.at(1)).want(t, http.StatusOK, message)
	}
}

// A body that is too large is refused by the owner before it has come.
func TestABodyThatIsTooLargeIsRefusedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{engine: func(o *engineio.Options) { o.MaxPayload = 1000 }})
	s := c.open(0)
	conn := c.nodes[1].dialRaw()
	say(t, conn, "POST /socket.io/?EIO=4&transport=polling&t=1&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n4begins", s.sid)
	response(t, bufio.NewReader(conn)).want(t, http.StatusRequestEntityTooLarge, `{"code":3,"message":"Payload too large"}`)
	c.nodes[0].ended(engineio.ReasonTransportError, engineio.DetailPayloadTooLarge)

	s = c.open(0)
	s.post(s.at(1), "4"+strings.Repeat("x", 2_000_000)).want(t, http.StatusRequestEntityTooLarge, `{"code":3,"message":"Payload too large"}`)
}

// The owner hears of a body that breaks off as if it had come from the client itself.
func TestABodyThatBreaksOffEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"at once": "Content-Length: 10\r\n\r\n", "with a length": "Content-Length: 10\r\n\r\n4abc", "in chunks": "Transfer-Encoding: chunked\r\n\r\n4\r\n4abc\r\n",
	} {
		c := start(t, 2, setup{})
		s := c.open(0)
		conn := c.nodes[1].dialRaw()
		say(t, conn, "POST /socket.io/?EIO=4&transport=polling&t=1&sid=%s HTTP/1.1\r\nHost: x\r\n%s", s.sid, head)
		if name != "at once" {
			c.nodes[0].awaits("received post", 1)
		}
		t.Log(name)
		conn.Close()
		c.nodes[0].ended(engineio.ReasonTransportError, engineio.DetailBodyAborted)
	}
}

// The owner's bound for bodies holds for carried ones.
func TestABodyThatTakesTooLongIsRefusedByTheOwner(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{engine: func(o *engineio.Options) { o.BodyTimeout = 50 * time.Millisecond }})
	s := c.open(0)
	conn := c.nodes[1].dialRaw()
	say(t, conn, "POST /socket.io/?EIO=4&transport=polling&t=1&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4abc", s.sid)
	response(t, bufio.NewReader(conn)).want(t, http.StatusRequestTimeout, `{"code":3,"message":"Request body timeout"}`)
	c.nodes[0].ended(engineio.ReasonTransportError, engineio.DetailBodyTimeout)
}

// What the owner has compressed for the client stays as it is.
func TestCompressedAnswersAreCarriedAsTheyAre(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{engine: func(o *engineio.Options) { o.HTTPCompression = &engineio.Compression{} }})
	s := c.open(0)
	message := "4" + strings.Repeat("again and again ", 1000)
	s.post(s.at(1), message).want(t, http.StatusOK, "ok")
	a := s.do(t.Context(), http.MethodGet, s.at(1), "", http.Header{"Accept-Encoding": {"gzip"}})
	if a.err != nil || a.header.Get("Content-Encoding") != "gzip" || len(a.body) > 2000 || a.body[:2] != "\x1f\x8b" {
		t.Errorf("%d %v %d bytes %v", a.status, a.header, len(a.body), a.err)
	}
}
