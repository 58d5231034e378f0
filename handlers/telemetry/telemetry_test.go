package telemetry_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/server/auth"
)

func TestADashboardHearsTheLastValuesAndWhatFollows(t *testing.T) {
	n := serve(t, telemetry.Options{Interval: time.Millisecond})
	device, dashboard := n.come(t, ""), n.come(t, "")
	if got := ask(t, device, "reading", object{"device": "boiler-1", "metric": "temperature", "value": 21.5, "unit": "°C"}); got.Accepted != 1 {
		t.Fatalf("%+v", got)
	}
	ask(t, device, "readings", []object{
		{"device": "van-1", "metric": "position", "value": object{"lat": 52.5, "lon": 13.4}},
		{"device": "door", "metric": "state", "value": "open"},
		{"device": "door", "metric": "locked", "value": false},
	})
	first := ask(t, dashboard, "subscribe")
	want := map[string]string{
		"boiler-1 temperature": "21.5", "van-1 position": `{"lat":52.5,"lon":13.4}`, "door state": `"open"`, "door locked": "false",
	}
	if got := values(first.Readings); !maps.Equal(got, want) {
		t.Errorf("first %v, want %v", got, want)
	}
	if code, got := n.ingest("boiler-1", false, "", `{"metric":"temperature","value":22}`); code != 200 || got.Accepted != 1 {
		t.Errorf("%d %+v", code, got)
	}
	awaitValue(t, dashboard, "boiler-1 temperature", "22")
	if got := ask(t, dashboard, "subscribe", "van-*"); len(got.Readings) != 1 || got.Devices[0] != "van-*" {
		t.Errorf("%+v", got)
	}
	ask(t, device, "readings", []object{
		{"device": "boiler-1", "metric": "temperature", "value": 23}, {"device": "van-1", "metric": "speed", "value": 50},
	})
	if got := values(decoded[[]telemetry.Reading](t, dashboard.Next("readings").Args)); !maps.Equal(got, map[string]string{"van-1 speed": "50"}) {
		t.Errorf("who asked for the vans heard %v", got)
	}
	ask(t, dashboard, "unsubscribe")
}

// awaitValue waits until a dashboard hears a value of a key.
func awaitValue(t *testing.T, c *rawclient.Client, key, want string) {
	t.Helper()
	for {
		if values(decoded[[]telemetry.Reading](t, c.Next("readings").Args))[key] == want {
			return
		}
	}
}

func TestReadingsAreTakenWholeOrNotAtAll(t *testing.T) {
	n := serve(t, telemetry.Options{MaxBatch: 3})
	c := n.come(t, "")
	got := ask(t, c, "readings", []object{{"device": "a", "metric": "m", "value": 1}, {"device": "a", "metric": "m"}})
	if got.Error.Code != "bad_value" || got.Error.Field != "/1/value" || !strings.Contains(got.Error.Message, "reading 1") {
		t.Errorf("%+v", got.Error)
	}
	code, body := n.ingest("a", true, "", "{\"metric\":\"m\",\"value\":1}\n\n{\"metric\":\"\",\"value\":1}\n")
	if code != 400 || body.Error.Code != "bad_metric" || body.Error.Field != "/1/metric" || !strings.Contains(body.Error.Message, "line 3") {
		t.Errorf("%d %+v", code, body.Error)
	}
	if got := ask(t, c, "readings", []object{{}, {}, {}, {}}); got.Error.Code != "too_many_readings" {
		t.Errorf("%+v", got.Error)
	}
	if got := ask(t, c, "subscribe"); len(got.Readings) != 0 {
		t.Errorf("something was taken: %v", got.Readings)
	}
}

