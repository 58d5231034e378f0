package notifications_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/notifications"
)

type ids struct{ IDs []string }

func TestAllTabsOfAUserHearAndAgreeOnWhatIsUnread(t *testing.T) {
	n := alone(t, notifications.Options{})
	one, v := n.tab(t)
	two, _ := n.tab(t)
	visitor := rawclient.Dial(t, n.url, notifications.Namespace, object{"secret": "a secret of somebody"})
	if v.User != "ann" || v.Visitor || v.Notifications == nil || len(v.Notifications) != 0 {
		t.Errorf("a tab is told %+v first", v)
	}
	a := mustNotify(t, n, "a", "ann", "ann")
	b, err := n.Notify(notifications.Message{Title: " b\n", Body: "more\x07\ntext", URL: "/orders/7", Data: json.RawMessage(`{ "order": 7 }`)}, "ann")
	if err != nil {
		t.Fatal(err)
	}
	for _, tab := range []*rawclient.Client{one, two} {
		if got := first[notifications.Notification](t, tab.Next("notification").Args); got.ID != a.ID || got.Title != "a" || got.Time != a.Time {
			t.Errorf("heard %+v, want %+v", got, a)
		}
		got := first[notifications.Notification](t, tab.Next("notification").Args)
		if got.ID != b.ID || got.Title != "b" || got.Body != "more\ntext" || got.URL != "/orders/7" || string(got.Data) != `{"order":7}` || got.Read {
			t.Errorf("heard %+v", got)
		}
		hears(t, tab, 2)
	}
	if got := first[struct{ Unread int }](t, one.Call("read", object{"ids": []string{a.ID, "unknown"}})); got.Unread != 1 {
		t.Errorf("%d unread after one was read", got.Unread)
	}
	if got := first[ids](t, two.Next("read").Args); !slices.Contains(got.IDs, a.ID) {
		t.Errorf("the other tab heard that %v were read", got.IDs)
	}
	hears(t, two, 1)
	if _, v := n.tab(t); v.titles() != "a. b " || v.Unread != 1 {
		t.Errorf("a tab that comes later is told %q, %d unread", v.titles(), v.Unread)
	}
	two.Call("read", object{"all": true})
	hears(t, one, 0)
	if got := first[view](t, one.Call("list", object{})); got.titles() != "a. b. " || got.Unread != 0 {
		t.Errorf("the list is %q, %d unread", got.titles(), got.Unread)
	}
	visitor.Call("list", object{})
	if slices.Contains(visitor.Heard(), "notification") {
		t.Error("somebody else heard it")
	}
}

func TestAVisitorNotifiesNobodyButItself(t *testing.T) {
	n := alone(t, notifications.Options{})
	dial := func(secret string) *rawclient.Client {
		return rawclient.Dial(t, n.url, notifications.Namespace, object{"secret": secret})
	}
	one, two, other := dial("the secret of one visitor"), dial("the secret of one visitor"), dial("the secret of another")
	if v := first[view](t, one.Next("notifications").Args); !v.Visitor {
		t.Error("a visitor is not told that it may try it out")
	}
	sent := first[notifications.Sent](t, one.Call("notify-me", object{"title": "me", "key": "k"}))
	again := first[notifications.Sent](t, two.Call("notify-me", object{"title": "me", "key": "k"}))
	if sent.ID == "" || again.ID != sent.ID || sent.Repeated || !again.Repeated {
		t.Errorf("sent %+v, and again %+v", sent, again)
	}
	if got := first[notifications.Notification](t, two.Next("notification").Args); got.ID != sent.ID {
		t.Errorf("the other tab heard %+v", got)
	}
	theirs := first[notifications.Sent](t, other.Call("notify-me", object{"title": "me", "key": "k"}))
	if theirs.Repeated || theirs.ID == sent.ID {
		t.Errorf("the key of another visitor is the same: %+v", theirs)
	}
	ann, _ := n.tab(t)
	if got := errorOf(t, ann.Call("notify-me", object{"title": "me"})); got != "forbidden" {
		t.Errorf("who is known is answered %q", got)
	}
	if dial("short").Refused() == nil || rawclient.Dial(t, n.url, notifications.Namespace, nil).Refused() == nil {
		t.Error("a visitor without a secret was let in")
	}
}

func TestWhatIsNoRequestIsAnsweredWithAnError(t *testing.T) {
	n := alone(t, notifications.Options{PerUser: 3})
	c := rawclient.Dial(t, n.url, notifications.Namespace, object{"secret": "the secret of one visitor"})
	for _, bad := range []struct {
		event string
		arg   any
		code  string
	}{
		{"read", object{}, "bad_request"},
		{"read", 7, "bad_request"},
		{"read", object{"ids": []string{"a"}, "all": true}, "bad_request"},
		{"read", object{"ids": []string{"a", "b", "c", "d"}}, "bad_request"},
		{"read", object{"ids": []string{""}}, "bad_request"},
		{"notify-me", object{}, "bad_request"},
		{"notify-me", object{"title": "x", "url": "javascript:alert(1)"}, "bad_request"},
		{"notify-me", object{"title": strings.Repeat("x", 201)}, "bad_request"},
		{"dance", object{}, "unknown_event"},
	} {
		if got := errorOf(t, c.Call(bad.event, bad.arg)); got != bad.code {
			t.Errorf("%s %v is answered %q, want %q", bad.event, bad.arg, got, bad.code)
		}
	}
}

// A tab that was cut off hears what it missed as it came, what was read elsewhere included,
// and then counts as the others do.
func TestARecoveredTabMissesNothing(t *testing.T) {
	n := alone(t, notifications.Options{})
	cut, _ := n.tab(t)
	other, _ := n.tab(t)
	a := mustNotify(t, n, "a", "ann")
	hears(t, cut, 1)
	cut.Next("notification")
	pid, offset := cut.Session()
	cut.Close()
	b := mustNotify(t, n, "b", "ann")
	other.Call("read", object{"ids": []string{a.ID}})
	back := rawclient.Dial(t, n.url, notifications.Namespace, object{"token": "ann's", "pid": pid, "offset": offset})
	if back.ID() != cut.ID() {
		t.Fatal("the tab was not recovered")
	}
	if got := first[notifications.Notification](t, back.Next("notification").Args); got.ID != b.ID {
		t.Errorf("recovered %+v, want b", got)
	}
	if got := first[ids](t, back.Next("read").Args); !slices.Equal(got.IDs, []string{a.ID}) {
		t.Errorf("recovered that %v were read", got.IDs)
	}
	hears(t, back, 1)
	if slices.Contains(back.Heard(), "notifications") {
		t.Error("a recovered tab was told the list")
	}
}

func TestOptionsHaveSizesAsTheOthersOfTheFile(t *testing.T) {
	var o notifications.Options
	if err := yaml.Unmarshal([]byte("{bytes: 64MiB, recovery-bytes: 1000}"), &o); err != nil || o.Bytes != 64<<20 || o.RecoveryBytes != 1000 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestOptionsBelowZeroAreRefused(t *testing.T) {
	err := notifications.Options{PerUser: -1, Age: -1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "notifications.per-user") || !strings.Contains(err.Error(), "notifications.age") {
		t.Errorf("got %v", err)
	}
}
