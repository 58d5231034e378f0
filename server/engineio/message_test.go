package engineio

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
)

// variant is one way in which a client is told messages.
type variant struct {
	name string
	open func(f *fixture) (sid string, next func(t *testing.T) string)
	want string // the encoding of all parts
}

var sharedParts = []Part{{Data: []byte("héllo 😀")}, {Data: []byte{1, 2, 3, 4}, Binary: true}, {Data: []byte(strings.Repeat("long ", 100))}}

// wsVariant reads as many frames as the message has parts and joins them.
func wsVariant(protocol int, deflated bool) func(f *fixture) (string, func(t *testing.T) string) {
	return func(f *fixture) (string, func(t *testing.T) string) {
		var s *socket
		if deflated {
			s = f.ws(protocol, offer)
		} else {
			s = f.ws(protocol)
		}
		return s.SID, func(t *testing.T) string {
			t.Helper()
			var all []string
			for range sharedParts {
				fr, err := s.next()
				if err != nil {
					t.Error(err)
					return ""
				}
				payload := string(fr.Payload)
				if deflated != (fr.Header.Rsv != 0) {
					t.Errorf("RSV bits %d", fr.Header.Rsv)
				}
				if fr.Header.Rsv != 0 {
					payload = inflateFrame(t, fr)
				}
				if fr.Header.OpCode == ws.OpBinary {
					payload = "bin:" + payload
				}
				all = append(all, payload)
			}
			return strings.Join(all, "|")
		}
	}
}

func pollVariant(protocol int, extra ...string) func(f *fixture) (string, func(t *testing.T) string) {
	return func(f *fixture) (string, func(t *testing.T) string) {
		c := f.poll(protocol, extra...)
		return c.SID, func(t *testing.T) string {
			t.Helper()
			a := f.do(t.Context(), http.MethodGet, c.query, "", nil)
			if a.err != nil || a.status != http.StatusOK {
				t.Errorf("%d %q %v", a.status, a.body, a.err)
			}
			return a.body
		}
	}
}

func variants() []variant {
	long := strings.Repeat("long ", 100)
	return []variant{
		{"WebSocket 4", wsVariant(4, false), "4héllo 😀|bin:\x01\x02\x03\x04|4" + long},
		{"WebSocket 3", wsVariant(3, false), "4héllo 😀|bin:\x04\x01\x02\x03\x04|4" + long},
		{"WebSocket 4 deflated", wsVariant(4, true), "4héllo 😀|bin:\x01\x02\x03\x04|4" + long},
		{"WebSocket 3 deflated", wsVariant(3, true), "4héllo 😀|bin:\x04\x01\x02\x03\x04|4" + long},
		{"polling 4", pollVariant(4), "4héllo 😀\x1ebAQIDBA==\x1e4" + long},
		{"polling 3 base64", pollVariant(3, "b64=1"), "9:4héllo 😀10:b4AQIDBA==501:4" + long},
		{"polling 3 binary", pollVariant(3), "\x00\x01\x02\xff4héllo 😀\x01\x05\xff\x04\x01\x02\x03\x04\x00\x05\x00\x01\xff4" + long},
	}
}

// One message goes to sessions of every variant at once; each encoding is made
// once and is right.
func TestOneMessageForEveryVariant(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true, PerMessageDeflate: &Compression{Threshold: 1}}, nil)
	type client struct {
		variant

		p    *peer
		next func(t *testing.T) string
	}
	var clients []client
	for _, v := range variants() {
		for range 3 {
			sid, next := v.open(f)
			clients = append(clients, client{v, f.peer(sid), next})
		}
	}
	for range 20 {
		m := NewMessage(sharedParts...)
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(func() {
				if err := c.p.Send(m, 0); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			})
			all.Go(func() {
				if got := c.next(t); got != c.want {
					t.Errorf("%s: got %q, want %q", c.name, got, c.want)
				}
			})
		}
		all.Wait()
		for i := range formCount {
			if m.forms[i].Load() == nil {
				t.Errorf("form %d was not made", i)
			}
		}
	}
}

func TestAnEncodingIsMadeOnce(t *testing.T) {
	m := NewMessage(sharedParts...)
	for f := range formCount {
		var all sync.WaitGroup
		made := make(chan *byte, 8)
		for range 8 {
			all.Go(func() { made <- &m.encoded(f)[0] })
		}
		all.Wait()
		first := <-made
		for range 7 {
			if <-made != first {
				t.Fatalf("form %d was made twice", f)
			}
		}
	}
}

func TestMessageSize(t *testing.T) {
	if got := NewMessage().Size(); got != messageOverhead {
		t.Errorf("empty: %d", got)
	}
	if got := NewMessage(sharedParts...).Size(); got != messageOverhead+11+4+500 {
		t.Errorf("three parts: %d", got)
	}
	parts := []Part{{Data: []byte("a")}, {Data: []byte("b")}}
	m := NewMessage(parts...)
	parts[0] = Part{Data: []byte("changed")}
	if got := string(m.encoded(formPoll4)); got != "4a\x1e4b" {
		t.Errorf("the caller's slice is kept: %q", got)
	}
}

// Everything that one goroutine sends arrives in the order sent, in as few
// writes as it takes.
func TestABurstArrivesInOrder(t *testing.T) {
	t.Parallel()
	const n = 5000
	f := serve(t, nil, nil)
	c, s := f.poll(4), f.ws(4)
	for i := range n {
		m := says(fmt.Sprint(i))
		if err := c.side().Send(m, 0); err != nil {
			t.Fatal(err)
		}
		if err := s.side(f).Send(m, 0); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		s.want(fmt.Sprint("4", i))
	}
	next := 0
	for polls := 0; next < n; polls++ {
		if polls > 10 {
			t.Fatal("too many polls")
		}
		for packet := range strings.SplitSeq(c.get().body, "\x1e") {
			if packet != fmt.Sprint("4", next) {
				t.Fatalf("got %q, want %d", packet, next)
			}
			next++
		}
	}
	if st := f.srv.Stats(); st.Sessions != 2 || st.MessagesOut < 2*n || st.BytesOut == 0 {
		t.Errorf("stats %+v", st)
	}
}

func BenchmarkSendToWebSocket(b *testing.B) {
	f := serve(b, nil, nil)
	s := f.ws(4)
	p := s.side(f)
	go func() {
		buf := make([]byte, 64<<10)
		for {
			if _, err := s.conn.Read(buf); err != nil {
				return
			}
		}
	}()
	m := says("2[\"msg\",\"hello there\"]")
	m.encoded(formWS4)
	b.ReportAllocs()
	before := f.srv.stats.messagesOut.Load()
	for n := uint64(1); b.Loop(); n++ {
		if err := p.Send(m, 0); err != nil {
			b.Fatal(err)
		}
		if n%64 == 0 { // who says more than is written is disconnected
			for f.srv.stats.messagesOut.Load()-before < n {
				runtime.Gosched()
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	data := []byte("2[\"msg\",\"hello there\"]")
	for f, name := range map[form]string{formWS4: "ws", formPoll4: "poll"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := NewMessage(Part{Data: data})
				m.encoded(f)
			}
		})
	}
}
