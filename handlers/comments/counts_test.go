package comments

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestCountsOfManyPages(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	for range 2 {
		add(t, n.store, store.Comment{Text: "x"})
	}
	add(t, n.store, store.Comment{Text: "x", Page: "/b"})
	add(t, n.store, store.Comment{Text: "x", Page: "/b", State: store.Pending})
	want := object{"counts": object{"/a": 2.0, "/b": 1.0, "/none": 0.0}}
	got := n.get(t, "/comments/v1/blog/counts?page=/none&page=/a&page=/b&page=/a")
	if o := got.json(t, http.StatusOK); !reflect.DeepEqual(o, want) {
		t.Errorf("%v", o)
	}
	if a := n.get(t, "/comments/v1/blog/counts?page=/b&page=/a&page=/none", "If-None-Match", got.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		t.Errorf("in another order: %s", a.Status)
	}
	posted := n.do(t, http.MethodPost, "/comments/v1/blog/counts", `{"pages":["/a","/b","/none"]}`, "Origin", blogOrigin)
	if o := posted.json(t, http.StatusOK); !reflect.DeepEqual(o, want) || posted.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("POST: %v, %v", o, posted.Header)
	}
	add(t, n.store, store.Comment{Text: "x", Page: "/none"})
	eventually(t, "a new comment is counted", func() bool {
		o := n.get(t, "/comments/v1/blog/counts?page=/none").json(t, http.StatusOK)
		return o["counts"].(object)["/none"] == 1.0
	})
}

func TestWhatIsWrongWithARequestForCountsIsSaid(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	var many []string
	for i := range maxCounts + 1 {
		many = append(many, fmt.Sprint("/", i))
	}
	tooMany, err := json.Marshal(object{"pages": many})
	if err != nil {
		t.Fatal(err)
	}
	const path = "/comments/v1/blog/counts"
	n.get(t, path).wants(t, http.StatusBadRequest, "bad_request")
	n.get(t, path+"?page=").wants(t, http.StatusBadRequest, "bad_request")
	n.get(t, path+"?page="+strings.Join(many, "&page=")).wants(t, http.StatusBadRequest, "bad_request")
	n.do(t, http.MethodPost, path, string(tooMany)).wants(t, http.StatusBadRequest, "bad_request")
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{}`:                     {400, "bad_request"},
		`[`:                      {400, "bad_request"},
		`{"pages":"/a"}`:         {400, "bad_request"},
		`{"pages":[""]}`:         {400, "bad_request"},
		`{"pages":["/a"]} again`: {400, "bad_request"},
		`{"pages":["` + strings.Repeat("x", maxCountsBody) + `"]}`: {413, "too_large"},
	} {
		n.do(t, http.MethodPost, path, body).wants(t, want.status, want.code)
	}
	n.do(t, http.MethodPost, path, `{"pages":["/a"]}`, "Content-Type", "text/plain").wants(t, http.StatusUnsupportedMediaType, "unsupported")
	n.do(t, http.MethodPut, path, `{}`).wants(t, http.StatusMethodNotAllowed, "method_not_allowed")
}
