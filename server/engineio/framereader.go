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
	// idleBuffer is what a connection holds for reading that cannot be waited for
	// without a buffer.
	idleBuffer = 512
	// busyBuffer is what a connection borrows while something comes in.
	busyBuffer = 16 << 10
)

var readBuffers = sync.Pool{New: func() any { b := make([]byte, busyBuffer); return &b }}

// errQuiet tells that between two frames nothing has come, of a frameReader that is not
// to wait for it.
var errQuiet = errors.New("engineio: nothing to read")

// frameReader reads WebSocket messages off a connection. Only one goroutine may
// use it. A message it returns is valid until the next call.
type frameReader struct {
	conn    io.Reader
	waiter  waiter // nil: conn is read with a buffer that is held meanwhile
	max     int64
	deflate bool // RSV1 means a deflated message; otherwise it is an error
	quits   bool // errQuiet is returned instead of waiting for a frame to begin; needs waiter

	buf   []byte // the idle or the busy one, or what came of a frame until nothing more did
	idle  *[idleBuffer]byte
	busy  *[]byte     // the borrowed buffer
	r, w  int         // unread bytes are buf[r:w]
	full  bool        // the last read filled the buffer: more is waiting
	op    wire.OpCode // opcode of the fragmented message, 0 between messages
	rsv1  bool        // the fragmented message is deflated
	parts []byte      // payload of a fragmented message so far
}

// waiter can wait for bytes without a buffer.
type waiter interface {
	// await waits until there are some, and reads them by way of room and came. While it
	// waits it has given the buffer back.
	await() error
}

func (f *frameReader) init(conn io.Reader, limit int64, deflate bool, early []byte) {
	f.conn, f.max, f.deflate, f.buf, f.w = conn, limit, deflate, early, len(early)
}

// release gives borrowed memory back, and drops what is unread.
func (f *frameReader) release() {
	f.r = f.w
	f.giveBack()
	f.buf, f.idle, f.parts = nil, nil, nil
}

// room returns where the next bytes go: in a busy buffer, behind what is unread.
func (f *frameReader) room() []byte {
	if f.busy == nil {
		f.borrow()
	} else if f.r > 0 {
		f.move(f.buf)
	}
	return f.buf[f.w:]
}

// came notes that so many bytes were read into room.
func (f *frameReader) came(n int) {
	f.w += n
	f.full = f.w == len(f.buf)
}

func (f *frameReader) borrow() {
	f.busy, _ = readBuffers.Get().(*[]byte)
	f.move(*f.busy)
}

// giveBack ends the loan of the busy buffer. What is unread, the beginning of a frame, is
// kept apart.
func (f *frameReader) giveBack() {
	if f.busy == nil {
		return
	}
	f.move(append([]byte(nil), f.buf[f.r:f.w]...))
	readBuffers.Put(f.busy)
	f.busy, f.full = nil, false
}

// move brings what is unread to the beginning of a buffer, which becomes the one in use.
func (f *frameReader) move(to []byte) {
	f.w = copy(to, f.buf[f.r:f.w])
	f.r, f.buf = 0, to
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
	if f.quits && f.r == f.w && !f.full {
		return wire.Header{}, nil, errQuiet
	}
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
	if f.waiter != nil {
		f.giveBack()
	}
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
	return data, nil
}

// fill reads once more into the buffer, which must come to hold n bytes from r
// on. Where bytes cannot be waited for otherwise, an idle buffer waits for them; it is
// exchanged for a busy one when more is waiting than it holds, and back when the
// connection has nothing to say.
func (f *frameReader) fill(n int) error {
	switch {
	case f.waiter != nil:
		return f.waiter.await()
	case f.busy == nil && (f.full || n > idleBuffer):
		f.borrow()
	case n > idleBuffer || f.busy != nil && (f.full || f.r < f.w):
		f.move(f.buf)
	default: // less than idleBuffer is unread
		if f.idle == nil {
			f.idle = new([idleBuffer]byte)
		}
		f.move(f.idle[:])
		if f.busy != nil {
			readBuffers.Put(f.busy)
			f.busy = nil
		}
	}
	k, err := f.read(f.buf[f.w:])
	f.came(k)
	return err
}

// skip reads what comes, whatever it is, and returns how much it was.
func (f *frameReader) skip() (n int, err error) {
	if f.quits && !f.full {
		return 0, errQuiet
	}
	err = f.fill(1)
	n, f.r = f.w-f.r, f.w
	return n, err
}

// read reads some bytes, at least one unless there is an error.
func (f *frameReader) read(b []byte) (int, error) {
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
