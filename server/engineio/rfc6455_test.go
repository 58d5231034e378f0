package engineio

import (
	"bytes"
	"encoding/binary"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

func cat(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

func closeFrame(code int, reason string) []byte {
	return whole(ws.OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

func TestFragmentsMakeOneMessage(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	for name, frames := range map[string][]byte{
		"two":                     cat(frame(false, 0, ws.OpText, []byte("4hel")), frame(true, 0, 0, []byte("lo"))),
		"empty ones":              cat(frame(false, 0, ws.OpText, nil), frame(false, 0, 0, []byte("4")), frame(false, 0, 0, nil), frame(true, 0, 0, []byte("hello"))),
		"byte by byte":            cat(frame(false, 0, ws.OpText, []byte("4")), frame(false, 0, 0, []byte("h")), frame(false, 0, 0, []byte("e")), frame(false, 0, 0, []byte("l")), frame(false, 0, 0, []byte("l")), frame(true, 0, 0, []byte("o"))),
		"a pong in between":       cat(frame(false, 0, ws.OpText, []byte("4hel")), whole(ws.OpPong, "what"), frame(true, 0, 0, []byte("lo"))),
		"a character cut in half": cat(frame(false, 0, ws.OpText, []byte("4h\xc3")), frame(true, 0, 0, []byte("\xa9llo"))),
	} {
		s := f.ws(4)
		s.write(frames)
		got := s.text()
		if got != "4hello" && got != "4héllo" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	s := f.ws(4)
	s.write(cat(frame(false, 0, ws.OpBinary, []byte{1, 2}), frame(true, 0, 0, []byte{3})))
	if got, err := s.next(); err != nil || got.Header.OpCode != ws.OpBinary || !bytes.Equal(got.Payload, []byte{1, 2, 3}) {
		t.Errorf("binary: %+v, %v", got, err)
	}
}

func TestPingsAreAnsweredBetweenFragments(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, echo).ws(4)
	s.write(cat(frame(false, 0, ws.OpText, []byte("4hel")), whole(ws.OpPing, "are you there"), frame(true, 0, 0, []byte("lo")), whole(ws.OpPing, "")))
	for _, want := range []struct {
		op   ws.OpCode
		data string
	}{{ws.OpPong, "are you there"}, {ws.OpText, "4hello"}, {ws.OpPong, ""}} {
		got, err := s.next()
		if err != nil || got.Header.OpCode != want.op || string(got.Payload) != want.data {
			t.Fatalf("got %+v %q, %v", got.Header, got.Payload, err)
		}
	}
}

func TestPingsAreAnsweredDuringAProbe(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	s := c.probe()
	s.write(whole(ws.OpPing, "p"))
	if got, err := s.next(); err != nil || got.Header.OpCode != ws.OpPong || string(got.Payload) != "p" {
		t.Fatalf("got %+v, %v", got, err)
	}
	c.complete(s)
}

// What breaks RFC 6455 ends the connection with the code of section 7.4.1, and
// only that connection.
func TestBadFramesEndTheConnection(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{MaxPayload: 1000}, echo)
	other := f.ws(4)
	long := strings.Repeat("x", 1001)
	for name, c := range map[string]struct {
		frames []byte
		code   int
		detail Detail
	}{
		"RSV1 without permessage-deflate": {frame(true, ws.Rsv(true, false, false), ws.OpText, []byte("4x")), 1002, DetailBadFrame},
		"RSV2":                            {frame(true, ws.Rsv(false, true, false), ws.OpText, []byte("4x")), 1002, DetailBadFrame},
		"RSV3":                            {frame(true, ws.Rsv(false, false, true), ws.OpText, []byte("4x")), 1002, DetailBadFrame},
		"reserved opcode":                 {whole(3, "4x"), 1002, DetailBadFrame},
		"reserved control opcode":         {whole(0xB, ""), 1002, DetailBadFrame},
		"no mask":                         {[]byte{0x81, 0x02, '4', 'x'}, 1002, DetailBadFrame},
		"fragmented ping":                 {frame(false, 0, ws.OpPing, nil), 1002, DetailBadFrame},
		"long ping":                       {whole(ws.OpPing, strings.Repeat("p", 126)), 1002, DetailBadFrame},
		"continuation of nothing":         {whole(ws.OpContinuation, "4x"), 1002, DetailBadFrame},
		"message within a message":        {cat(frame(false, 0, ws.OpText, []byte("4x")), whole(ws.OpText, "4y")), 1002, DetailBadFrame},
		"length not in shortest form":     {[]byte{0x81, 0x80 | 126, 0, 2, 1, 2, 3, 4, 0, 0}, 1002, DetailBadFrame},
		"length of 64 bits":               {[]byte{0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, 1002, DetailBadFrame},
		"invalid UTF-8":                   {whole(ws.OpText, "4\xff"), 1007, DetailBadUTF8},
		"half a character":                {whole(ws.OpText, "4\xe2\x82"), 1007, DetailBadUTF8},
		"a surrogate":                     {whole(ws.OpText, "4\xed\xa0\x80"), 1007, DetailBadUTF8},
		"half a character, fragmented":    {cat(frame(false, 0, ws.OpText, []byte("4\xe2")), frame(true, 0, 0, []byte("\x82"))), 1007, DetailBadUTF8},
		"too long":                        {whole(ws.OpText, long), 1009, DetailPayloadTooLarge},
		"too long by its header":          {[]byte{0x82, 0xFF, 0, 0, 0, 0, 0x7F, 0, 0, 0, 1, 2, 3, 4}, 1009, DetailPayloadTooLarge},
		"too long in fragments":           {cat(frame(false, 0, ws.OpText, []byte(long[:600])), frame(false, 0, 0, []byte(long[:600]))), 1009, DetailPayloadTooLarge},
		"close with half a code":          {whole(ws.OpClose, "\x03"), 1002, DetailBadFrame},
		"close with a reserved code":      {closeFrame(1005, ""), 1002, DetailBadFrame},
		"close with code 999":             {closeFrame(999, ""), 1002, DetailBadFrame},
		"close with code 2000":            {closeFrame(2000, ""), 1002, DetailBadFrame},
		"close with code 5000":            {closeFrame(5000, ""), 1002, DetailBadFrame},
		"close with a bad reason":         {closeFrame(1000, "\xff"), 1007, DetailBadUTF8},
	} {
		s := f.ws(4)
		s.write(c.frames)
		if code := s.closes(); code != c.code {
			t.Errorf("%s: close code %d, want %d", name, code, c.code)
		}
		t.Log(name)
		s.side(f).ended(t, ReasonTransportError, c.detail)
	}
	other.send("4still")
	other.want("4still")
}

func TestPacketsThatAreNoneEndTheConnection(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, nil)
	for name, c := range map[string]struct {
		protocol int
		frame    []byte
	}{
		"empty text":             {4, whole(ws.OpText, "")},
		"unknown type":           {4, whole(ws.OpText, "7")},
		"bad base64":             {4, whole(ws.OpText, "b!")},
		"empty binary":           {3, whole(ws.OpBinary, "")},
		"unknown type, binary":   {3, whole(ws.OpBinary, "\x07")},
		"base64 of another type": {3, whole(ws.OpText, "b2AQ==")},
	} {
		s := f.ws(c.protocol)
		s.write(c.frame)
		if code := s.closes(); code != closeProtocolError {
			t.Errorf("%s: close code %d", name, code)
		}
		s.side(f).ended(t, ReasonParseError, DetailBadPacket)
	}
	// In protocol 4 an empty binary frame is an empty message.
	s := f.ws(4)
	s.sendBinary(nil)
	if got := await(t, "the message", s.side(f).in); got != (received{"", true}) {
		t.Errorf("got %+v", got)
	}
}

func TestTheCloseFrameIsEchoed(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for _, c := range []struct {
		frame []byte
		code  int
	}{{closeFrame(1000, "bye"), 1000}, {closeFrame(1001, ""), 1001}, {closeFrame(4321, "why"), 4321}, {closeFrame(1014, ""), 1014}, {whole(ws.OpClose, ""), 1000}} {
		s := f.ws(4)
		s.write(cat(c.frame, whole(ws.OpText, "4never")))
		if code := s.closes(); code != c.code {
			t.Errorf("% x: close code %d, want %d", c.frame, code, c.code)
		}
		p := s.side(f)
		p.ended(t, ReasonTransportClose, DetailCloseFrame)
		if len(p.in) != 0 {
			t.Error("a message after the close frame was delivered")
		}
	}
}

func TestALostConnectionEndsTheSession(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for name, cut := range map[string]func(s *socket){
		"closed":       func(s *socket) { _ = s.conn.Close() },
		"reset":        func(s *socket) { tcp, _ := s.conn.(*net.TCPConn); _ = tcp.SetLinger(0); _ = tcp.Close() },
		"within frame": func(s *socket) { s.write(whole(ws.OpText, "4hello")[:7]); _ = s.conn.Close() },
	} {
		s := f.ws(4)
		cut(s)
		t.Log(name)
		s.side(f).ended(t, ReasonTransportClose, DetailConnectionLost)
	}
}

// The limit is on the message, not on what stands between its fragments.
func TestAControlFrameDoesNotCountTowardsTheLimit(t *testing.T) {
	t.Parallel()
	s := serve(t, &Options{MaxPayload: 100}, echo).ws(4)
	text := "4" + strings.Repeat("x", 99)
	s.write(cat(frame(false, 0, ws.OpText, []byte(text[:90])), whole(ws.OpPong, strings.Repeat("p", 125)), frame(true, 0, 0, []byte(text[90:]))))
	s.want(text)
}

// readAll reads messages off a connection that gives its bytes in the given cuts.
func readAll(t *testing.T, stream []byte, cuts func(n int) int, limit int64, early int) []string {
	t.Helper()
	client, server := net.Pipe()
	go func() {
		defer client.Close()
		for rest := stream[early:]; len(rest) > 0; {
			k := min(cuts(len(rest)), len(rest))
			if _, err := client.Write(rest[:k]); err != nil {
				return
			}
			rest = rest[k:]
		}
	}()
	var r frameReader
	r.init(server, limit, false, append([]byte(nil), stream[:early]...))
	defer r.release()
	defer server.Close()
	var all []string
	for {
		op, data, err := r.next()
		if err != nil {
			return all
		}
		if op == wire.OpText || op == wire.OpBinary {
			all = append(all, string(data))
		}
	}
}

// However the bytes of a stream are cut into segments, the messages are the same.
func TestFramesCutAnywhereAreTheSame(t *testing.T) {
	t.Parallel()
	var want []string
	var stream []byte
	for _, n := range []int{0, 1, 125, 126, 127, 513} {
		text := strings.Repeat(string(rune('a'+n%26)), n)
		want = append(want, text)
		stream = append(stream, whole(ws.OpText, text)...)
	}
	check := func(name string, got []string) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d messages, want %d", name, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s: message %d has %d bytes, want %d", name, i, len(got[i]), len(want[i]))
			}
		}
	}
	for at := range len(stream) {
		first := true
		check("cut in two", readAll(t, stream, func(n int) int {
			if first && at > 0 {
				first = false
				return at
			}
			return n
		}, 1<<20, 0))
	}
	for _, size := range []int{1, 2, 3, 7, 13, 64, 512, 513, 4096} {
		check("cut evenly", readAll(t, stream, func(int) int { return size }, 1<<20, 0))
	}
	for early := 0; early <= len(stream); early += 97 {
		check("some of it early", readAll(t, stream, func(n int) int { return n }, 1<<20, early))
	}
}

