package telemetry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a reading holds, in bytes.
const (
	maxDevice = 128
	maxMetric = 128
	maxUnit   = 32
	maxText   = 256
)

// Codes of errors.
const (
	codeBadRequest = "bad_request"
	codeBadDevice  = "bad_device"
	codeBadMetric  = "bad_metric"
	codeBadValue   = "bad_value"
	codeBadTime    = "bad_time"
	codeBadUnit    = "bad_unit"
	codeTooMany    = "too_many_readings"
	codeFull       = "telemetry_full"
)

// refusal is an error that the client is told. field points to what is wrong, as a JSON
// Pointer (RFC 6901) into what was sent: /2/value is the value of the third reading.
type refusal struct{ code, message, field string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(code, field, format string, args ...any) *refusal {
	return &refusal{code: code, message: fmt.Sprintf(format, args...), field: field}
}

// within puts a refusal about one reading into a list of them. what says which for people.
func (r *refusal) within(i int, what string) *refusal {
	return &refusal{code: r.code, message: what + ": " + r.message, field: "/" + strconv.Itoa(i) + r.field}
}

// Reading is what a device has measured.
type Reading struct {
	Device string `json:"device"`
	Metric string `json:"metric"`
	Value  Value  `json:"value"`
	Time   int64  `json:"time"` // milliseconds since 1970
	Unit   string `json:"unit,omitempty"`
}

// form says what readings have to be like.
type form struct {
	device   string // all of them are of this one, which need not be said; "" is any
	fallback string // whose those are that do not say; "" is an error
	strict   bool   // members that there are not are refused
	most     int
	now      time.Time
	ahead    time.Duration
	behind   time.Duration
}

// sent is a reading as it comes: each field is judged by itself, so that an error can
// name it.
type sent struct {
	Device json.RawMessage `json:"device"`
	Metric json.RawMessage `json:"metric"`
	Value  json.RawMessage `json:"value"`
	Time   json.RawMessage `json:"time"`
	Unit   json.RawMessage `json:"unit"`
}

// readings parses one reading, or an array of them.
func (f *form) readings(text []byte) ([]Reading, *refusal) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, refuse(codeBadRequest, "", "there is nothing: send a reading such as %s, or an array of them", example)
	}
	if text[0] != '[' {
		r, err := f.reading(text)
		if err != nil {
			return nil, err
		}
		return []Reading{r}, nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, refuse(codeBadRequest, "", "this is no JSON: %v", err)
	}
	if len(all) > f.most {
		return nil, f.tooMany(len(all))
	}
	out := make([]Reading, 0, len(all))
	for i, one := range all {
		r, err := f.reading(one)
		if err != nil {
			return nil, err.within(i, "reading "+strconv.Itoa(i))
		}
		out = append(out, r)
	}
	return out, nil
}

// lines parses newline-delimited JSON: a reading on each line that is not empty.
func (f *form) lines(text []byte) ([]Reading, *refusal) {
	var out []Reading
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(out) == f.most {
			return nil, refuse(codeTooMany, "", "there are more than %d readings: send them in several requests", f.most)
		}
		r, err := f.reading(line)
		if err != nil {
			return nil, err.within(len(out), "line "+strconv.Itoa(number))
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, refuse(codeBadRequest, "", "there is nothing: write a reading such as %s on each line", example)
	}
	return out, nil
}

func (f *form) tooMany(n int) *refusal {
	return refuse(codeTooMany, "", "these are %d readings; the most is %d: send them in several requests", n, f.most)
}

const example = `{"metric": "temperature", "value": 21.5, "unit": "°C"}`

func (f *form) reading(text []byte) (Reading, *refusal) {
	var s sent
	read := json.Unmarshal
	if f.strict {
		read = unmarshalStrict
	}
	err := read(text, &s)
	if name, is := unknownMember(err); is {
		return Reading{}, refuse(codeBadRequest, "/"+pointer.Replace(name), "there is no member %.100q: a reading has device, metric, value, time and unit", name)
	}
	if err != nil || len(text) == 0 || text[0] != '{' {
		return Reading{}, refuse(codeBadRequest, "", "a reading is a JSON object such as %s", example)
	}
	var r Reading
	for _, field := range []struct {
		read func(*Reading, json.RawMessage) *refusal
		text json.RawMessage
	}{{f.readDevice, s.Device}, {readMetric, s.Metric}, {readValue, s.Value}, {f.readTime, s.Time}, {readUnit, s.Unit}} {
		if string(field.text) == "null" {
			field.text = nil
		}
		if err := field.read(&r, field.text); err != nil {
			return Reading{}, err
		}
	}
	return r, nil
}

