package engineio

import (
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// errCloseFrame tells that the client sent a WebSocket close frame.
var errCloseFrame = errors.New("engineio: close frame")

// frameError is a violation of RFC 6455 or of the payload limit.
type frameError struct {
	detail Detail
	what   string
}

func (e *frameError) Error() string { return "engineio: " + e.what }

const (
	// idleBuffer is what an idle connection holds for reading.
	idleBuffer = 512
	// busyBuffer is what a connection borrows while much comes in.
	busyBuffer = 16 << 10
)

var readBuffers = sync.Pool{New: func() any { b := make([]byte, busyBuffer); return &b }}

// frameReader reads WebSocket messages off a connection. Only one goroutine may
// use it. A message it returns is valid until the next call.
type frameReader struct {
	conn    io.Reader
	max     int64
	deflate bool // RSV1 means a deflated message; otherwise it is an error

	early []byte      // read by the HTTP server before the upgrade
	buf   []byte      // idle or busy
	busy  *[]byte     // the borrowed buffer, nil while idle
	r, w  int         // unread bytes are buf[r:w]
	full  bool        // the last read filled the buffer: more is waiting
	long  []byte      // payload of a frame longer than the buffer
	parts []byte      // payload of a fragmented message so far
	op    wire.OpCode // opcode of the fragmented message, 0 between messages
	rsv1  bool        // the fragmented message is deflated
	idle  [idleBuffer]byte
}

func (f *frameReader) init(conn io.Reader, limit int64, deflate bool, early []byte) {
	f.conn, f.max, f.deflate, f.early = conn, limit, deflate, early
	f.buf = f.idle[:]
}

// release gives borrowed memory back.
func (f *frameReader) release() {
	if f.busy != nil {
		readBuffers.Put(f.busy)
		f.busy = nil
	}
	f.buf, f.r, f.w, f.long, f.parts = f.idle[:], 0, 0, nil, nil
}

// next returns the next message: a whole text or binary message, or a control
// frame. Text is valid UTF-8.
func (f *frameReader) next() (wire.OpCode, []byte, error) {
	for {
		h, data, err := f.frame()
		if err != nil {
			return 0, nil, err
		}
		if h.OpCode.IsControl() {
			return h.OpCode, data, checkControl(h.OpCode, data)
		}
		op, rsv1, data, done, err := f.assemble(h, data)
		if err != nil {
			return 0, nil, err
		}
		if !done {
			continue
		}
		if rsv1 {
			if data, err = inflate(data, f.max); err != nil {
				return 0, nil, err
			}
		}
		if op == wire.OpText && !utf8.Valid(data) {
			return 0, nil, &frameError{DetailBadUTF8, "text message is not UTF-8"}
		}
		return op, data, nil
	}
}

// assemble puts fragments together (RFC 6455, section 5.4).
func (f *frameReader) assemble(h wire.Header, data []byte) (op wire.OpCode, rsv1 bool, whole []byte, done bool, err error) {
	switch {
	case h.OpCode == wire.OpContinuation && (f.op == 0 || h.Rsv1):
		return 0, false, nil, false, &frameError{DetailBadFrame, "continuation of no message"}
	case h.OpCode != wire.OpContinuation && f.op != 0:
		return 0, false, nil, false, &frameError{DetailBadFrame, "new message inside a fragmented one"}
	case h.OpCode != wire.OpContinuation && h.Fin:
		return h.OpCode, h.Rsv1, data, true, nil
	case h.OpCode != wire.OpContinuation:
		f.op, f.rsv1, f.parts = h.OpCode, h.Rsv1, append([]byte(nil), data...)
		return 0, false, nil, false, nil
	}
	f.parts = append(f.parts, data...)
	if !h.Fin {
		return 0, false, nil, false, nil
	}
	op, rsv1, whole = f.op, f.rsv1, f.parts
	f.op, f.parts = 0, nil
	return op, rsv1, whole, true, nil
}

// frame reads one frame and unmasks its payload.
func (f *frameReader) frame() (wire.Header, []byte, error) {
	f.long = nil
	var h wire.Header
	for {
		var n int
		var err error
		h, n, err = wire.ParseHeader(f.buf[f.r:f.w])
		if err != nil {
			return h, nil, &frameError{DetailBadFrame, err.Error()}
		}
		if n > 0 {
			f.r += n
			break
		}
		if err := f.fill(wire.MaxHeader); err != nil {
			return h, nil, err
		}
	}
	if h.Rsv1 && !f.deflate {
		return h, nil, &frameError{DetailBadFrame, "compressed frame without permessage-deflate"}
	}
	if size := h.Length + int64(len(f.parts)); size > f.max && !h.OpCode.IsControl() {
		return h, nil, &frameError{DetailPayloadTooLarge, "message longer than the maximum payload"}
	}
	data, err := f.payload(int(h.Length))
	if err != nil {
		return h, nil, err
	}
	wire.Unmask(data, h.Mask, 0)
	return h, data, nil
}

// payload returns the next n bytes.
func (f *frameReader) payload(n int) ([]byte, error) {
	for n <= len(f.buf) || f.busy == nil && n <= busyBuffer {
		if f.w-f.r >= n {
			data := f.buf[f.r : f.r+n]
			f.r += n
			return data, nil
		}
		if err := f.fill(n); err != nil {
			return nil, err
		}
	}
	// The memory grows with what has come, not with what was announced.
	data := append(make([]byte, 0, min(n, 2*busyBuffer)), f.buf[f.r:f.w]...)
	f.r, f.w = 0, 0
	for len(data) < n {
		if len(data) == cap(data) {
			grown := make([]byte, len(data), min(n, 2*cap(data)))
			copy(grown, data)
			data = grown
		}
		k, err := f.read(data[len(data):cap(data)])
		if err != nil {
			return nil, err
		}
		data = data[:len(data)+k]
	}
	f.long = data
	return data, nil
}

// fill reads once more into the buffer, which must come to hold n bytes from r
// on. An idle buffer is exchanged for a busy one when more is waiting than it
// holds, and back when the connection has nothing to say.
func (f *frameReader) fill(n int) error {
	if f.r == f.w {
		f.r, f.w = 0, 0
		if f.busy != nil && !f.full && n <= idleBuffer {
			readBuffers.Put(f.busy)
			f.busy, f.buf = nil, f.idle[:]
		}
	}
	if f.busy == nil && (f.full || n > len(f.buf)) {
		f.busy, _ = readBuffers.Get().(*[]byte)
		f.w = copy(*f.busy, f.buf[f.r:f.w])
		f.r, f.buf = 0, *f.busy
	}
	if f.r > 0 && len(f.buf)-f.r < n {
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	k, err := f.read(f.buf[f.w:])
	f.w += k
	f.full = f.w == len(f.buf)
	return err
}

// read reads some bytes, at least one unless there is an error.
func (f *frameReader) read(b []byte) (int, error) {
	if len(f.early) > 0 {
		k := copy(b, f.early)
		f.early = f.early[k:]
		return k, nil
	}
	k, err := f.conn.Read(b)
	if k > 0 {
		return k, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// checkControl checks the payload of a control frame (section 5.5.1).
func checkControl(op wire.OpCode, data []byte) error {
	if op != wire.OpClose || len(data) == 0 {
		return nil
	}
	if len(data) == 1 {
		return &frameError{DetailBadFrame, "close frame with half a code"}
	}
	code := int(data[0])<<8 | int(data[1])
	known := code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006
	if !known && (code < 3000 || code > 4999) {
		return &frameError{DetailBadFrame, "close frame with a reserved code"}
	}
	if !utf8.Valid(data[2:]) {
		return &frameError{DetailBadUTF8, "close reason is not UTF-8"}
	}
	return nil
}
