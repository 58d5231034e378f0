package httplane

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"net/http"
	"strings"
)

// Request is one request as it lies in a buffer.
type Request struct {
	Post   bool   // the method is POST; otherwise it is GET
	Path   []byte // of the request target
	Query  []byte // what follows its first question mark
	Print  Print
	Head   int // length in bytes, with the empty line
	Length int // of the body
}

// Print is the fingerprint of method, path and header, without Content-Length. Two
// requests that have the same one are alike, but for a chance of one in 2^64. It holds
// within this process only.
type Print uint64

// Verdict says what the bytes are that were parsed.
type Verdict uint8

// The verdicts.
const (
	Whole   Verdict = iota // a request and its body; more may follow
	Partial                // the beginning of what may become one
	Foreign                // something else, which net/http must read
)

const (
	maxName   = 64 // bytes of a header's name
	maxDigits = 9  // of a Content-Length
	version   = "HTTP/1.1"
)

var seed = maphash.MakeSeed()

// Parse reads the request at the beginning of b.
func Parse(b []byte) (Request, Verdict) {
	var r Request
	line, at, verdict := cutLine(b, 0)
	if verdict != Whole {
		return r, verdict
	}
	if !r.requestLine(line) {
		return r, Foreign
	}
	length := -1
	for {
		line, at, verdict = cutLine(b, at)
		if verdict != Whole {
			return r, verdict
		}
		if len(line) == 0 {
			break
		}
		if !r.field(line, &length) {
			return r, Foreign
		}
	}
	r.Head = at
	switch {
	case r.Post && length < 0, !r.Post && length > 0:
		return r, Foreign
	case length > len(b)-at:
		r.Length = length
		return r, Partial
	}
	r.Length = max(length, 0)
	return r, Whole
}

// cutLine returns the line that begins at an offset, and where the next one does. Lines
// end with CR LF (RFC 9112, section 2.2); others are foreign.
func cutLine(b []byte, at int) (line []byte, next int, v Verdict) {
	i := bytes.IndexByte(b[at:], '\n')
	switch {
	case i < 0:
		return nil, at, Partial
	case i == 0 || b[at+i-1] != '\r':
		return nil, at, Foreign
	}
	return b[at : at+i-1], at + i + 1, Whole
}

// requestLine reads the first line (RFC 9112, section 3).
func (r *Request) requestLine(line []byte) bool {
	method, rest, _ := bytes.Cut(line, []byte{' '})
	target, proto, _ := bytes.Cut(rest, []byte{' '})
	switch string(method) {
	case http.MethodGet:
	case http.MethodPost:
		r.Post = true
	default:
		return false
	}
	if len(target) == 0 || target[0] != '/' || string(proto) != version {
		return false
	}
	for _, c := range target {
		if c <= ' ' || c > '~' || c == '#' {
			return false
		}
	}
	r.Path, r.Query, _ = bytes.Cut(target, []byte{'?'})
	r.Print = startPrint(r.Post, maphash.Bytes(seed, r.Path))
	return true
}

// field reads a field line (RFC 9112, section 5).
func (r *Request) field(line []byte, length *int) bool {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || colon > maxName {
		return false
	}
	var room [maxName]byte
	name := room[:colon]
	for i, c := range line[:colon] {
		lower := tokens[c]
		if lower == 0 {
			return false
		}
		name[i] = lower
	}
	value := bytes.Trim(line[colon+1:], " \t")
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	switch string(name) {
	case "content-length":
		var ok bool
		if *length >= 0 {
			return false
		}
		*length, ok = digits(value)
		return ok
	case "transfer-encoding", "trailer", "expect", "upgrade":
		return false
	}
	r.Print += fieldPrint(maphash.Bytes(seed, name), maphash.Bytes(seed, value))
	return true
}

func digits(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > maxDigits {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// tokens maps the characters of a token (RFC 9110, section 5.6.2) to their small form,
// and others to 0.
var tokens = func() (t [256]byte) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		t[c] = c
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = byte(c) + 'a' - 'A'
	}
	return t
}()

// PrintOf is the fingerprint of a request that net/http has read. ok is false for one
// that Parse would not read.
func PrintOf(r *http.Request) (p Print, ok bool) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 || !strings.HasPrefix(path, "/") || r.Method != http.MethodGet && r.Method != http.MethodPost {
		return 0, false
	}
	if len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 {
		return 0, false
	}
	if r.Method == http.MethodGet && r.ContentLength != 0 { // nobody may have read the body
		return 0, false
	}
	p = startPrint(r.Method == http.MethodPost, maphash.String(seed, path))
	p += fieldPrint(maphash.String(seed, "host"), maphash.String(seed, r.Host)) // net/http takes it out of the header
	for name, values := range r.Header {
		switch name {
		case "Content-Length":
			continue
		case "Expect", "Upgrade":
			return 0, false
		}
		if len(values) != 1 { // of several lines the fingerprint does not tell the order
			return 0, false
		}
		p += fieldPrint(maphash.String(seed, strings.ToLower(name)), maphash.String(seed, values[0]))
	}
	return p, true
}

func startPrint(post bool, path uint64) Print {
	if post {
		path = ^path
	}
	return Print(path)
}

// fieldPrint mixes name and value. The prints of fields are added up, since net/http does
// not keep their order.
func fieldPrint(name, value uint64) Print {
	high, low := bits.Mul64(name^0x9e3779b97f4a7c15, value^0xd1b54a32d192ed03)
	return Print(high ^ low)
}