// unmarshalStrict is json.Unmarshal that refuses members that there are not.
func unmarshalStrict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.InputOffset() != int64(len(text)) {
		return errors.New("something follows")
	}
	return nil
}

// unknownMember returns the name of the member that an error of unmarshalStrict is about.
func unknownMember(err error) (name string, is bool) {
	if err == nil {
		return "", false
	}
	quoted, is := strings.CutPrefix(err.Error(), "json: unknown field ")
	if !is {
		return "", false
	}
	name, err = strconv.Unquote(quoted)
	return name, err == nil
}

// pointer writes a name as a part of a JSON Pointer (RFC 6901, section 3).
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func (f *form) readDevice(r *Reading, text json.RawMessage) *refusal {
	if r.Device = cmp.Or(f.device, f.fallback); text == nil && r.Device != "" {
		return nil
	}
	var name string
	switch err := json.Unmarshal(text, &name); {
	case text == nil:
		return refuse(codeBadDevice, "/device", "device is missing: it names whose reading this is")
	case err != nil:
		return refuse(codeBadDevice, "/device", "device is not a string")
	case f.device != "" && name != f.device:
		return refuse(codeBadDevice, "/device", "device is %q, and this request is for %q: leave it out, or send it to /api/v1/ingest", name, f.device)
	}
	r.Device = name
	if err := checkDevice(name); err != nil {
		err.field = "/device"
		return err
	}
	return nil
}

// checkDevice says what is wrong with the name of a device.
func checkDevice(name string) *refusal {
	switch {
	case name == "":
		return refuse(codeBadDevice, "", "device is empty")
	case len(name) > maxDevice:
		return refuse(codeBadDevice, "", "device is longer than %d bytes", maxDevice)
	case !plain(name) || strings.ContainsAny(name, "*/"):
		return refuse(codeBadDevice, "", "device has a character that no name can have: control characters, * and /")
	case ownDevice(name):
		return refuse(codeBadDevice, "", "the names %s and %s… are the server's own", ownName, ownPrefix)
	}
	return nil
}

// plain reports whether a text is one that people can read.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func readMetric(r *Reading, text json.RawMessage) *refusal {
	switch err := json.Unmarshal(text, &r.Metric); {
	case text == nil:
		return refuse(codeBadMetric, "/metric", "metric is missing: it says what was measured, such as \"temperature\"")
	case err != nil:
		return refuse(codeBadMetric, "/metric", "metric is not a string")
	case r.Metric == "":
		return refuse(codeBadMetric, "/metric", "metric is empty")
	case len(r.Metric) > maxMetric:
		return refuse(codeBadMetric, "/metric", "metric is longer than %d bytes", maxMetric)
	case !plain(r.Metric):
		return refuse(codeBadMetric, "/metric", "metric has control characters")
	}
	return nil
}

func readUnit(r *Reading, text json.RawMessage) *refusal {
	if text == nil {
		return nil
	}
	switch err := json.Unmarshal(text, &r.Unit); {
	case err != nil:
		return refuse(codeBadUnit, "/unit", "unit is not a string")
	case len(r.Unit) > maxUnit:
		return refuse(codeBadUnit, "/unit", "unit is longer than %d bytes", maxUnit)
	case !plain(r.Unit):
		return refuse(codeBadUnit, "/unit", "unit has control characters")
	}
	return nil
}

// readTime reads milliseconds since 1970, or RFC 3339; nothing is now.
func (f *form) readTime(r *Reading, text json.RawMessage) *refusal {
	if r.Time = f.now.UnixMilli(); text == nil {
		return nil
	}
	var ms float64
	var written string
	switch {
	case json.Unmarshal(text, &ms) == nil:
		if math.Abs(ms) > 1e15 {
			return refuse(codeBadTime, "/time", "time is no time of this age: write milliseconds since 1970")
		}
		r.Time = int64(ms)
	case json.Unmarshal(text, &written) == nil:
		at, err := time.Parse(time.RFC3339, written)
		if err != nil {
			return refuse(codeBadTime, "/time", "time is not of the form of RFC 3339, such as 2026-11-26T21:00:00Z")
		}
		r.Time = at.UnixMilli()
	default:
		return refuse(codeBadTime, "/time", "time is neither a number, milliseconds since 1970, nor a text such as 2026-11-26T21:00:00Z")
	}
	switch off := time.UnixMilli(r.Time).Sub(f.now); {
	case off > f.ahead:
		return refuse(codeBadTime, "/time", "time is %v ahead of the server's clock; the most is %v: set the device's clock, and see that these are milliseconds", round(off), f.ahead)
	case off < -f.behind:
		return refuse(codeBadTime, "/time", "time is %v behind the server's clock; the most is %v: set the device's clock, and see that these are milliseconds, not seconds", round(-off), f.behind)
	}
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(time.Second) }
