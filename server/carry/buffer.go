package carry

import "sync"

// bufferSize is how much is read, or written, at once, in bytes. It holds the head
// of any answer of an owner.
const bufferSize = 32 << 10

// keptBuffer is the largest buffer that is kept: some requests make theirs grow.
const keptBuffer = 2 * bufferSize

// buffer holds bytes for as long as somebody works on them.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, bufferSize)} }}

func getBuffer() *buffer {
	b := buffers.Get().(*buffer) //nolint:errcheck // the pool holds nothing else
	b.b = b.b[:0]
	return b
}

// free gives the buffer back. It may be called on nil.
func (b *buffer) free() {
	if b != nil && cap(b.b) >= bufferSize && cap(b.b) <= keptBuffer {
		buffers.Put(b)
	}
}

// room is the part of the buffer that is not filled.
func (b *buffer) room() []byte { return b.b[len(b.b):cap(b.b)] }

// fill notes that n bytes were put into the room.
func (b *buffer) fill(n int) { b.b = b.b[:len(b.b)+n] }
