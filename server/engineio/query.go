package engineio

import (
	"net/url"
	"strings"
)

// query is what the server reads of a request's query string.
type query struct {
	transport string
	sid       string
	t         string // cache buster; tells a retry from a new request
	j         string // JSONP callback index, digits only
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
			q.t = value
		case "b64":
			q.b64 = value != "" && value != "0" && value != "false"
		case "j":
			q.jsonp, q.j = true, onlyDigits(value)
		}
	}
	return q
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
