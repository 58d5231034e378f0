package notifications

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// titles lists what is kept for a user; what is read ends in a dot.
func (b *boxes) titles(user string) (list string) {
	for _, n := range b.of(user).Notifications {
		list += n.Title
		if n.Read {
			list += "."
		}
		list += " "
	}
	return list
}

func (b *boxes) bytesKept() (sum int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.byUser {
		sum += overhead
		for _, n := range u.kept {
			sum += n.size()
		}
	}
	return sum
}

func one(id string, at int64) *Notification { return &Notification{ID: id, Title: id, Time: at} }

func TestWhatIsKeptIsTheSameInWhateverOrderItCame(t *testing.T) {
	now := time.Now().UnixMilli()
	for range 2 {
		a, b := newBoxes(Options{PerUser: 3}.withDefaults()), newBoxes(Options{PerUser: 3}.withDefaults())
		for i := range int64(5) {
			a.add(one(fmt.Sprint(i), now+i), "ann")
			b.add(one(fmt.Sprint(4-i), now+4-i), "ann")
		}
		a.read("ann", []string{"3"})
		b.read("ann", []string{"3"})
		if a.titles("ann") != "2 3. 4 " || b.titles("ann") != a.titles("ann") {
			t.Errorf("one keeps %q, the other %q", a.titles("ann"), b.titles("ann"))
		}
	}
}

// What one node says was read may come before what it is about, of another node.
func TestWhatIsReadBeforeItComesIsRead(t *testing.T) {
	b := newBoxes(Options{}.withDefaults())
	if b.read("ann", []string{"x"}) {
		t.Error("something unread was read")
	}
	b.add(one("x", time.Now().UnixMilli()), "ann")
	if b.titles("ann") != "x. " || b.unread("ann") != 0 {
		t.Errorf("kept: %q", b.titles("ann"))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoxes(Options{PerUser: 2, Users: 3, Bytes: 3000, Age: time.Hour}.withDefaults())
		for i := range 10 {
			b.add(one(fmt.Sprint(i), time.Now().UnixMilli()), fmt.Sprint("user", i%5), "ann")
			<-time.After(time.Second)
		}
		if len(b.byUser) > 3 || b.bytes > 3000 || b.bytes != b.bytesKept() {
			t.Errorf("%d users, %d bytes, counted %d", len(b.byUser), b.bytesKept(), b.bytes)
		}
		if b.titles("ann") != "8 9 " {
			t.Errorf("of the user of whom most was heard %q is kept", b.titles("ann"))
		}
		<-time.After(time.Hour)
		if b.titles("ann") != "" || b.unread("ann") != 0 {
			t.Errorf("after its time %q is kept", b.titles("ann"))
		}
		b.add(one("x", time.Now().UnixMilli()), "bea")
		if len(b.byUser) > 2 || b.bytes != b.bytesKept() {
			t.Errorf("%d users are kept who are too old", len(b.byUser))
		}
		big := one("y", time.Now().UnixMilli())
		big.Body = strings.Repeat("x", 5000)
		b.add(big, "cleo")
		if b.titles("cleo") != "y " || len(b.byUser) != 1 {
			t.Errorf("what is new was dropped for what is old: %q, %d users", b.titles("cleo"), len(b.byUser))
		}
	})
}

// Visitors who come and look do not push out what is kept for others.
func TestWhoHasNothingPushesOutNobody(t *testing.T) {
	b := newBoxes(Options{Users: 3}.withDefaults())
	b.add(one("x", time.Now().UnixMilli()), "ann", "bea")
	for i := range 100 {
		b.of(fmt.Sprint("visitor", i))
	}
	if b.titles("ann") != "x " || b.titles("bea") != "x " || len(b.byUser) > 3 || b.bytes != b.bytesKept() {
		t.Errorf("kept %q and %q, %d users, %d bytes, counted %d", b.titles("ann"), b.titles("bea"), len(b.byUser), b.bytesKept(), b.bytes)
	}
}

func TestWhatNobodyHeardIsForgotten(t *testing.T) {
	b := newBoxes(Options{}.withDefaults())
	b.add(one("x", time.Now().UnixMilli()), "ann", "bea")
	b.remove("x", []string{"ann", "bea"})
	if b.titles("ann") != "" || b.bytes != b.bytesKept() {
		t.Errorf("kept: %q, %d bytes", b.titles("ann"), b.bytes)
	}
	if news := b.add(one("x", time.Now().UnixMilli()), "ann"); len(news) != 1 {
		t.Error("it cannot be sent again")
	}
}

// FuzzHear feeds what another node says: whatever comes, what is kept is within its bounds.
func FuzzHear(f *testing.F) {
	for _, seed := range []string{
		`[{"v":1,"k":"new","u":["ann","bea"],"m":[{"id":"a","title":"x","time":4000000000000,"data":{"a":1}},{"id":"b","time":1}]}]`,
		`[{"v":1,"k":"read","u":["ann"],"i":["a","b"]}]`, `[{"v":1,"k":"read","u":[""],"i":[""]}]`,
		`[{"v":1,"k":"want","u":["ann"]}]`, `[{"v":2,"k":"new"}]`, `[]`, `[1]`, `[null]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args, err := wire.ParseJSONList([]byte(text))
		var m nodeMessage
		if err != nil || args.Bind(&m) != nil || !m.possible() {
			return
		}
		b := newBoxes(Options{PerUser: 2, Users: 2, Bytes: 4000}.withDefaults())
		for range 2 {
			for i := range m.Notifications {
				b.add(&m.Notifications[i], m.Users...)
			}
			for _, user := range m.Users {
				b.read(user, m.IDs)
			}
		}
		if len(b.byUser) > 2 || b.bytes != b.bytesKept() {
			t.Errorf("%d users, %d bytes, counted %d", len(b.byUser), b.bytesKept(), b.bytes)
		}
	})
}

// FuzzMessage: what is sent of a message that is accepted has none of what was refused.
func FuzzMessage(f *testing.F) {
	f.Add("title", "body\n", "https://example.org/?a#b", `{"a":[1]}`, "key")
	f.Add(" \x00", "\xff", "JaVaScript:alert(1)", `{`, "")
	f.Add("x", "", "//example.org", `null`, "")
	f.Add("x", "", "java\nscript:x", ``, "")
	f.Fuzz(func(t *testing.T, title, body, url, data, key string) {
		n, err := Message{Title: title, Body: body, URL: url, Data: []byte(data), Key: key}.prepared()
		var wrong *problem.Problem
		if err != nil {
			if !errors.As(err, &wrong) || wrong.Field == "" {
				t.Errorf("refused without a field: %v", err)
			}
			return
		}
		again, err := Message{Title: n.Title, Body: n.Body, URL: n.URL, Data: n.Data}.prepared()
		if err != nil || again.Title != n.Title || again.Body != n.Body {
			t.Errorf("what was accepted is refused, or another thing: %v", err)
		}
		if n.size() > maxKept {
			t.Errorf("%d bytes, and other nodes do not believe that", n.size())
		}
	})
}
