package public

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func clientWith(content string) *ClientFiles {
	root := fstest.MapFS{}
	for _, name := range ClientNames() {
		root[name] = &fstest.MapFile{Data: []byte(name + "\n" + content)}
	}
	return newClientFiles(root, true)
}

func getClient(c *ClientFiles, method, name string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "/socket.io/"+name, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.Serve(w, r, name)
	return w.Result()
}

func bodyOf(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestClientFilesHaveTheHeadersOfNode(t *testing.T) {
	c := clientWith(strings.Repeat("x", 5000))
	for _, name := range ClientNames() {
		res := getClient(c, http.MethodGet, name)
		if got := bodyOf(t, res); res.StatusCode != http.StatusOK || !strings.HasPrefix(got, name+"\n") {
			t.Errorf("%s: status %d, %d bytes", name, res.StatusCode, len(got))
		}
		want := "application/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".map") {
			want = "application/json; charset=utf-8"
		}
		if got := res.Header.Get("Content-Type"); got != want {
			t.Errorf("%s: Content-Type %q, want %q", name, got, want)
		}
		if got := res.Header.Get("Cache-Control"); got != "public, max-age=0" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if got := res.Header.Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("%s: Vary %q", name, got)
		}
		if got := res.Header.Get("Etag"); len(got) < 10 || got[0] != '"' {
			t.Errorf("%s: ETag %q", name, got)
		}
	}
}

func TestClientFilesAreCompressedOnRequest(t *testing.T) {
	c := clientWith(strings.Repeat("x", 5000))
	res := getClient(c, http.MethodGet, "socket.io.js", "Accept-Encoding", "br, gzip;q=0.8")
	if got := res.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding %q, want gzip", got)
	}
	zr, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(zr)
	if err != nil || len(body) != len("socket.io.js\n")+5000 {
		t.Errorf("%d bytes, error %v", len(body), err)
	}
	if got := getClient(c, http.MethodGet, "socket.io.js", "Accept-Encoding", "gzip;q=0").Header.Get("Content-Encoding"); got != "" {
		t.Errorf("refused gzip, got Content-Encoding %q", got)
	}
}

func TestAnUnchangedClientFileIs304(t *testing.T) {
	c := clientWith("a")
	tag := getClient(c, http.MethodGet, "socket.io.min.js").Header.Get("Etag")
	for _, condition := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		res := getClient(c, http.MethodGet, "socket.io.min.js", "If-None-Match", condition)
		if body := bodyOf(t, res); res.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("If-None-Match %s: status %d, body %q", condition, res.StatusCode, body)
		}
	}
	if res := getClient(c, http.MethodGet, "socket.io.min.js", "If-None-Match", `"other"`); res.StatusCode != http.StatusOK {
		t.Errorf("another tag: status %d", res.StatusCode)
	}
	if other := getClient(clientWith("b"), http.MethodGet, "socket.io.min.js").Header.Get("Etag"); other == tag {
		t.Error("other content has the same ETag")
	}
}

func TestHeadOfAClientFileHasNoBody(t *testing.T) {
	res := getClient(clientWith("a"), http.MethodHead, "socket.io.js")
	if body := bodyOf(t, res); res.StatusCode != http.StatusOK || body != "" || res.Header.Get("Content-Length") == "" {
		t.Errorf("status %d, body %q, length %q", res.StatusCode, body, res.Header.Get("Content-Length"))
	}
}

func TestABinaryWithoutTheClientSaysSo(t *testing.T) {
	c := newClientFiles(fstest.MapFS{}, false)
	res := getClient(c, http.MethodGet, "socket.io.js")
	body := bodyOf(t, res)
	if res.StatusCode != http.StatusNotFound || !strings.Contains(body, "npm") || !strings.Contains(body, "make build") {
		t.Errorf("status %d, body %q", res.StatusCode, body)
	}
	if c.Complete() {
		t.Error("Complete is true")
	}
	if res := getClient(c, http.MethodGet, "README.md"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is no client file: status %d", res.StatusCode)
	}
}