func TestFramesAroundTheBuffersSizes(t *testing.T) {
	t.Parallel()
	var want []string
	var stream []byte
	for _, n := range []int{busyBuffer - 1, 10, busyBuffer, 1, busyBuffer + 1, 2 * busyBuffer, 3*busyBuffer + 7, 65535, 65536, 300_000, 5} {
		text := strings.Repeat("z", n)
		want = append(want, text)
		stream = append(stream, whole(ws.OpText, text)...)
	}
	for _, size := range []int{700, 5000, 16384, 1 << 20} {
		got := readAll(t, stream, func(int) int { return size }, 1<<20, 100)
		if len(got) != len(want) {
			t.Fatalf("segments of %d: %d messages", size, len(got))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("segments of %d: message %d has %d bytes, want %d", size, i, len(got[i]), len(want[i]))
			}
		}
	}
}

func TestManySmallFramesInOneSegment(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, nil)
	c := s.ws(4)
	var b []byte
	for i := range 3000 {
		b = append(b, whole(ws.OpText, "4"+string(rune('a'+i%26)))...)
	}
	c.write(b)
	for i := range 3000 {
		if got := await(t, "a message", c.side(s).in); got.data != string(rune('a'+i%26)) {
			t.Fatalf("message %d is %q", i, got.data)
		}
	}
}

