package problem

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// ContentType is the media type of a problem (RFC 9457, section 3).
const ContentType = "application/problem+json"

// Codes of problems that no other package names.
const (
	CodeBadRequest  = "bad_request" // 400: the request is not of the documented form
	CodeNotFound    = "not_found"   // 404
	CodeTooLarge    = "too_large"   // 413
	CodeUnsupported = "unsupported" // 415: another Content-Type is expected
	CodeUnavailable = "unavailable" // 503: try again later
	CodeFailed      = "failed"      // 500: the log knows more
)

// Problem is an error that an HTTP client is told.
type Problem struct {
	// Status is that of the answer.
	Status int
	// Code says what is wrong in one word for programs, Message in a sentence for people.
	Code, Message string
	// Field points to what was wrong in the request's body, as a JSON Pointer; "" is
	// nothing in particular.
	Field string
	// RetryAfter is when to try again; 0 is not said.
	RetryAfter time.Duration
	// All are the problems of a request that has several, this one first; nil is no more
	// than this.
	All []*Problem
	// Err is for the log; the client does not hear of it.
	Err error
}

// New returns a problem without more than these.
func New(status int, code, message string) *Problem {
	return &Problem{Status: status, Code: code, Message: message}
}

// Error says it with the cause.
func (p *Problem) Error() string {
	if p.Err != nil {
		return p.Code + ": " + p.Message + ": " + p.Err.Error()
	}
	return p.Code + ": " + p.Message
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// document is what is sent.
type document struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Error  body   `json:"error"`
	Errors []body `json:"errors,omitempty"`
}

// body is the one shape of errors.
type body struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Field      string `json:"field,omitempty"`
	RetryAfter int64  `json:"retryAfter,omitempty"` // milliseconds
}

// MarshalJSON returns the document.
func (p *Problem) MarshalJSON() ([]byte, error) {
	d := document{
		Type: "about:blank", Title: http.StatusText(p.Status), Status: p.Status, Detail: p.Message, Error: p.body(),
	}
	for _, one := range p.All {
		d.Errors = append(d.Errors, one.body())
	}
	return json.Marshal(d)
}

func (p *Problem) body() body { return body{p.Code, p.Message, p.Field, p.RetryAfter.Milliseconds()} }

// Write answers a request with a problem. Nothing may have been written before.
func Write(w http.ResponseWriter, p *Problem) {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="sockeye"`)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(text) // the client may be gone
}

// Of returns the problem of an error: itself, or what it is in the words of HTTP.
func Of(err error) *Problem {
	var p *Problem
	var barred *auth.Error
	var room *rooms.Error
	var over *limit.Exceeded
	var refused *socketio.Refused
	var connect *socketio.ConnectError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &barred):
		return &Problem{Status: statusOf(barred.Code), Code: string(barred.Code), Message: barred.Message, Err: barred.Err}
	case errors.As(err, &room):
		return &Problem{Status: http.StatusBadRequest, Code: room.Code, Message: room.Message}
	case errors.As(err, &over):
		status := http.StatusTooManyRequests
		if over.Limit == limit.NodeConnections {
			status = http.StatusServiceUnavailable
		}
		return &Problem{Status: status, Code: socketio.CodeRateLimited, Message: over.Error(), RetryAfter: over.RetryAfter}
	}
	switch {
	case errors.As(err, &refused):
		return &Problem{Status: refused.Status, Code: refused.Code, Message: refused.Message, RetryAfter: refused.RetryAfter}
	case errors.As(err, &connect):
		return ofConnect(connect)
	}
	return &Problem{Status: http.StatusInternalServerError, Code: CodeFailed, Message: "the server could not do this", Err: err}
}

// ofConnect is a refusal by those who decide who may connect to a namespace.
func ofConnect(e *socketio.ConnectError) *Problem {
	p := &Problem{Status: http.StatusForbidden, Code: e.Code(), Message: e.Message, RetryAfter: e.RetryAfter()}
	switch p.Code {
	case "":
		p.Code = string(auth.CodeForbidden)
	case socketio.CodeRateLimited:
		p.Status = http.StatusTooManyRequests
	default:
		p.Status = statusOf(auth.Code(p.Code))
		if p.RetryAfter > 0 && p.Status == http.StatusForbidden { // it is not the client that is wrong
			p.Status = http.StatusServiceUnavailable
		}
	}
	return p
}

// statusOf is the status of a refusal. Only what a client may mend by showing something
// else is a 401.
func statusOf(c auth.Code) int {
	switch c {
	case auth.CodeUnauthorized, auth.CodeInvalidToken, auth.CodeTokenExpired:
		return http.StatusUnauthorized
	case auth.CodeUnavailable:
		return http.StatusServiceUnavailable
	case auth.CodeForbidden, auth.CodeOtherUser, auth.CodeBlocked:
	}
	return http.StatusForbidden
}
