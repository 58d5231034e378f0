package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
)

// wrong is a request that is not of the documented form; field points to where.
func wrong(field, format string, args ...any) *problem.Problem {
	return &problem.Problem{Status: http.StatusBadRequest, Code: problem.CodeBadRequest, Message: fmt.Sprintf(format, args...), Field: field}
}

// decode reads a JSON object into a struct, which has a field for each of its members. at
// points to the object in the body.
func decode(text []byte, at string, dst any) error {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' {
		if len(text) > 0 && json.Valid(text) {
			return wrong(at, "it is no JSON object")
		}
		return wrong(at, "it is no JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(dst); err != nil {
		return mistake(err, at)
	}
	if dec.More() || dec.InputOffset() != int64(len(text)) {
		return wrong(at, "there is text after the JSON object")
	}
	return nil
}

// mistake says what is wrong with a JSON text.
func mistake(err error, at string) error {
	var form *json.UnmarshalTypeError
	if errors.As(err, &form) {
		field := at
		if form.Field != "" {
			path := strings.Split(form.Field, ".")
			if len(path) > 1 && (path[0] == "message" || path[0] == "targets" || path[0] == "Notification") {
				path = path[1:] // the name of a struct that is embedded, which JSON does not have
			}
			field += "/" + strings.Join(path, "/")
		}
		return wrong(field, "it is a JSON %s, and should be %s", form.Value, kindOf(form.Type.Kind().String()))
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		if text, err := strconv.Unquote(name); err == nil {
			return wrong(at+"/"+pointer(text), "there is no such member: %.100q", text)
		}
	}
	return wrong(at, "it is no JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// kindOf is a kind of Go in the words of JSON.
func kindOf(kind string) string {
	switch {
	case kind == "slice":
		return "an array"
	case kind == "bool":
		return "true or false"
	case kind == "string":
		return "a string"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "float"):
		return "a number"
	}
	return "an object"
}

// pointer writes a name as a part of a JSON Pointer (RFC 6901, section 3).
func pointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// names reads a list of strings, or of integers, which stand for their decimal texts; nil
// is none. Null is refused, and an empty list: either may be a mistake, and what it is
// meant for would go to everybody.
func names(text json.RawMessage, field string) ([]string, error) {
	if text == nil {
		return nil, nil
	}
	var list []any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	switch err := dec.Decode(&list); {
	case err != nil || list == nil:
		return nil, wrong(field, "it is no array of names")
	case len(list) == 0:
		return nil, wrong(field, "it is empty: leave it out, or name one")
	case len(list) > maxNames:
		return nil, wrong(field, "there are %d names; the most is %d", len(list), maxNames)
	}
	out := make([]string, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case string:
			out[i] = v
			continue
		case json.Number:
			if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
				out[i] = strconv.FormatInt(n, 10)
				continue
			}
		}
		return nil, wrong(field+"/"+strconv.Itoa(i), "it is neither a string nor an integer")
	}
	return out, nil
}

// maxNames bounds each list of rooms, users or sockets.
const maxNames = 1000

// query reads the parameters of a GET, of which there are some and no others.
type query struct{ url.Values }

// query reads them; those that hold credentials were looked at before.
func (a *API) query(c *call, known ...string) (query, error) {
	all, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return query{}, wrong("", "the query cannot be read: percent-encode its values")
	}
	for name := range all {
		if name != auth.TicketQuery && name != a.opts.TokenQuery && !slices.Contains(known, name) {
			return query{}, wrong("", "there is no parameter %.100q: this takes %s", name, strings.Join(known, ", "))
		}
	}
	return query{all}, nil
}

// limit is how many of a list are asked for.
func (q query) limit() (int, error) {
	text := q.Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, wrong("", "limit is no number from 1 to %d", maxPage)
	}
	return n, nil
}
