package wire

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
)

func TestEventsOfAStream(t *testing.T) {
	t.Parallel()
	args, err := ParseArgs([]byte("[{\"a\":\r\n1},\"b\\nc\"]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p              Outgoing
		bare, envelope string
	}{
		{
			Outgoing{Event: "msg", Args: []any{"hello"}, Offset: "x-1", ID: 4, HasID: true},
			"id: x-1\nevent: msg\ndata: \"hello\"\n\n",
			"id: x-1\nevent: msg\ndata: {\"type\":\"event\",\"room\":\"r\",\"event\":\"msg\",\"data\":[\"hello\"],\"offset\":\"x-1\"}\n\n",
		},
		{
			Outgoing{Event: "a\nb", Args: []any{args}},
			"event: a\\nb\ndata: [{\"a\":  1},\"b\\nc\"]\n\n",
			"event: a\\nb\ndata: {\"type\":\"event\",\"room\":\"r\",\"event\":\"a\\nb\",\"data\":[{\"a\":  1},\"b\\nc\"]}\n\n",
		},
		{
			Outgoing{Event: "none", Offset: "no\nid"},
			"event: none\ndata: []\n\n",
			"event: none\ndata: {\"type\":\"event\",\"room\":\"r\",\"event\":\"none\",\"data\":[],\"offset\":\"no\\nid\"}\n\n",
		},
	} {
		for form, want := range map[string]string{"bare": c.bare, "envelope": c.envelope} {
			got, err := EncodeStream(&c.p)
			if form == "envelope" {
				got, err = EncodeEnvelope(&c.p, "r")
			}
			if err != nil || string(got) != want {
				t.Errorf("%s of %q: %q, %v; want %q", form, c.p.Event, got, err, want)
			}
		}
	}
	if _, err := EncodeEnvelope(&Outgoing{Args: []any{func() {}}}, ""); err == nil {
		t.Error("a function was encoded")
	}
}

// FuzzStream: whatever an event is called and carries, it is one event of the stream, with
// one line of each kind.
func FuzzStream(f *testing.F) {
	f.Add("msg", "x-1", `["hello"]`)
	f.Add("a\r\nid: 7", "\n", "[1,\n\r2]")
	f.Add("\u2028", "", "{\"a\":\r1}")
	f.Fuzz(func(t *testing.T, event, offset, text string) {
		args, err := ParseArgs([]byte(text))
		if err != nil {
			return
		}
		p := &Outgoing{Event: event, Offset: offset, Args: []any{args}}
		bare, err := EncodeStream(p)
		if err != nil {
			t.Fatal(err)
		}
		envelope, err := EncodeEnvelope(p, event)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range [][]byte{bare, envelope} {
			if strings.ContainsRune(string(got), '\r') {
				t.Fatalf("%q ends lines twice", got)
			}
			var seen []string
			lines := bufio.NewScanner(strings.NewReader(string(got)))
			lines.Buffer(nil, len(got)+1)
			for lines.Scan() {
				field, value, _ := strings.Cut(lines.Text(), ": ")
				seen = append(seen, field)
				if field == "data" && !json.Valid([]byte(value)) {
					t.Fatalf("%q has no JSON as data", got)
				}
			}
			if all := strings.Join(seen, " "); all != "event data " && all != "id event data " {
				t.Fatalf("%q has the lines %q", got, all)
			}
		}
	})
}
