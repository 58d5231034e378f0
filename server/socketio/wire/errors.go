package wire

import (
	"errors"
	"fmt"
)

// Kind says what is wrong with a received message. The set is closed: it labels metrics and logs.
type Kind uint8

// The kinds of malformed input.
const (
	KindEmpty       Kind = iota + 1 // a message without a packet type
	KindType                        // no such packet type, or one that this format does not have
	KindAttachments                 // number of attachments unreadable or zero
	KindTooMany                     // more attachments (or binary values) than allowed
	KindUnexpected                  // text while attachments are awaited, binary while none is, or text on MessagePack
	KindNamespace                   // not UTF-8, control characters, too long, or not a string
	KindID                          // acknowledgement id out of range, missing in an ACK, or not an integer
	KindPayload                     // payload missing, or of a JSON type this packet does not take
	KindEvent                       // event name missing, too long, or neither string nor number
	KindReserved                    // reserved event name
	KindSyntax                      // not JSON (RFC 8259), not MessagePack
	KindUTF8                        // a string that is not UTF-8
	KindDepth                       // nested deeper than allowed
	KindPlaceholder                 // a placeholder out of range, used twice, or with something else in it
	KindSize                        // more than 4 GiB
)

// String gives a short word for labels, such as "syntax".
func (k Kind) String() string {
	if int(k) < len(kindWords) && k > 0 {
		return kindWords[k]
	}
	return "unknown"
}

var kindWords = [...]string{
	KindEmpty: "empty", KindType: "type", KindAttachments: "attachments", KindTooMany: "too_many_attachments",
	KindUnexpected: "unexpected", KindNamespace: "namespace", KindID: "id", KindPayload: "payload",
	KindEvent: "event_name", KindReserved: "reserved_event", KindSyntax: "syntax", KindUTF8: "utf8",
	KindDepth: "depth", KindPlaceholder: "placeholder", KindSize: "size",
}

// Error is malformed input: what every method of Decoder returns.
type Error struct {
	Kind    Kind
	Offset  int    // where in the message, in bytes
	Message string // plain words, without anything of the input
}

func (e *Error) Error() string {
	return fmt.Sprintf("socket.io packet: %s (at byte %d)", e.Message, e.Offset)
}

// ErrReserved is wrapped by the error of Encode for a reserved event name, ErrTooMany for one with too many
// attachments.
var (
	ErrReserved = errors.New("reserved event name")
	ErrTooMany  = errors.New("too many binary attachments")
)

// EncodeError is a value that cannot be sent, or an argument that cannot be decoded by Args.Bind.
type EncodeError struct {
	Arg int // 0 is the first argument after the event name; -1 the payload
	Err error
}

func (e *EncodeError) Error() string {
	if e.Arg < 0 {
		return "payload: " + e.Err.Error()
	}
	return fmt.Sprintf("argument %d: %s", e.Arg, e.Err.Error())
}

func (e *EncodeError) Unwrap() error { return e.Err }
