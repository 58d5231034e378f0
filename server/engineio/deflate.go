package engineio

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// deflateTail ends every deflated message and is not sent (RFC 7692, section
// 7.2.1); after it an empty final block lets the reader end cleanly.
var (
	deflateTail = []byte{0x00, 0x00, 0xFF, 0xFF}
	inflateTail = []byte{0x00, 0x00, 0xFF, 0xFF, 0x01, 0x00, 0x00, 0xFF, 0xFF}
)

var (
	flateWriters = sync.Pool{New: func() any {
		w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
	flateReaders = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}
	gzipWriters  = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
	zlibWriters = sync.Pool{New: func() any {
		w, err := zlib.NewWriterLevel(io.Discard, zlib.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
)

// deflate compresses one message without context. Writing to memory cannot fail.
func deflate(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flateWriters.Get().(*flate.Writer)
	defer flateWriters.Put(w)
	w.Reset(&out)
	_, err := w.Write(b)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(out.Bytes(), deflateTail)
}

// inflate decompresses one message of at most limit bytes. What a message would
// grow to is not believed: reading stops at the limit.
func inflate(b []byte, limit int64) ([]byte, error) {
	r, _ := flateReaders.Get().(io.ReadCloser)
	defer flateReaders.Put(r)
	if err := r.(flate.Resetter).Reset(io.MultiReader(bytes.NewReader(b), bytes.NewReader(inflateTail)), nil); err != nil { //nolint:errcheck,forcetypeassert // flate.NewReader documents it
		return nil, &frameError{DetailDecompression, err.Error()}
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, limit+1))
	switch {
	case n > limit:
		return nil, &frameError{DetailPayloadTooLarge, "message longer than the maximum payload after decompression"}
	case err != nil:
		return nil, &frameError{DetailDecompression, err.Error()}
	}
	return out.Bytes(), nil
}

// compressor is what the writers of both content codings have in common.
type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// compressed encodes the body of a poll answer in a content coding.
func compressed(coding string, b []byte) []byte {
	pool := &gzipWriters
	if coding == codingDeflate {
		pool = &zlibWriters
	}
	var out bytes.Buffer
	w, _ := pool.Get().(compressor)
	defer pool.Put(w)
	w.Reset(&out)
	_, err := w.Write(b)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // writing to memory cannot fail
	}
	return out.Bytes()
}