func TestHTTPSaysWhatIsWrong(t *testing.T) {
	n := serve(t, telemetry.Options{MaxDevices: 1})
	for _, c := range []struct {
		device, body string
		status       int
		code, field  string
	}{
		{"a", ``, 400, "bad_request", ""},
		{"a", `[{]`, 400, "bad_request", ""},
		{"a", `[1]`, 400, "bad_request", "/0"},
		{"a*", `{"metric":"m","value":1}`, 400, "bad_device", ""},
		{"a", `{"device":"b","metric":"m","value":1}`, 400, "bad_device", "/device"},
		{"sockeye:1", `{"metric":"m","value":1}`, 400, "bad_device", ""},
		{"", `{"metric":"m","value":1}`, 400, "bad_device", "/device"},
		{"a", `{"metric":"m","value":1,"time":1}`, 400, "bad_time", "/time"},
		{"a", `{"metric":"m","value":1,"time":"noon"}`, 400, "bad_time", "/time"},
		{"a", `{"metric":"m","value":{"lat":91,"lon":0}}`, 400, "bad_value", "/value/lat"},
		{"a", `{"metric":"m","value":1e999}`, 400, "bad_value", "/value"},
		{"a", `{"metric":"m","value":1,"uint/":3}`, 400, "bad_request", "/uint~1"},
		{"a", `{"metric":"m","value":1} {}`, 400, "bad_request", ""},
		{"a", `[{"metric":"m","value":1},{"metrik":1}]`, 400, "bad_request", "/1/metrik"},
		{"a", `{"metric":"m","value":1,"unit":3}`, 400, "bad_unit", "/unit"},
		{"", `[{"device":"a","metric":"m","value":1},{"device":"b","metric":"m","value":1}]`, 507, "telemetry_full", ""},
	} {
		if status, got := n.ingest(c.device, false, "", c.body); status != c.status || got.Error.Code != c.code || got.Error.Field != c.field {
			t.Errorf("%s %s: %d %+v, want %d %s %s", c.device, c.body, status, got.Error, c.status, c.code, c.field)
		}
	}
}

func TestAKeySendsForItsDeviceOnly(t *testing.T) {
	n := serve(t, telemetry.Options{Access: auth.Rooms{}})
	const one = `{"metric":"m","value":1}`
	for _, c := range []struct {
		device, token string
		status        int
		code          string
	}{
		{"boiler-1", "boiler", 200, ""},
		{"boiler-2", "boiler", 403, "forbidden"},
		{"plant-7", "gateway", 200, ""},
		{"boiler-1", "engineer", 403, "forbidden"},
	} {
		if status, got := n.ingest(c.device, false, c.token, one); status != c.status || got.Error.Code != c.code {
			t.Errorf("%s as %q: %d %+v", c.device, c.token, status, got.Error)
		}
	}
	boiler := n.come(t, "boiler")
	if got := ask(t, boiler, "reading", object{"metric": "m", "value": 2}); got.Accepted != 1 { // of its one device
		t.Errorf("%+v", got)
	}
	if got := ask(t, boiler, "readings", []object{{"metric": "m", "value": 2}, {"device": "plant-7", "metric": "m", "value": 2}}); got.Error.Code != "forbidden" {
		t.Errorf("%+v", got)
	}
	if got := ask(t, n.come(t, "gateway"), "reading", object{"metric": "m", "value": 2}); got.Error.Code != "bad_device" {
		t.Errorf("a gateway did not say whose reading it was: %+v", got)
	}
}

func TestADashboardSeesWhatItMay(t *testing.T) {
	n := serve(t, telemetry.Options{Access: auth.Rooms{}, Interval: time.Millisecond})
	all := n.come(t, "all")
	ask(t, all, "readings", []object{{"device": "boiler-1", "metric": "m", "value": 1}, {"device": "plant-1", "metric": "m", "value": 2}})
	engineer := n.come(t, "engineer")
	if got := values(ask(t, engineer, "subscribe", "*").Readings); !maps.Equal(got, map[string]string{"boiler-1 m": "1"}) {
		t.Errorf("the engineer sees %v", got)
	}
	for event, arg := range map[string]any{"subscribe": "plant-1", "series": object{"device": "plant-1", "metric": "m"}} {
		if got := ask(t, engineer, event, arg); got.Error.Code != "forbidden" {
			t.Errorf("%s: %+v", event, got)
		}
	}
	ask(t, engineer, "subscribe", []string{"boiler-*", "plant-*"})
	// Who may see more is told what it could not see before.
	s, ok := n.io.Of(telemetry.Namespace).Socket(engineer.ID())
	if !ok {
		t.Fatal("the socket is gone")
	}
	s.SetIdentity(who["all"])
	awaitValue(t, engineer, "plant-1 m", "2")
}

func TestTheServersOwnMeasuresAreForOperators(t *testing.T) {
	vitals := func() []telemetry.Vital { return []telemetry.Vital{{Metric: "cpu", Value: 7, Unit: "%"}} }
	n := serve(t, telemetry.Options{Access: auth.Rooms{}, Vitals: vitals, Node: "n1", Interval: time.Millisecond})
	operator := n.come(t, "operator")
	ask(t, operator, "subscribe")
	awaitValue(t, operator, "sockeye:n1 cpu", "7")
	if got := ask(t, n.come(t, "all"), "subscribe").Readings; len(got) != 0 {
		t.Errorf("rights to everything show %v", got)
	}
	open := serve(t, telemetry.Options{Access: auth.Rooms{}, Vitals: vitals, Interval: time.Millisecond, Open: true})
	anybody := open.come(t, "")
	ask(t, anybody, "subscribe")
	awaitValue(t, anybody, "sockeye cpu", "7")
}

