package load

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
)

// permessage-deflate, RFC 7692. The offer is that of Firefox: no parameters, so the
// server chooses whether it keeps its context from message to message. The clients
// begin each message afresh, which every server reads.

const (
	deflateOffer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	// deflateFrom is the length of the messages that clients deflate, in bytes;
	// heartbeats and what else is shorter stays as it is.
	deflateFrom = 32
	windowSize  = 32 << 10
)

var (
	errExtension = errors.New("answer to permessage-deflate that was not offered")
	errInflate   = errors.New("message does not inflate")

	errNotDeflated = errors.New("server does not accept permessage-deflate")
)

// deflateAnswer reads the extensions of an opening handshake. A server that keeps
// no context says so.
func deflateAnswer(value string) (keepsContext bool, err error) {
	params := strings.Split(value, ";")
	if strings.TrimSpace(params[0]) != "permessage-deflate" {
		return false, fmt.Errorf("%q: %w", value, errExtension)
	}
	keepsContext = true
	for _, p := range params[1:] {
		name, _, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch name {
		case "server_no_context_takeover":
			keepsContext = false
		case "client_no_context_takeover", "server_max_window_bits":
		default:
			return false, fmt.Errorf("%q: %w", value, errExtension)
		}
	}
	return keepsContext, nil
}

// tools are what a goroutine that reads and writes for clients lends them.
type tools struct {
	buf []byte // for reading

	writer *flate.Writer
	packed bytes.Buffer

	reader io.ReadCloser // of flate
	source bytes.Reader
	joined []byte // a message and what ends its stream
	plain  bytes.Buffer

	// Servers without context send the same bytes to every member of a room.
	// Those of the last messages are inflated once.
	known     map[uint64]inflated
	knownSize int
	seed      maphash.Seed

	compressed int64 // messages that were inflated
}

type inflated struct{ packed, plain []byte }

// maxKnown bounds what is kept of inflated messages, in bytes.
const maxKnown = 16 << 20

func newTools(size int) *tools { return &tools{buf: make([]byte, size)} }

// deflateEnd is what a sender takes off a message, and streamEnd an empty last
// block (RFC 7692 section 7.2).
var (
	deflateEnd = []byte{0x00, 0x00, 0xff, 0xff}
	streamEnd  = []byte{0x01, 0x00, 0x00, 0xff, 0xff}
)

// deflate returns p deflated, valid until the next call.
func (t *tools) deflate(p []byte) []byte {
	t.packed.Reset()
	if t.writer == nil {
		t.writer, _ = flate.NewWriter(&t.packed, flate.BestSpeed) // the level is a valid one
	} else {
		t.writer.Reset(&t.packed)
	}
	_, _ = t.writer.Write(p) // into memory
	_ = t.writer.Flush()
	return bytes.TrimSuffix(t.packed.Bytes(), deflateEnd)
}

// inflate returns a message that the server deflated, valid until the next call.
// window holds the last bytes that the server sent to this connection, nil when it
// keeps no context.
func (t *tools) inflate(p, window []byte) ([]byte, error) {
	t.compressed++
	if window != nil {
		return t.inflateFresh(p, window)
	}
	if t.known == nil {
		t.known, t.seed = make(map[uint64]inflated), maphash.MakeSeed()
	}
	key := maphash.Bytes(t.seed, p)
	if k, ok := t.known[key]; ok && bytes.Equal(k.packed, p) {
		return k.plain, nil
	}
	plain, err := t.inflateFresh(p, nil)
	if err != nil {
		return nil, err
	}
	if t.knownSize += len(p) + len(plain); t.knownSize > maxKnown {
		clear(t.known)
		t.knownSize = len(p) + len(plain)
	}
	t.known[key] = inflated{bytes.Clone(p), bytes.Clone(plain)}
	return plain, nil
}

func (t *tools) inflateFresh(p, window []byte) ([]byte, error) {
	t.joined = append(append(append(t.joined[:0], p...), deflateEnd...), streamEnd...)
	t.source.Reset(t.joined)
	if t.reader == nil {
		t.reader = flate.NewReaderDict(&t.source, window)
	} else if again, ok := t.reader.(flate.Resetter); ok { // it always is
		if err := again.Reset(&t.source, window); err != nil {
			return nil, fmt.Errorf("%w: %w", errInflate, err)
		}
	}
	t.plain.Reset()
	n, err := t.plain.ReadFrom(io.LimitReader(t.reader, maxFrame+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errInflate, err)
	case n > maxFrame:
		return nil, errFrameTooLarge
	}
	return t.plain.Bytes(), nil
}

// slide appends p to a window and forgets what no reference can reach. It moves the
// bytes once in a while only.
func slide(window, p []byte) []byte {
	if len(p) >= windowSize {
		return append(window[:0], p[len(p)-windowSize:]...)
	}
	if len(window)+len(p) > 2*windowSize {
		window = window[:copy(window, window[len(window)-windowSize:])]
	}
	return append(window, p...)
}

// lastOf is the part of a window that references can reach.
func lastOf(window []byte) []byte {
	return window[max(0, len(window)-windowSize):]
}
