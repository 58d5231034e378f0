package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func formOf(device string) *form {
	return &form{device: device, most: 100, now: noon, ahead: time.Minute, behind: time.Hour}
}

func TestReadingsAreRead(t *testing.T) {
	ms := noon.UnixMilli()
	for text, want := range map[string]string{
		`{"metric":"m","value":1}`: `[{"device":"d","metric":"m","value":1,"time":%d}]`,
		`{"device":"d","metric":"m","value":-0.5,"unit":"°C","time":null}`:             `[{"device":"d","metric":"m","value":-0.5,"time":%d,"unit":"°C"}]`,
		` [{"metric":"m","value":"open"},{"metric":"n","value":true}] `:                `[{"device":"d","metric":"m","value":"open","time":%d},{"device":"d","metric":"n","value":true,"time":%[1]d}]`,
		`{"metric":"m","value":{"lat":1,"lon":-2},"time":"2026-11-26T13:00:00+01:00"}`: `[{"device":"d","metric":"m","value":{"lat":1,"lon":-2},"time":%d}]`,
		`{"metric":"m","value":{"x":1e-9,"y":1e21},"time":1795694400000}`:              `[{"device":"d","metric":"m","value":{"x":1e-09,"y":1e+21},"time":%d}]`,
	} {
		all, err := formOf("d").readings([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(encode(all)); got != fmt.Sprintf(want, ms) {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestUnreadableReadingsSayWhy(t *testing.T) {
	long := strings.Repeat("x", 300)
	for text, want := range map[string]string{
		`{"metric":"m"}`:                                 "bad_value /value",
		`{"metric":"m","value":null}`:                    "bad_value /value",
		`{"metric":"m","value":[1]}`:                     "bad_value /value",
		`{"metric":"m","value":"` + long + `"}`:          "bad_value /value",
		`{"metric":"m","value":{"lat":1}}`:               "bad_value /value",
		`{"metric":"m","value":{"lat":1,"lon":181}}`:     "bad_value /value/lon",
		`{"value":1}`:                                    "bad_metric /metric",
		`{"metric":7,"value":1}`:                         "bad_metric /metric",
		`{"metric":"` + long + `","value":1}`:            "bad_metric /metric",
		`{"metric":"a\u0000","value":1}`:                 "bad_metric /metric",
		`{"metric":"m","value":1,"device":"e"}`:          "bad_device /device",
		`{"metric":"m","value":1,"time":{}}`:             "bad_time /time",
		`{"metric":"m","value":1,"time":1e300}`:          "bad_time /time",
		`{"metric":"m","value":1,"time":1795694500000}`:  "bad_time /time",
		`{"metric":"m","value":1,"unit":"` + long + `"}`: "bad_unit /unit",
		`[{"metric":"m","value":1},{}]`:                  "bad_metric /1/metric",
		`"x"`:                                            "bad_request ",
		`null`:                                           "bad_request ",
	} {
		if _, err := formOf("d").readings([]byte(text)); err == nil || err.code+" "+err.field != want {
			t.Errorf("%s: %+v, want %s", text, err, want)
		}
	}
}

func FuzzReadings(f *testing.F) {
	for _, seed := range []string{
		`{"metric":"m","value":1}`, `[{"device":"d","metric":"m","value":{"lat":1,"lon":2},"time":"2026-11-26T12:00:00Z"}]`,
		"{\"metric\":\"m\",\"value\":1}\n{\"metric\":\"m\",\"value\":\"on\",\"unit\":\"u\"}\r\n\n", `[[]]`, `{"metric":"m","value":1e400}`, `{"METRIC":"m","value":tru}`, `[`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, lines bool) {
		form := formOf("d")
		parse := form.readings
		if lines {
			parse = form.lines
		}
		all, refused := parse(text)
		if (refused == nil) != (all != nil) && len(bytes.TrimSpace(text)) > 0 && string(bytes.Join(bytes.Fields(text), nil)) != "[]" {
			t.Fatalf("%q: %v and %v", text, all, refused)
		}
		if refused != nil {
			if refused.code == "" || refused.message == "" {
				t.Errorf("%q: refused without a word: %+v", text, refused)
			}
			return
		}
		again, refused := form.readings(encode(all))
		if refused != nil || string(encode(again)) != string(encode(all)) {
			t.Errorf("%q became %s, which became %s, %v", text, encode(all), encode(again), refused)
		}
		var other []Reading
		if err := json.Unmarshal(encode(all), &other); err != nil || string(encode(other)) != string(encode(all)) {
			t.Errorf("%s is %v for another node: %v", encode(all), other, err)
		}
	})
}