func TestAlertsAreRaisedAndCleared(t *testing.T) {
	above, back, below := 90.0, 85.0, 10.0
	n := serve(t, telemetry.Options{Interval: time.Millisecond, Thresholds: []telemetry.Threshold{
		{Name: "too hot", Devices: "boiler-*", Metric: "temperature", Above: &above, Clear: &back, Severity: "critical"},
		{Name: "empty", Devices: "*", Metric: "level", Below: &below},
	}})
	device, dashboard := n.come(t, ""), n.come(t, "")
	ask(t, dashboard, "subscribe")
	send := func(metric string, value float64) {
		t.Helper()
		ask(t, device, "reading", object{"device": "boiler-1", "metric": metric, "value": value, "unit": "°C"})
	}
	send("temperature", 91)
	got := decoded[telemetry.Alert](t, dashboard.Next("alert").Args)
	if got.State != "raised" || got.Name != "too hot" || got.Value != 91 || got.Level != 90 || got.Severity != "critical" || got.Unit != "°C" || got.Since == 0 {
		t.Errorf("%+v", got)
	}
	send("temperature", 86) // between the levels nothing changes
	late := n.come(t, "")
	if alerts := ask(t, late, "subscribe").Alerts; len(alerts) != 1 || alerts[0].Value != 86 {
		t.Errorf("who comes later hears of %+v", alerts)
	}
	send("temperature", 85)
	for name, c := range map[string]*rawclient.Client{"first": dashboard, "late": late} {
		if got := decoded[telemetry.Alert](t, c.Next("alert").Args); got.State != "cleared" || got.Value != 85 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if alerts := ask(t, late, "subscribe").Alerts; len(alerts) != 0 {
		t.Errorf("%+v", alerts)
	}
	send("level", 9)
	if got := decoded[telemetry.Alert](t, dashboard.Next("alert").Args); got.Name != "empty" || got.Severity != "warning" {
		t.Errorf("%+v", got)
	}
}

func TestSeriesAreWhatIsKept(t *testing.T) {
	n := serve(t, telemetry.Options{History: 3})
	c := n.come(t, "")
	now := time.Now().UnixMilli()
	for i := range 5 {
		ask(t, c, "reading", object{"device": "a", "metric": "m", "value": i, "time": now - 1000 + int64(i)})
	}
	if got := ask(t, c, "reading", object{"device": "a", "metric": "m", "value": 9, "time": now - 5000}); got.Late != 1 {
		t.Errorf("an old reading: %+v", got)
	}
	if got := fmt.Sprintf("%s", ask(t, c, "series", object{"device": "a", "metric": "m"}).Points); got != fmt.Sprintf("[[%d 2] [%d 3] [%d 4]]", now-998, now-997, now-996) {
		t.Errorf("kept %s", got)
	}
	if got := ask(t, c, "series", object{"device": "a", "metric": "m", "since": now - 997}).Points; len(got) != 1 {
		t.Errorf("since: %s", got)
	}
	ask(t, c, "reading", object{"device": "v", "metric": "at", "value": object{"x": 1, "y": 2}})
	if got := ask(t, c, "series", object{"device": "v", "metric": "at"}).Points; len(got) != 1 || string(got[0][1]) != `{"x":1,"y":2}` {
		t.Errorf("%s", got)
	}
	if got := ask(t, c, "series", object{"device": "nobody", "metric": "m"}).Points; len(got) != 0 {
		t.Errorf("%s", got)
	}
	for event, args := range map[string][]any{"series": {1}, "dance": nil, "subscribe": {[]string{}}, "reading": nil} {
		if got := ask(t, c, event, args...); got.Error.Code == "" {
			t.Errorf("%s was taken: %+v", event, got)
		}
	}
}

func TestOptionsSayWhatIsWrong(t *testing.T) {
	level, higher := 1.0, 2.0
	o := telemetry.Options{History: -1, Thresholds: []telemetry.Threshold{
		{},
		{Devices: "*", Metric: "*", Above: &level, Clear: &higher},
		{Devices: "*", Metric: "*", Below: &higher, Clear: &level, Severity: "loud"},
		{Name: "a", Devices: "*", Metric: "*", Below: &level},
		{Name: "a", Devices: "*", Metric: "*", Below: &level, For: -1},
	}}
	err := o.Validate()
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{
		"telemetry.history: below zero", "thresholds[0]: devices is missing", "thresholds[0]: one of above and below", "thresholds[1]: clear is above",
		"thresholds[2]: clear is below", "thresholds[2]: severity \"loud\"", "two have the name \"a\"", "thresholds[4]: for is below zero",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in\n%v", want, err)
		}
	}
}
