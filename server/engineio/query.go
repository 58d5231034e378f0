package engineio

import (
	"hash/maphash"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// query is what the server reads of a request's query string.
type query struct {
	transport string
	sid       string
	j         string // JSONP callback index, digits only
	id        requestID
	protocol  int
	b64       bool // the client cannot take binary
	jsonp     bool
}

// parseQuery scans a query string without building a map. As in Node's server,
// protocol 3 is what a client speaks that does not say 4. Of a repeated key the
// last counts.
func parseQuery(raw string) query {
	q := query{protocol: 3}
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(pair, "=")
		if strings.IndexByte(value, '%') >= 0 || strings.IndexByte(value, '+') >= 0 {
			if v, err := url.QueryUnescape(value); err == nil {
				value = v
			}
		}
		switch key {
		case "EIO":
			q.protocol = 3
			if value == "4" {
				q.protocol = 4
			}
		case "transport":
			q.transport = value
		case "sid":
			q.sid = value
		case "t":
			q.id = requestIDOf(value)
		case "b64":
			q.b64 = value != "" && value != "0" && value != "false"
		case "j":
			q.jsonp, q.j = true, onlyDigits(value)
		}
	}
	return q
}

// requestID tells a request that was sent again, by a proxy, from the next one of the same
// session. 0 tells nothing. It is a hash of the cache buster t, so that a session keeps no
// query.
type requestID uint64

var requestIDSeed = maphash.MakeSeed()

// requestIDOf returns what t tells. Node's server makes nothing of t. Of the official client
// it is another one in each request: the time and a counter in base 64 (yeast), or from 4.8 on
// a part of the time and chance in base 36. Elsewhere it is a clock, and two requests in a row
// may have the same: seconds or milliseconds in C++, C# and Python, a sum of one in Rust,
// milliseconds in base 36 in Dart. Those tell nothing.
func requestIDOf(t string) requestID {
	if strings.Trim(t, "0123456789.") == "" || isClock(t) {
		return 0
	}
	return requestID(maphash.String(requestIDSeed, t))
}

// isClock reports whether t is a time of these days in base 36: so is one t of many by chance,
// whose request is then not known again.
func isClock(t string) bool {
	const digits = 8 // from 1972 to 2059
	if len(t) != digits {
		return false
	}
	ms, err := strconv.ParseInt(t, 36, 64)
	return err == nil && time.Since(time.UnixMilli(ms)).Abs() < 24*time.Hour
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
