package engineio

import (
	"bytes"
	"net"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// stream is a connection that gives a few bytes at each read, and then ends.
type stream struct {
	net.Conn // nil: nothing else is called

	r    *bytes.Reader
	step int
}

func (s *stream) Read(b []byte) (int, error) { return s.r.Read(b[:min(len(b), s.step)]) }

// FuzzFrameReader feeds any bytes: there is no panic, no message above the limit
// and no text that is not UTF-8; and the cuts make no difference.
func FuzzFrameReader(f *testing.F) {
	f.Add(whole(ws.OpText, "4hello"), byte(3))
	f.Add(cat(frame(false, 0, ws.OpText, []byte("4hel")), whole(ws.OpPing, "p"), frame(true, 0, 0, []byte("lo"))), byte(1))
	f.Add(frame(true, rsv1, ws.OpText, deflate([]byte("4hello"))), byte(200))
	f.Add(cat(whole(ws.OpBinary, string(make([]byte, 700))), closeFrame(1000, "bye")), byte(64))
	f.Fuzz(func(t *testing.T, b []byte, step byte) {
		const limit = 1000
		read := func(step int) (all []string) {
			var r frameReader
			r.init(&stream{r: bytes.NewReader(b), step: step}, limit, true, nil)
			defer r.release()
			for {
				op, data, err := r.next()
				if err != nil {
					return append(all, "end")
				}
				if len(data) > limit || op == wire.OpText && !utf8.Valid(data) || op.IsControl() && len(data) > 125 {
					t.Fatalf("opcode %d, %d bytes", op, len(data))
				}
				all = append(all, string(rune('0'+op))+string(data))
			}
		}
		once, cut := read(1<<20), read(1+int(step))
		if len(once) != len(cut) {
			t.Fatalf("%d messages at once, %d when cut", len(once), len(cut))
		}
		for i := range once {
			if once[i] != cut[i] {
				t.Fatalf("message %d is %q at once, %q when cut", i, once[i], cut[i])
			}
		}
	})
}

// FuzzInflate inflates anything, and whatever was deflated comes back.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("hello hello hello"))
	f.Add(deflate([]byte("hello hello hello")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if out, err := inflate(b, 10_000); err == nil && len(out) > 10_000 {
			t.Fatalf("%d bytes", len(out))
		}
		if back, err := inflate(deflate(b), int64(len(b))); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%q came back as %q, %v", b, back, err)
		}
	})
}