// A header may announce a hundred megabytes: memory follows what has come.
func TestMemoryFollowsWhatCameNotWhatWasAnnounced(t *testing.T) {
	var before, after runtime.MemStats
	f := serve(t, &Options{MaxPayload: 200 << 20}, nil)
	s := f.ws(4)
	runtime.GC()
	runtime.ReadMemStats(&before)
	header := []byte{0x82, 0xFF, 0, 0, 0, 0, 0x06, 0, 0, 0, 0, 0, 0, 0} // 96 MiB
	s.write(append(header, make([]byte, 100_000)...))
	eventually(t, "some of it is read", func() bool {
		runtime.ReadMemStats(&after)
		return after.TotalAlloc-before.TotalAlloc > 100_000
	})
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("100 KB of a 96 MiB frame took %d bytes", grown)
	}
	_ = s.conn.Close()
	s.side(f).ended(t, ReasonTransportClose, DetailConnectionLost)
}

func TestABigFrameThatComesSlowly(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	s := f.ws(4)
	text := strings.Repeat("0123456789", 20_000)
	b := whole(ws.OpText, "4"+text)
	for len(b) > 0 {
		n := min(len(b), 9_999)
		s.write(b[:n])
		b = b[n:]
	}
	if got := await(t, "the message", s.side(f).in); got.data != text {
		t.Errorf("%d bytes, want %d", len(got.data), len(text))
	}
}

// A connection that is closed for a fault does not wait for its client forever.
func TestAClientThatIgnoresTheCloseFrameIsCutOff(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	s := f.ws(4)
	s.write([]byte{0xFF, 0xFF})
	s.side(f).ended(t, ReasonTransportError, DetailBadFrame)
	since := time.Now()
	for { // it goes on talking
		_ = s.conn.SetWriteDeadline(time.Now().Add(within))
		if _, err := s.conn.Write(bytes.Repeat([]byte("x"), 1000)); err != nil {
			break
		}
		if time.Since(since) > within {
			t.Fatal("still listened to")
		}
	}
}
