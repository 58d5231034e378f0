package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// binaryMode says what a binary value becomes in JSON text.
type binaryMode uint8

const (
	asPlaceholder binaryMode = iota // an attachment
	asToken                         // a string that stands for it until the text is final, see tokens.go
	asBase64                        // what encoding/json makes of []byte
	asObject                        // {"base64":"..."}, for clients that know neither attachments nor MessagePack
	asMarked                        // base64 that can be told from other strings, see tokens.go
)

// encoder collects JSON text (or MessagePack) and its binary values. Taken from a pool, used by one call.
type encoder struct {
	mode binaryMode
	buf  []byte

	bins   [][]byte // asPlaceholder: the attachments
	own    []int    // asPlaceholder: where in buf their placeholders begin
	tokens [][]byte // asToken: the values

	head   []byte // room for a header
	coarse bytes.Buffer
	coder  *json.Encoder // writes into coarse
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.coder = json.NewEncoder(&e.coarse)
	e.coder.SetEscapeHTML(false)
	return e
}}

func newEncoder(m binaryMode) *encoder {
	e := encoders.Get().(*encoder) //nolint:errcheck,forcetypeassert // the pool holds nothing else
	e.mode = m
	return e
}

// release returns the encoder unless it has grown large.
func (e *encoder) release() {
	const keep = 64 << 10
	if cap(e.buf) > keep || e.coarse.Cap() > keep {
		return
	}
	clear(e.bins)
	clear(e.tokens)
	e.buf, e.bins, e.own, e.tokens = e.buf[:0], e.bins[:0], e.own[:0], e.tokens[:0]
	e.coarse.Reset()
	encoders.Put(e)
}

// value appends any Go value as JSON.
func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, "null"...)
	case string:
		e.buf = appendQuoted(e.buf, v)
	case bool:
		e.buf = strconv.AppendBool(e.buf, v)
	case int:
		e.buf = strconv.AppendInt(e.buf, int64(v), 10)
	case int64:
		e.buf = strconv.AppendInt(e.buf, v, 10)
	case uint64:
		e.buf = strconv.AppendUint(e.buf, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%v is not a JSON number", v)
		}
		e.buf = appendNumber(e.buf, v)
	case []byte:
		if v == nil {
			e.buf = append(e.buf, "null"...)
			return nil
		}
		e.binary(v)
	case Raw:
		e.raw(v)
	case Args:
		e.array(v)
	case json.RawMessage:
		return e.message(v)
	default:
		return e.other(v)
	}
	return nil
}

// binary appends what stands for a binary value.
func (e *encoder) binary(b []byte) {
	switch e.mode {
	case asPlaceholder:
		e.own = append(e.own, len(e.buf))
		e.buf = append(e.buf, `{"_placeholder":true,"num":`...)
		e.buf = strconv.AppendInt(e.buf, int64(len(e.bins)), 10)
		e.buf = append(e.buf, '}')
		e.bins = append(e.bins, b)
	case asToken:
		e.buf = append(e.buf, '"')
		e.buf = appendToken(e.buf, len(e.tokens))
		e.buf = append(e.buf, '"')
		e.tokens = append(e.tokens, b)
	case asObject:
		e.buf = append(e.buf, `{"base64":"`...)
		e.buf = base64.StdEncoding.AppendEncode(e.buf, b)
		e.buf = append(e.buf, `"}`...)
	case asBase64, asMarked:
		e.buf = append(e.buf, '"')
		e.buf = base64.StdEncoding.AppendEncode(e.buf, b)
		if e.mode == asMarked {
			e.buf = append(e.buf, binaryMark().escaped...)
		}
		e.buf = append(e.buf, '"')
	}
}

// raw appends a received value as JSON, binary according to the mode.
func (e *encoder) raw(r Raw) {
	if r.src == nil {
		e.buf = append(e.buf, "null"...)
		return
	}
	if r.src.format == Msgpack {
		e.fromMsgpack(r.text(), 0)
		return
	}
	from := r.start
	for _, m := range r.marks() {
		e.buf = append(e.buf, r.src.text[from:m.start]...)
		e.binary(r.src.bins[m.num])
		from = m.end
	}
	e.buf = append(e.buf, r.src.text[from:r.end]...)
}

// args appends the arguments, each with a comma behind.
func (e *encoder) args(a Args) {
	for i := range a.Len() {
		e.raw(a.At(i))
		e.buf = append(e.buf, ',')
	}
}

func (e *encoder) array(a Args) {
	e.buf = append(e.buf, '[')
	e.args(a)
	if a.Len() > 0 {
		e.buf = e.buf[:len(e.buf)-1]
	}
	e.buf = append(e.buf, ']')
}

// message appends JSON that the application made.
func (e *encoder) message(m json.RawMessage) error {
	if m == nil {
		e.buf = append(e.buf, "null"...)
		return nil
	}
	s := scanner{data: m, maxDepth: maxGoDepth}
	s.space()
	if !s.value(0) || !s.end() {
		return fmt.Errorf("json.RawMessage: %s", s.err.Message)
	}
	e.buf = append(e.buf, m...)
	return nil
}

// other appends a value by encoding/json, binary by way of tokens.
func (e *encoder) other(v any) error {
	first := len(e.tokens)
	v, err := e.tokenized(v)
	if err != nil {
		return err
	}
	e.coarse.Reset()
	if err := e.coder.Encode(v); err != nil {
		return err
	}
	text := bytes.TrimSuffix(e.coarse.Bytes(), []byte{'\n'})
	if !utf8.Valid(text) { // from a json.Marshaler; WebSocket clients would close
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	if len(e.tokens) == first || e.mode == asToken {
		e.buf = append(e.buf, text...)
		return nil
	}
	for {
		i := bytes.Index(text, tokenStart())
		if i < 0 {
			break
		}
		e.buf = append(e.buf, text[:i]...)
		n, rest := readToken(text[i:])
		e.binary(e.tokens[n])
		text = rest
	}
	e.buf = append(e.buf, text...)
	clear(e.tokens[first:])
	e.tokens = e.tokens[:first]
	return nil
}

// disarm makes sure that nothing in a packet with attachments is read as a placeholder but our own.
func (e *encoder) disarm() {
	if bytes.Count(e.buf, []byte("_placeholder")) == len(e.own) && !bytes.Contains(e.buf, []byte(`\u`)) {
		return
	}
	s := scanner{data: e.buf, maxDepth: maxGoDepth, collect: true}
	if !s.value(0) {
		return // cannot be: each piece was validated
	}
	const ownValue = len(`{"_placeholder":`)
	var out []byte
	from := 0
	for _, k := range s.keys {
		text := string(e.buf[k.start:k.end])
		if _, own := slices.BinarySearch(e.own, int(k.start)-ownValue); own || text == "false" || text == "null" {
			continue
		}
		out = append(out, e.buf[from:k.start]...)
		out = append(out, "false"...)
		from = int(k.end)
	}
	if out == nil {
		return
	}
	e.buf = append(out, e.buf[from:]...)
	e.own = e.own[:0] // no longer where they were
}
