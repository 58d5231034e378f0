package engineio

import (
	"errors"
	"os"
	"slices"
	"strings"
)

// The sets of words here are closed: they are labels of the metrics.

// refusedHandshake is why a WebSocket handshake is refused that breaks RFC 6455 in a
// way that is seen only when it is answered.
const refusedHandshake = "transport handshake error"

// refusalWords are the words for each error code; the first stands for the code itself.
var refusalWords = [...][]string{
	codeUnknownTransport: {"unknown transport"},
	codeUnknownSID:       {"unknown sid", "session unavailable"},
	codeBadMethod:        {"bad method"},
	codeBadRequest: {
		"bad request", refusedHandshake, "transport mismatch", "protocol mismatch", "method", "poll overlap", "poll repeated", "post overlap", "bad packet",
		"session ended", "shutdown", "outbox total", "rate limited",
		string(DetailBodyAborted), string(DetailBodyTimeout), string(DetailPayloadTooLarge), string(DetailBadContentType),
		string(DetailBadUTF8),
	},
	codeForbidden:   {"forbidden", "origin refused"},
	codeBadProtocol: {"unsupported protocol"},
}

// Refusals lists, for each error code, why a request may be refused: the words that an
// Observer is told. Each is the name of the ConnectionError's context in small letters,
// or what the code itself says.
func Refusals() [][]string { return slices.Clone(refusalWords[:]) }

// why names the refusal for the metrics.
func (f *refusal) why() string {
	if name, ok := f.context["name"].(string); ok {
		return strings.ReplaceAll(strings.ToLower(name), "_", " ")
	}
	return refusalWords[f.code][0]
}

// UpgradeFailure says why an upgrade that was tried came to nothing. The session goes on
// by polling, if it has not ended.
type UpgradeFailure string

// The failures of an upgrade.
const (
	UpgradeNotAllowed   UpgradeFailure = "not allowed"      // switched off, or the session has or tries a WebSocket already
	UpgradeHandshake    UpgradeFailure = "handshake failed" // the connection could not be taken
	UpgradeBadProbe     UpgradeFailure = "bad probe"        // the client said something else than the protocol has
	UpgradeTimeout      UpgradeFailure = "timeout"          // not finished within UpgradeTimeout
	UpgradeLost         UpgradeFailure = "connection lost"  // the WebSocket ended
	UpgradeSessionEnded UpgradeFailure = "session ended"    // while it was tried
)

// UpgradeFailures lists them.
func UpgradeFailures() []UpgradeFailure {
	return []UpgradeFailure{UpgradeNotAllowed, UpgradeHandshake, UpgradeBadProbe, UpgradeTimeout, UpgradeLost, UpgradeSessionEnded}
}

// whyNoUpgrade names the error with which the reader of a candidate ended.
func (s *Session) whyNoUpgrade(err error) UpgradeFailure {
	switch {
	case errors.Is(err, errEnded) || s.Err() != nil:
		return UpgradeSessionEnded
	case errors.Is(err, errNoUpgrade):
		return UpgradeBadProbe
	case errors.Is(err, os.ErrDeadlineExceeded):
		return UpgradeTimeout
	}
	switch readFailure(err).Detail { //nolint:exhaustive // the others are packets or frames that are none
	case DetailConnectionLost, DetailCloseFrame:
		return UpgradeLost
	}
	return UpgradeBadProbe
}
