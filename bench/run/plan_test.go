package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRowsOfTwoNodesNeedRedisAndAServerThatJoins(t *testing.T) {
	p, err := profile("quick")
	if err != nil {
		t.Fatal(err)
	}
	p.keep(regexp.MustCompile("^(two|echo-w1$)"))
	ours, floor := &server{command: []string{"sockeye"}, joins: "--redis-url"}, &server{}
	for _, r := range p.rows {
		if two := r.across != ""; !ours.can(r) || floor.can(r) == two {
			t.Errorf("%s: Sockeye %v, the floor %v", r.key, ours.can(r), floor.can(r))
		}
	}
	if got := strings.Join(ours.across(adapterStreams, "redis://r").command, " "); got != "sockeye --adapter redis-streams --redis-url redis://r" {
		t.Errorf("a node is started with %q", got)
	}
	var said bytes.Buffer
	if p.alone(&said); len(p.rows) != 1 || !strings.Contains(said.String(), "LEFT OUT: 1 rows") {
		t.Errorf("without Redis %d rows are left, and it says %q", len(p.rows), said.String())
	}
}

func TestRowsOfCarriedPollsCompareSockeyeWithItself(t *testing.T) {
	p, err := profile("carried")
	if err != nil {
		t.Fatal(err)
	}
	all, err := profile("quick")
	if err != nil {
		t.Fatal(err)
	}
	local, node := &server{name: localServer, joins: "x"}, &server{name: nodeServer, joins: "x"}
	for _, r := range append(p.rows, all.rows...) {
		if local.can(r) != r.carried || node.can(r) == r.carried {
			t.Errorf("%s: local %v, Node %v", r.key, local.can(r), node.can(r))
		}
	}
}

func TestProfiles(t *testing.T) {
	for name := range profiles() {
		p, err := profile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.rows) == 0 || p.reps == 0 || p.names[0] != sockeyeServer || !strings.HasSuffix(p.page, ".md") {
			t.Errorf("%s: %d rows, %d repetitions, servers %v, page %q", name, len(p.rows), p.reps, p.names, p.page)
		}
		keys := make(map[string]bool)
		for _, r := range p.rows {
			if keys[r.key] || r.title == "" || r.measure.value == nil {
				t.Errorf("%s: row %q is there twice, or has no title or measure", name, r.key)
			}
			keys[r.key] = true
		}
	}
	if _, err := profile("slow"); err == nil || !strings.Contains(err.Error(), "carried, full, ") {
		t.Errorf("an unknown profile: %v", err)
	}
	p, _ := profile("full")
	p.keep(regexp.MustCompile("^echo"))
	if len(p.rows) != 2 {
		t.Errorf("%d rows match ^echo, want 2", len(p.rows))
	}
}

// withServers puts servers into a plan that nobody has built.
func withServers(p *plan) *plan {
	for _, name := range p.names {
		s := &server{name: name, joins: "--redis", options: map[feature][]string{featureIdle: {}}}
		switch name {
		case floorServer:
			s.lacks, s.joins, s.options = map[feature]string{featurePolling: "no"}, "", nil
		case sockeyeServer:
		case nodeServer:
			s.options = nil
		default:
			s.joins, s.options = "", nil
		}
		p.servers = append(p.servers, s)
	}
	return p
}

func TestProfilesAreExpectedToTakeAsLongAsTheyMay(t *testing.T) {
	for name, bounds := range map[string][2]time.Duration{
		"full":  {8 * time.Minute, 14 * time.Minute},
		"quick": {40 * time.Second, 80 * time.Second},
	} {
		p, err := profile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := withServers(p).expected(); d < bounds[0] || d > bounds[1] {
			t.Errorf("%s takes about %v, want %v to %v", name, d, bounds[0], bounds[1])
		}
	}
}

func TestGuestsAreInFewRowsOnce(t *testing.T) {
	p, err := profile("full")
	if err != nil {
		t.Fatal(err)
	}
	withServers(p)
	guest, node := p.servers[len(p.servers)-1], p.servers[1]
	for _, r := range p.rows {
		want := 0
		if r.guests {
			want = 1
		}
		if got := p.times(guest, r); got != want {
			t.Errorf("%s does %q %d times, want %d", guest.name, r.key, got, want)
		}
		if n := p.workOf(node, r).Clients; n != r.work.Clients {
			t.Errorf("node has %d clients in %q", n, r.key)
		}
	}
	idle := p.rows[0]
	if n := p.workOf(guest, idle).Clients; n != 2000 {
		t.Errorf("%s has %d idle clients, want 2000", guest.name, n)
	}
	var said bytes.Buffer
	if err := p.tell(&said); err != nil || !strings.Contains(said.String(), "| "+idle.title+" | 2 × | 2 × | 2 × | 2 × | 1 × | 1 × | 1 × | 1 × |") {
		t.Errorf("the plan says (%v):\n%s", err, said.String())
	}
}

func TestGoalsOfTheDesignAreInTheFullProfile(t *testing.T) {
	p, err := profile("full")
	if err != nil {
		t.Fatal(err)
	}
	goals := make(map[string][]string)
	for _, r := range p.rows {
		for _, g := range r.goals {
			text := g.text()
			if g.stretch {
				text = "(" + text + ")"
			}
			goals[r.key] = append(goals[r.key], text)
		}
	}
	for key, want := range map[string]string{
		"idle-ws":         "≤ 8.00, ≤ 0.5 × node, ≤ 1 × bun",
		"idle-mode":       "≤ 4.00",
		"idle-polling":    "≤ 24.0, ≤ 0.8 × node, (≤ 18.0), (≤ 1 × bun)",
		"connect":         "≤ 150, ≤ 0.35 × node",
		"fanout-w1":       "≤ 9.00, ≤ 0.6 × node, ≤ 1.2 × floor",
		"fanout-w32":      "≤ 1.50, ≤ 0.15 × node, ≤ 1.7 × floor, ≥ 700 k",
		"rate":            "≤ 17.0, ≤ 1 × node, ≤ 1 × bun",
		"echo-w1":         "≤ 15.0, ≤ 0.55 × node",
		"echo-w32":        "≤ 5.00, ≤ 0.35 × node, ≤ 1 × bun",
		"polling-fanout":  "≤ 30.0, ≤ 0.45 × node",
		"polling-echo":    "≤ 80.0, ≤ 0.45 × node",
		"two-streams-w1":  "≤ 11.0, (≤ 0.5 × node)",
		"two-streams-w32": "≤ 2.00, (≤ 0.25 × node)",
		"two-pubsub-w1":   "≤ 11.0, (≤ 0.5 × node)",
		"two-pubsub-w32":  "≤ 2.00, (≤ 0.25 × node)",
	} {
		if got := strings.Join(goals[key], ", "); got != want {
			t.Errorf("%s has the goals %q, want %q", key, got, want)
		}
	}
}
