package notifications_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/server/auth"
)

func identify(ctx context.Context, r *http.Request) (*auth.Principal, error) {
	return desk{}.Authenticate(ctx, &auth.Credentials{Header: r.Header})
}

// post asks a server over HTTP.
func post(t *testing.T, n *node, token, kind, body string) (status int, answer []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.url+notifications.Path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", kind)
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(w.Body); err != nil {
		t.Fatal(err)
	}
	return w.StatusCode, got.Bytes()
}

func TestAnApplicationNotifiesOverHTTP(t *testing.T) {
	n := alone(t, notifications.Options{Identify: identify, Access: auth.Rooms{}})
	tab, _ := n.tab(t)
	for i, want := range []bool{false, true} {
		status, body := post(t, n, "key", "application/json; charset=utf-8", `{"users":["ann","bea"],"title":"Order 7 left","url":"/orders/7","data":{"order":7},"key":"order-7"}`)
		var sent notifications.Sent
		if err := json.Unmarshal(body, &sent); err != nil || status != 200 || sent.ID == "" || sent.Repeated != want {
			t.Fatalf("%d: %d %s", i, status, body)
		}
	}
	if got := first[notifications.Notification](t, tab.Next("notification").Args); got.Title != "Order 7 left" || string(got.Data) != `{"order":7}` {
		t.Errorf("heard %+v", got)
	}
	hears(t, tab, 1)
	if status, body := post(t, n, "key", "", `{"user":"ann","title":"one"}`); status != 200 {
		t.Errorf("to one: %d %s", status, body)
	}
	hears(t, tab, 2)
}

func TestARequestThatCannotBeSaysWhy(t *testing.T) {
	n := alone(t, notifications.Options{Identify: identify, Access: auth.Rooms{}})
	const js = "application/json"
	long := strings.Repeat("x", 600<<10)
	for _, c := range []struct {
		token, kind, body string
		status            int
		code, field       string
	}{
		{"", js, `{"user":"ann","title":"x"}`, 401, "unauthorized", ""},
		{"wrong", js, `{"user":"ann","title":"x"}`, 401, "invalid_token", ""},
		{"ann's", js, `{"user":"ann","title":"x"}`, 403, "forbidden", ""},
		{"key", js, `{"user":"cleo","title":"x"}`, 403, "forbidden", ""},
		{"key", js, `{"users":["ann","cleo"],"title":"x"}`, 403, "forbidden", ""},
		{"key", "text/plain", `{"user":"ann","title":"x"}`, 415, "unsupported", ""},
		{"key", js, ``, 400, "bad_request", ""},
		{"key", js, `{`, 400, "bad_request", ""},
		{"key", js, `{"user":"ann","title":"x"} {}`, 400, "bad_request", ""},
		{"key", js, `{"user":"ann","titel":"x"}`, 400, "bad_request", ""},
		{"key", js, `{"user":"ann","title":7}`, 400, "bad_request", "/title"},
		{"key", js, `{"user":"ann"}`, 400, "bad_request", "/title"},
		{"key", js, `{"title":"x"}`, 400, "bad_request", "/users"},
		{"key", js, `{"users":[],"title":"x"}`, 400, "bad_request", "/users"},
		{"key", js, `{"user":"ann","users":["bea"],"title":"x"}`, 400, "bad_request", "/user"},
		{"key", js, `{"user":"ann","title":"x","url":"data:text/html,x"}`, 400, "bad_request", "/url"},
		{"key", js, `{"user":"ann","title":"x","body":"` + strings.Repeat("x", 2001) + `"}`, 400, "bad_request", "/body"},
		{"key", js, `{"user":"ann","title":"x","key":"` + strings.Repeat("x", 65) + `"}`, 400, "bad_request", "/key"},
		{"key", js, `{"user":"ann","title":"x","data":"` + strings.Repeat("x", 4<<10) + `"}`, 400, "bad_request", "/data"},
		{"key", js, `{"user":"ann","title":"` + long + `"}`, 413, "too_large", ""},
	} {
		status, body := post(t, n, c.token, c.kind, c.body)
		var got struct {
			Error struct{ Code, Message, Field string }
		}
		if err := json.Unmarshal(body, &got); err != nil || status != c.status || got.Error.Code != c.code || got.Error.Field != c.field || got.Error.Message == "" {
			t.Errorf("%q %.60s: %d %s (%v), want %d %s %s", c.token, c.body, status, body, err, c.status, c.code, c.field)
		}
	}
	closed := alone(t, notifications.Options{})
	if status, body := post(t, closed, "key", js, `{"user":"ann","title":"x"}`); status != 401 {
		t.Errorf("without a way to know who asks: %d %s", status, body)
	}
}
