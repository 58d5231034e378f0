package carry

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answerOf reads text as the answer of an owner, in pieces.
func answerOf(t testing.TB, text string, piece int) (*httptest.ResponseRecorder, answer, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		defer theirs.Close()
		for rest := text; rest != ""; {
			n := min(piece, len(rest))
			if _, err := io.WriteString(theirs, rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	c := &conn{Conn: ours}
	a, _, err := c.readAnswer()
	if err != nil {
		return nil, a, err
	}
	defer a.free()
	w := httptest.NewRecorder()
	return w, a, a.relay(w, c)
}

func TestAnswersAreReadAndHandedOn(t *testing.T) {
	for name, c := range map[string]struct {
		text, body, header string
		status             int
		last               bool
	}{
		"with a length":         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A:  2 \r\n\r\nhello", "hello", "1,2", 200, false},
		"names in small":        {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: 1\r\n\r\nhello", "hello", "1", 200, false},
		"no reason":             {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", "", 200, false},
		"no body":               {"HTTP/1.1 204 No Content\r\n\r\n", "", "", 204, false},
		"in chunks":             {"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello", "", 400, true},
		"until the end":         {"HTTP/1.1 200 OK\r\n\r\nhello", "hello", "", 200, true},
		"of an old server":      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "", 200, true},
		"the last":              {"HTTP/1.1 200 OK\r\nConnection: x-a, Close\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello", "hello", "", 200, true},
		"after a hint":          {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "", 200, false},
		"with more behind":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", "hello", "", 200, true},
		"the length twice":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "hello", "", 200, false},
		"longer than a buffer":  {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), strings.Repeat("x", 100_000), "", 200, false},
		"a head of middle size": {"HTTP/1.1 200 OK\r\nX-B: " + strings.Repeat("x", 20_000) + "\r\nContent-Length: 5\r\n\r\nhello", "hello", "", 200, false},
	} {
		for _, piece := range []int{1 << 20, 7} {
			w, a, err := answerOf(t, c.text, piece)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if w.Code != c.status || w.Body.String() != c.body || strings.Join(w.Header()["X-A"], ",") != c.header || a.last != c.last && piece > 7 && len(c.body) < bufferSize {
				t.Errorf("%s: %d %.50q %v, last %v", name, w.Code, w.Body, w.Header(), a.last)
			}
			for _, hop := range []string{"Connection", "Transfer-Encoding"} {
				if w.Header().Get(hop) != "" {
					t.Errorf("%s: %s was handed on", name, hop)
				}
			}
		}
	}
	for name, text := range map[string]string{
		"nothing":             "",
		"half a head":         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
		"another protocol":    "SSH-2.0-OpenSSH\r\n\r\n",
		"a strange status":    "HTTP/1.1 20 OK\r\n\r\n",
		"no number":           "HTTP/1.1 OK\r\n\r\n",
		"two lengths":         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"a negative length":   "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"length and chunks":   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
		"another encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nhello",
		"no name":             "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
		"a space in a name":   "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
		"a folded line":       "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n",
		"a head without end":  "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 2*bufferSize),
		"hints without end":   strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20),
		"a body that is cut":  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
		"a cut long body":     "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 99_999),
		"chunks that are cut": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		if w, _, err := answerOf(t, text, 1<<20); err == nil {
			t.Errorf("%s was taken: %d %.50q", name, w.Code, w.Body)
		}
	}
}

// FuzzAnswer compares with net/http: what is taken here is taken there, and is the same.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
		"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhe\r\n0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nhello",
		"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		head, _, ok := strings.Cut(text, "\r\n\r\n")
		if !ok || strings.Count(head, "\n") != strings.Count(head, "\r\n") || strings.HasPrefix(text, "HTTP/1.1 1") {
			return // net/http takes lines that end in a line feed alone
		}
		a, err := parseAnswer([]byte(head + "\r\n\r\n"))
		if err != nil {
			return
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader([]byte(text))), nil)
		if err != nil {
			return // it looks at the bytes of names and values, too
		}
		defer resp.Body.Close()
		length := a.length
		if a.chunks {
			length = lengthUnknown
		}
		if resp.StatusCode != a.status || resp.ContentLength != length || resp.Close && !a.last {
			t.Errorf("%q: %d, length %d, last %v; net/http: %d, %d, %v", text, a.status, a.length, a.last, resp.StatusCode, resp.ContentLength, resp.Close)
		}
	})
}
