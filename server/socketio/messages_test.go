package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// What Node's own tests check on the wire: values of every kind, both ways.
func TestValuesBothWays(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	for want, args := range map[string][]any{
		`2["v"]`:                   nil,
		`2["v",null]`:              {nil},
		`2["v",1,"2",[3],{"b":4}]`: {1, "2", []int{3}, map[string]int{"b": 4}},
		`2["v","\u2028 é 日本 😀"]`:   {"\u2028 é 日本 😀"},
		`2["v",{"Name":"x"}]`:      {struct{ Name string }{"x"}},
		`2["v",true,false,1.5]`:    {true, false, 1.5},
	} {
		if err := s.Emit("v", args...); err != nil {
			t.Fatal(err)
		}
		got := c.Next().Text
		if got != want && got != strings.ReplaceAll(want, "\\u2028", "\u2028") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	_ = s.Send("through send")
	c.Expect(`2["message","through send"]`)
	_ = s.Emit("bin", []byte{}, map[string]any{"deep": []any{[]byte{1, 2}}})
	c.Expect(`52-["bin",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]`)
	c.ExpectBinary("")
	c.ExpectBinary("\x01\x02")

	var got []string
	srv.On("in", func(_ context.Context, e *socketio.Event) {
		v, err := e.Args().At(0).Value()
		got = append(got, fmt.Sprintf("%T %v %v", v, v, err))
	})
	for _, send := range []string{`2["in",null]`, `2["in",{"a":[1,"é"]}]`, `2["in",true]`, `2["in"]`} {
		c.Send(send)
	}
	c.Send(`51-["in",{"_placeholder":true,"num":0}]`)
	c.SendBinary([]byte{})
	c.Send(`2[5,1]`) // the parser takes a number for an event's name
	c.Fence()
	want := "<nil> <nil> <nil>|map[string]interface {} map[a:[1 é]] <nil>|bool true <nil>|<nil> <nil> <nil>|[]uint8 [] <nil>"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestLargeMessages(t *testing.T) {
	srv := serve(t, nil)
	srv.On("big", func(_ context.Context, e *socketio.Event) { _ = e.Ack(e.Args().Values()...) })
	c, _ := join(t, srv)
	text := strings.Repeat("x", 900_000)
	c.Send(`21["big","` + text + `"]`)
	c.Expect(`31["` + text + `"]`)
	c.Send(`51-2["big",{"_placeholder":true,"num":0}]`)
	c.SendBinary([]byte(text))
	c.Expect(`61-2[{"_placeholder":true,"num":0}]`)
	c.ExpectBinary(text)
}

// Volatile events go out only when nothing else is on its way; other events are
// never lost to them, and binary ones are dropped whole.
func TestVolatile(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	c.Fence()
	sockettest.Eventually(t, "an idle connection takes a volatile event", func() bool {
		_ = s.Volatile().Emit("ready")
		select {
		case f := <-c.Frames():
			return f.Text == `2["ready"]`
		default:
			return false
		}
	})
	const rounds = 100
	big := make([]byte, 50_000)
	for i := range rounds {
		_ = s.Emit("n", i, big)
		_ = s.Volatile().Emit("volatile", big)
		_ = srv.Volatile().Emit("volatile", big)
	}
	_ = s.Emit("end")
	next, volatile := 0, 0
	for {
		f := c.Next()
		switch {
		case f.Text == `2["end"]`:
			if next != rounds || volatile >= 2*rounds {
				t.Errorf("%d events, %d volatile ones", next, volatile)
			}
			return
		case f.Text == `2["ready"]`:
		case strings.HasPrefix(f.Text, `51-["volatile"`):
			volatile++
			c.ExpectBinary(string(big))
		default:
			if want := fmt.Sprintf(`51-["n",%d,{"_placeholder":true,"num":0}]`, next); f.Text != want {
				t.Fatalf("got %q, want %q", f.Text, want)
			}
			c.ExpectBinary(string(big))
			next++
		}
	}
}

// Everything a client sends right after CONNECT finds the handlers that
// OnConnection registers.
func TestEventsRightAfterConnect(t *testing.T) {
	srv := serve(t, nil)
	const n = 100
	heard := make(chan int, n)
	srv.Of("/ns").OnConnection(func(s *socketio.Socket) {
		_ = s.Emit("hi", 1)
		s.On("n", func(_ context.Context, e *socketio.Event) {
			var i int
			_ = e.Bind(&i)
			heard <- i
		})
	})
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/ns", "")
	for i := range n {
		c.Send(fmt.Sprintf(`2/ns,["n",%d]`, i))
	}
	c.Expect(`2/ns,["hi",1]`)
	for i := range n {
		if got := sockettest.Receive(t, "event", heard); got != i {
			t.Fatalf("got %d, want %d", got, i)
		}
	}
}
