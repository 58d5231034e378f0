package socketio

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// Refused is why a request of a guest was refused before it was asked who makes it.
type Refused struct {
	Status        int // of HTTP
	Code, Message string
	RetryAfter    time.Duration // 0: nothing is said of it
}

// Error says code and message.
func (r *Refused) Error() string { return r.Code + ": " + r.Message }

var (
	errNoNamespace = &Refused{Status: http.StatusNotFound, Code: "unknown_namespace", Message: "there is no such namespace"}
	errNotBegun    = &Refused{Status: http.StatusServiceUnavailable, Code: "unavailable", Message: "the server ended the connection before it began: try again", RetryAfter: 2 * time.Second}
)

// refusedRequest is a refusal of the engine in words of its own.
func refusedRequest(err error) error {
	var r *engineio.Refusal
	if !errors.As(err, &r) {
		return err
	}
	code := "bad_request"
	switch {
	case r.Status == http.StatusTooManyRequests, strings.EqualFold(r.Name, CodeRateLimited): // also where a node is full
		code = CodeRateLimited
	case r.Status == http.StatusServiceUnavailable:
		code = "unavailable"
	case r.Status == http.StatusForbidden:
		code = "forbidden"
	case r.Status == http.StatusMethodNotAllowed:
		code = "method_not_allowed"
	case r.Status == http.StatusUpgradeRequired:
		code = "upgrade_required"
	}
	return &Refused{Status: r.Status, Code: code, Message: r.Message, RetryAfter: r.RetryAfter}
}

// ended is why the server disconnected a guest for good: a code, as that of Socket.End.
type ended struct{ code string }

func (e *ended) Error() string { return "socketio: disconnected: " + e.code }

// CodeOf returns the code of an error that refuses a client: the member "code" of the
// data of a *ConnectError, or the Code of a *Refused; "" if there is none.
func CodeOf(err error) string {
	var r *Refused
	var ce *ConnectError
	switch {
	case errors.As(err, &r):
		return r.Code
	case errors.As(err, &ce):
		code, _ := ce.told()
		return code
	}
	return ""
}

// told reads what the data of a refusal says by the one shape of errors.
func (e *ConnectError) told() (code string, retry time.Duration) {
	text, err := json.Marshal(e.Data)
	if err != nil {
		return "", 0
	}
	var body struct {
		Code       string `json:"code"`
		RetryAfter int64  `json:"retryAfter"`
	}
	if json.Unmarshal(text, &body) != nil {
		return "", 0
	}
	return body.Code, time.Duration(body.RetryAfter) * time.Millisecond
}

// Code returns the member "code" of Data, or "".
func (e *ConnectError) Code() string {
	code, _ := e.told()
	return code
}

// RetryAfter returns the member "retryAfter" of Data, in milliseconds there, or 0.
func (e *ConnectError) RetryAfter() time.Duration {
	_, retry := e.told()
	return retry
}

// detailOf is the detail with which the connection of a guest ends for a code.
func detailOf(code string) engineio.Detail {
	switch code {
	case CodeRateLimited:
		return engineio.DetailRateLimited
	case string(engineio.DetailHandlerPanic):
		return engineio.DetailHandlerPanic
	}
	return engineio.DetailServerDisconnect
}

// closeFrame says what the close frame of a plain WebSocket tells. The tables below are
// the only place where that is decided.
//
// Codes from 4000 are for applications (RFC 6455, section 7.4.2). Those up to 4003 say
// that the same client need not come back as it is.
func closeFrame(c *engineio.CloseError) (code uint16, text string) {
	var e *ended
	if errors.As(c.Err, &e) {
		if row, known := closeOfCode[e.code]; known {
			return row.code, row.text
		}
		return 4000, "Disconnected by the server"
	}
	if row, known := closeOfDetail[c.Detail]; known {
		return row.code, row.text
	}
	return 1000, ""
}

type closeRow struct {
	code uint16
	text string
}

// closeOfCode is what a guest is told that was disconnected for a code.
var closeOfCode = map[string]closeRow{
	"unauthorized":      {4001, "Authentication required"},
	"invalid_token":     {4002, "Invalid token"},
	"token_expired":     {4002, "Token expired"},
	"other_user":        {4002, "Token of another user"},
	"forbidden":         {4003, "Forbidden"},
	"blocked":           {4003, "Blocked"},
	"unknown_namespace": {4004, "Unknown namespace"},
	CodeRateLimited:     {4008, "Rate limited"},

	string(engineio.DetailHandlerPanic): {1011, "Internal error"},

	"failed":              {1011, "Internal error"},
	"bad_answer":          {1011, "Internal error"},
	"backend_timeout":     {1013, "Try again later"},
	"backend_unavailable": {1013, "Try again later"},
	"auth_unavailable":    {1013, "Try again later"},
	"unavailable":         {1013, "Try again later"},
}

// closeOfDetail is what a guest is told whose connection ended.
var closeOfDetail = map[engineio.Detail]closeRow{
	engineio.DetailServerDisconnect: {4000, "Disconnected by the server"},
	engineio.DetailRefused:          {4003, "Forbidden"},
	engineio.DetailConnectTimeout:   {4001, "Authentication required"},
	engineio.DetailRateLimited:      {4008, "Rate limited"},
	engineio.DetailPayloadTooLarge:  {4009, "Message too large"},

	engineio.DetailShutdown: {1012, "Service restart"},
	engineio.DetailDrain:    {1012, "Service restart"},

	engineio.DetailBadFrame:         {1002, "Protocol error"},
	engineio.DetailDecompression:    {1002, "Protocol error"},
	engineio.DetailUnexpectedPacket: {1003, "Text messages only"},
	engineio.DetailBadUTF8:          {1007, "Not UTF-8"},
	engineio.DetailBadMessage:       {1008, "Too many malformed messages"},
	engineio.DetailHandlerPanic:     {1011, "Internal error"},
	engineio.DetailHandlerStall:     {1013, "Try again later"},
	engineio.DetailLogGap:           {1013, "Messages may have been missed"},
}
