package docs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// offDashboard are the metrics that are not on the dashboard, each with the reason.
var offDashboard = map[string]string{}

// later are metrics that a node alone does not have, with their labels.
var later = map[string][]string{
	"sockeye_adapter_up": {"namespace"}, // with the first event of an adapter of several nodes
}

// ofTarget are labels that Prometheus gives to whatever it scrapes.
var ofTarget = []string{"job", "instance"}

// exposed reads the metrics of a scrape: the names of series, as queries use them, with
// their labels; and the names of families.
func exposed(scrape string) (series map[string][]string, families []string) {
	series = make(map[string][]string)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\w+) `).FindAllStringSubmatch(scrape, -1) {
		families = append(families, m[1])
	}
	label := regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)
	for _, m := range regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(scrape, -1) {
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(series[m[1]], l[1]) {
				series[m[1]] = append(series[m[1]], l[1])
			}
		}
		if series[m[1]] == nil {
			series[m[1]] = []string{}
		}
	}
	return series, families
}

// TestTheDashboardShowsWhatTheProgramExposes compares deploy/grafana/sockeye.json with
// what a node answers to a scrape before it has had its first client.
func TestTheDashboardShowsWhatTheProgramExposes(t *testing.T) {
	t.Parallel()
	series, families := exposed(scraped(t))
	for metric, labels := range later {
		if series[metric] != nil {
			t.Errorf("%s is there from the start: take it out of the list", metric)
		}
		series[metric] = labels
		families = append(families, metric)
	}
	shown := make(map[string]bool)
	for _, q := range queriesOf(t) {
		uses, err := readPromQL(q.expr)
		if err != nil {
			t.Errorf("%s: %v", q.panel, err)
		}
		var grouped []string
		for _, u := range uses {
			shown[u.metric] = true
			have, ok := series[u.metric]
			if !ok {
				t.Errorf("%s: nothing exposes %s", q.panel, u.metric)
				continue
			}
			for _, l := range u.labels {
				if !slices.Contains(have, l) && !slices.Contains(ofTarget, l) {
					t.Errorf("%s: %s has no label %s: it has %q", q.panel, u.metric, l, have)
				}
			}
			grouped = append(grouped, u.labels...)
		}
		for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.legend, -1) {
			if !slices.Contains(grouped, m[1]) {
				t.Errorf("%s: the legend %q names a label that the query drops: %s", q.panel, q.legend, q.expr)
			}
		}
	}
	for _, family := range families {
		if !strings.HasPrefix(family, "sockeye_") {
			continue
		}
		on := shown[family] || shown[family+"_bucket"]
		switch reason, off := offDashboard[family]; {
		case on && off:
			t.Errorf("%s is on the dashboard and on the list of those that are not", family)
		case !on && !off:
			t.Errorf("%s is not on the dashboard: add it to deploy/grafana/rows.go, or to the list of those that are not", family)
		case off && reason == "":
			t.Errorf("%s: no reason is given", family)
		}
	}
}

type dashboardQuery struct{ panel, expr, legend string }

// queriesOf returns every query of the dashboard.
func queriesOf(t *testing.T) []dashboardQuery {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/grafana/sockeye.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr, LegendFormat string }
		}
		Templating  struct{ List []struct{ Name string } }
		Annotations struct {
			List []struct{ Name, Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var all []dashboardQuery
	var titles []string
	for _, p := range board.Panels {
		if p.Type == "row" {
			titles = append(titles, p.Title)
		} else if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, q := range p.Targets {
			all = append(all, dashboardQuery{p.Title, q.Expr, q.LegendFormat})
		}
	}
	for _, a := range board.Annotations.List {
		all = append(all, dashboardQuery{a.Name, a.Expr, ""})
	}
	if want := []string{"Connections", "Traffic", "Delivery", "Cluster", "Limits and doors", "Webhooks", "Telemetry", "Process"}; !slices.Equal(titles, want) {
		t.Errorf("the rows are %q, want %q", titles, want)
	}
	known := []string{"$__rate_interval"}
	for _, v := range board.Templating.List {
		known = append(known, "$"+v.Name)
	}
	for _, q := range all {
		for _, v := range regexp.MustCompile(`\$\w+`).FindAllString(q.expr, -1) {
			if !slices.Contains(known, v) {
				t.Errorf("%s: there is no variable %s", q.panel, v)
			}
		}
	}
	return all
}

func TestExpressionsThatAreNoneAreNoticed(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", `sum by (x) (rate(a{b=~"$c"}[5m])) / 2`, "histogram_quantile(0.99, sum by (le) (rate(a_bucket[$__rate_interval])))"} {
		if _, err := readPromQL(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "sum by x (a)", "rate(a[5m]", "a b", `a{b="c}`, "a{b~c}", "a[x]", "sum(a))", "a +", "nothing(a)", "a;"} {
		if uses, err := readPromQL(bad); err == nil {
			t.Errorf("%q was read as %v", bad, uses)
		}
	}
	uses, err := readPromQL(`sum by (x) (a{y="z"}) + b`)
	if err != nil || len(uses) != 2 || !slices.Equal(uses[0].labels, []string{"y", "x"}) || uses[1].metric != "b" || len(uses[1].labels) != 0 {
		t.Errorf("read %v, %v", uses, err)
	}
}
