package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Raw is one received value, validated, immutable, and safe to relay: it may be
// passed to Emit as it is.
type Raw = wire.Raw

// Args are the received arguments of an event or acknowledgement. They are
// immutable; passed to Emit they stand for all of their values.
type Args = wire.Args

// NewRaw encodes a Go value as an argument of Emit would be.
func NewRaw(v any) (Raw, error) { return wire.NewRaw(v) }

// emptyObject is {}: what a handshake's Auth is when the client sent none.
func emptyObject() Raw {
	r, err := wire.NewRaw(struct{}{})
	if err != nil {
		return Raw{} // cannot be
	}
	return r
}

// idLen is the length of socket ids and private ids, as of Node's base64id.
const idLen = 20

// isID reports whether a text could be the id of a socket.
func isID(s string) bool {
	if len(s) != idLen || strings.ContainsAny(s, "\r\n") { // which base64 passes over
		return false
	}
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil
}

// MayBeID reports whether a name could be the id of a socket: 20 letters, digits, - and _.
// What is sent to a room of such a name may be meant for one client alone.
func MayBeID(name string) bool { return isID(name) }

// newPID returns a private id of a socket: its id and a secret as long again, so that
// what is kept of a session can be found by either.
func newPID(id string) string { return id + newID() }

// unsavedPID is the private id of a socket whose session is not saved. There is nothing
// to be had for it; who hands it in has been here before.
func unsavedPID(id string) string { return id + id }

// newID returns 120 random bits as 20 base64url characters.
func newID() string {
	var b [idLen * 6 / 8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}
