package httplane

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

const plain = "POST /socket.io/?EIO=4&transport=polling&t=1&sid=x HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n2x"

func TestARequestIsRead(t *testing.T) {
	t.Parallel()
	r, v := Parse([]byte(plain + "more"))
	if v != Whole || !r.Post || string(r.Path) != "/socket.io/" || string(r.Query) != "EIO=4&transport=polling&t=1&sid=x" || r.Length != 2 || r.Head != len(plain)-2 {
		t.Errorf("%d %+v", v, r)
	}
	for i := range len(plain) {
		if _, v := Parse([]byte(plain[:i])); v != Partial {
			t.Errorf("%q: %d", plain[:i], v)
		}
	}
}

func TestWhatIsUnusualIsForeign(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"another method":         {"POST", "PUT"},
		"HTTP/1.0":               {"HTTP/1.1", "HTTP/1.0"},
		"an absolute target":     {"/socket.io", "http://a.example/socket.io"},
		"a fragment":             {"sid=x", "sid=x#y"},
		"a space in the target":  {"sid=x", "sid=x y"},
		"two lengths":            {"Content-Type: text/plain", "Content-Length: 2"},
		"a length with a sign":   {"Length: 2", "Length: +2"},
		"an empty length":        {"Length: 2", "Length:"},
		"a list of lengths":      {"Length: 2", "Length: 2, 2"},
		"no length":              {"Content-Length: 2", "X: 2"},
		"chunks":                 {"Content-Type: text/plain", "Transfer-Encoding: chunked"},
		"an expectation":         {"Content-Type: text/plain", "Expect: 100-continue"},
		"an upgrade":             {"Content-Type: text/plain", "upgrade: websocket"},
		"a folded line":          {"Content-Type: text/plain", "X: a\r\n b"},
		"a space before a colon": {"Content-Type:", "Content-Type :"},
		"a bare line feed":       {"\r\nContent-Type", "\nContent-Type"},
		"a bare return":          {"text/plain", "text\rplain"},
		"a control character":    {"text/plain", "text\x00plain"},
		"a line without colon":   {"Content-Type: text/plain", "Content-Type"},
		"a name that is none":    {"Content-Type", "Content(Type"},
	} {
		if _, v := Parse([]byte(strings.Replace(plain, change[0], change[1], 1))); v != Foreign {
			t.Errorf("%s: %d", name, v)
		}
	}
	if _, v := Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n2x")); v != Foreign {
		t.Errorf("a GET with a body: %d", v)
	}
}

func read(t testing.TB, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAFingerprintTellsWhatIsAlike(t *testing.T) {
	t.Parallel()
	want, ok := PrintOf(read(t, plain))
	if !ok {
		t.Fatal("no print")
	}
	for change, alike := range map[[2]string]bool{
		{"t=1", "t=2"}: true,
		{"Length: 2\r\n\r\n2x", "Length: 0\r\n\r\n"}:                                                   true,
		{"Host: a.example\r\nContent-Type: text/plain", "content-type:text/plain \r\nHOST: a.example"}: true,
		{"a.example", "b.example"}:                                                                     false,
		{"/socket.io/", "/socket.io"}:                                                                  false,
		{"text/plain", "text/html"}:                                                                    false,
		{"Content-Type", "Content-Typ"}:                                                                false,
		{"Content-Type: text/plain", "Content-Type: text/plain\r\nOrigin: x"}:                          false,
		{"Content-Type: text/plain\r\n", ""}:                                                           false,
		{"Content-Type: text/plain", "Content-Type: text/plain\r\nContent-Type: text/plain"}:           false,
	} {
		r, v := Parse([]byte(strings.Replace(plain, change[0], change[1], 1)))
		if v != Whole || (r.Print == want) != alike {
			t.Errorf("%q: %d, alike: %v", change[1], v, r.Print == want)
		}
	}
}

func TestWhatParseDoesNotReadHasNoFingerprint(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Replace(plain, "HTTP/1.1", "HTTP/1.0", 1),
		strings.Replace(plain, "POST", "PUT", 1),
		strings.Replace(plain, "POST", "GET", 1),
		strings.Replace(plain, "/socket.io", "http://a.example/socket.io", 1),
		strings.Replace(plain, "Host", "X: 1\r\nX: 2\r\nHost", 1),
		strings.Replace(plain, "Host", "Expect: 100-continue\r\nHost", 1),
		strings.Replace(plain, "Content-Length: 2", "Transfer-Encoding: chunked", 1),
	} {
		if _, ok := PrintOf(read(t, text)); ok {
			t.Errorf("%q has one", text)
		}
	}
}

// What is accepted here means the same to net/http: otherwise a proxy in front and this
// server could take different bytes for a request.
func FuzzParse(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte("GET /socket.io/?EIO=4&transport=polling&t=2&sid=x HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=d\r\nPragma: no-cache\r\n\r\n"))
	f.Add([]byte("GET //x?a?b HTTP/1.1\r\nhost:a\r\nX:\t y \r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n1234567"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, v := Parse(b)
		if v != Whole {
			return
		}
		in := bytes.NewReader(b)
		buf := bufio.NewReader(in)
		other, err := http.ReadRequest(buf)
		if err != nil {
			return // it is like no request that net/http has read
		}
		p, ok := PrintOf(other)
		if !ok || p != r.Print {
			return // nor is this
		}
		body, err := io.ReadAll(other.Body)
		if err != nil {
			t.Fatalf("net/http does not read the body: %v", err)
		}
		path, _, _ := strings.Cut(other.RequestURI, "?")
		if (other.Method == http.MethodPost) != r.Post || path != string(r.Path) || other.URL.RawQuery != string(r.Query) {
			t.Errorf("%s %s, %s %+v", other.Method, other.RequestURI, other.URL.RawQuery, r)
		}
		if string(body) != string(b[r.Head:r.Head+r.Length]) || len(b)-in.Len()-buf.Buffered() != r.Head+r.Length {
			t.Errorf("another body: %q, %+v", body, r)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte("GET /socket.io/?EIO=4&transport=polling&t=pQ1x2y3z&sid=AbCdEfGhIjKlMnOpQrStUvWx HTTP/1.1\r\nHost: chat.example.com\r\nConnection: keep-alive\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\nAccept: */*\r\nOrigin: https://www.example.com\r\n" +
		"Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nReferer: https://www.example.com/\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, v := Parse(text); v != Whole {
			b.Fatal(v)
		}
	}
}
