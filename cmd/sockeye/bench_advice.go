package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/bench/load"
)

// What can be done about limits of the server. Others than Sockeye have other names for them.
const (
	adviceHandshakes = "the server takes no more connections from one address: on Sockeye, --ip-handshakes off and --ip-connections off lift that"
	adviceEvents     = "the server takes no more events from one client: on Sockeye, --event-rate off lifts that; or say less, with a smaller --rate or --window"
	adviceUser       = "the server takes no more connections of one user: on Sockeye, --user-handshakes off and --user-connections off lift that"
	adviceFull       = "the server is full, or not there: on Sockeye, --max-connections and the limit of open files decide"
	adviceSlow       = "the server did not keep up with what was said: say less, with a smaller --rate, --window or --payload; on Sockeye, --byte-rate is from where on it reads a client more slowly"
	adviceToken      = "show who the clients are, with --token or --auth; on Sockeye, --anonymous lets everybody in"
	adviceRoom       = "name a room that this token may use with --room, or show another token"
	adviceConnect    = "that is the server's answer to CONNECT: --namespace, --token and --auth are what it is about"
	adviceRelay      = "fan-out and echo need the relay's contract (join, say and echo), on Sockeye --relay on, which is the default, and the right --namespace; --work connect,idle does without"
	adviceWebSocket  = "Socket.IO is there, and no WebSocket came through: does the proxy pass Upgrade on? --transport polling does without"
)

// troubles are what the generator's texts tell apart, and what can be done; the first that
// matches counts.
var troubles = []struct {
	sign   *regexp.Regexp
	advice string
	relay  bool // it is about works that need the relay
}{
	{regexp.MustCompile(`does not accept permessage-deflate`), "on Sockeye, --per-message-deflate does", false},
	{regexp.MustCompile(`HTTP/1\.1 429|status 429`), adviceHandshakes, false},
	{regexp.MustCompile(`HTTP/1\.1 50[234]|status 50[234]`), adviceFull, false},
	{regexp.MustCompile(`"user-(connections|handshakes)"`), adviceUser, false},
	{regexp.MustCompile(`"rate_limited"|\["limit",`), adviceEvents, false},
	{regexp.MustCompile(`"(unauthorized|invalid_token|token_expired|blocked)"|status 40[13]|HTTP/1\.1 40[13]`), adviceToken, false},
	{regexp.MustCompile(`"code":"forbidden"`), adviceRoom, true},
	{regexp.MustCompile(`WebSocket refused|upgrade: `), adviceWebSocket, false},
	{regexp.MustCompile(`refused: "4`), adviceConnect, false},
	{regexp.MustCompile(`i/o timeout|deadline exceeded|nothing arrived|join answered`), adviceRelay, true},
}

// slowly is what a server does to messages that it would have taken from fewer, or later.
var slowly = regexp.MustCompile(`nothing arrived|not sent in time`)

// adviceAfter is advice about what went wrong once the first client had got all it asked for.
func adviceAfter(kind load.Kind, text string) string {
	a := advice(kind, text)
	if (a == "" || a == adviceRelay) && slowly.MatchString(text) {
		return adviceSlow
	}
	if a == adviceRelay {
		return ""
	}
	return a
}

// advice is what can be done about what went wrong, or "".
func advice(kind load.Kind, text string) string {
	text = strings.ReplaceAll(text, `\"`, `"`)
	for _, t := range troubles {
		if t.sign.MatchString(text) && (!t.relay || kind == load.Fanout || kind == load.Echo) {
			return t.advice
		}
	}
	return ""
}

// why says why no client of a work could connect, and what can be done: where there is no
// server, in the words of greet.
func (b *bench) why(kind load.Kind, err error, advice func(load.Kind, string) string) (what, do string) {
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		what, do, _ = strings.Cut(printable(b.unreachable(network).Error()), ": is ")
		if do != "" {
			do = "is " + do
		}
		return what, do
	}
	return plain(err.Error()), advice(kind, err.Error())
}

// unfit says what is wrong with a server that lets clients in and does not do what they ask.
func (b *bench) unfit(kind load.Kind, r *load.Result) error {
	return advised(kind, "one client alone: "+r.Failure()+": "+strings.Join(plainNotes(r.Notes), "; "), advice(kind, strings.Join(r.Notes, "\n")))
}

func advised(kind load.Kind, what, advice string) error {
	if advice != "" {
		what += ": " + advice
	}
	return errors.New(name(kind) + ": " + what)
}

var (
	fromGenerator = regexp.MustCompile(`load: |no client could connect: |client \d+: |read tcp \S+: `)
	quoted        = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// plain is a text of the generator for people: the first line, without numbers of clients, and
// with what the server said as it said it.
func plain(text string) string {
	text, _, _ = strings.Cut(text, "\n") // what other clients met is the same
	text = fromGenerator.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "i/o timeout", "no answer in time")
	return printable(quoted.ReplaceAllStringFunc(text, func(q string) string {
		said, err := strconv.Unquote(q)
		if err != nil {
			return q
		}
		var refused struct{ Message string }
		if at := strings.IndexByte(said, '{'); at > 0 && said[0] == '4' && json.Unmarshal([]byte(said[at:]), &refused) == nil && refused.Message != "" {
			return fmt.Sprintf("%q", refused.Message)
		}
		said, _, _ = strings.Cut(said, "\r\n")
		return said
	}))
}

// printable is a text that may be the server's, with what is not to be printed escaped as in
// Go: a terminal would obey it.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(quoted[1 : len(quoted)-1])
}

// numbers are what notes about the same differ in; those of messages are hexadecimal.
var numbers = regexp.MustCompile(`[0-9a-f]*[0-9][0-9a-f.]*`)

// plainNotes are notes for people; of those that differ in numbers only, the first.
func plainNotes(notes []string) []string {
	var all, kinds []string
	for _, n := range notes {
		n = plain(n)
		if kind := numbers.ReplaceAllString(n, "0"); !slices.Contains(kinds, kind) {
			all, kinds = append(all, n), append(kinds, kind)
		}
	}
	return all
}
