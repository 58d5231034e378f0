package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/bench/load"
)

// plan is what one invocation does.
type plan struct {
	name  string
	names []string // of the servers, in the order of the columns
	// guests are those of names that take part in few rows, in the first repetition.
	guests     []string
	servers    []*server // as names, once they are prepared
	absent     []*absent // those that cannot be started here
	rows       []row
	guarantees []guarantee
	reps       int
	// page is the name of the page that -out writes, [the profile's].md, with its results
	// beside it as .json; those of README.md are results.json.
	page string
	// small says that the sizes are not those that the goals are for.
	small bool
	// pictures are drawn beside the page, nil for none.
	pictures func(*report) []picture
	// section is a part of the page of the profile's own, nil for none.
	section func(*report, *strings.Builder)
}

// row is one line of the table.
type row struct {
	key     string
	title   string
	work    load.Work
	measure measure
	goals   []goal
	// across is the adapter between two nodes with a Redis between them, as Sockeye
	// calls it; "" is one node without.
	across string
	// carried rows compare polls that reach the wrong one of two nodes with polls that
	// reach the right one.
	carried bool
	// idleMode rows are those of Sockeye's option for memory of idle clients.
	idleMode bool
	// reps is how often, 0 for as often as the plan says.
	reps int
	// guests rows are those that the plan's guests are in. guestClients, when above 0, is
	// how many clients these get, who may need too long for all of them.
	guests       bool
	guestClients int
}

// measure is the figure that a row compares.
type measure struct {
	unit  string
	value func(*load.Result) float64
}

var (
	cpuDelivery = measure{"CPU µs per delivery", (*load.Result).CPUPerUnit}
	cpuConnect  = measure{"CPU µs per connect", (*load.Result).CPUPerUnit}
	cpuEcho     = measure{"CPU µs per ack", (*load.Result).CPUPerUnit}
	rssClient   = measure{"RSS KiB per client", (*load.Result).RSSPerClient}
	perSecond   = measure{"deliveries per second", (*load.Result).PerSecond}
	p50         = measure{"p50 ms", func(r *load.Result) float64 { return float64(r.P50) / 1e6 }}
	p99         = measure{"p99 ms", func(r *load.Result) float64 { return float64(r.P99) / 1e6 }}
)

// profiles are what -profile may name. Each call makes a new plan. A profile has rows,
// servers and repetitions; with pictures it draws what came out beside its page.
func profiles() map[string]func() *plan {
	return map[string]func() *plan{
		"full":    full,
		"quick":   quick,
		"carried": carried,
		"growth":  growth,
		"peers":   peers,
	}
}

func profile(name string) (*plan, error) {
	all := profiles()
	if all[name] == nil {
		names := make([]string, 0, len(all))
		for known := range all {
			names = append(names, known)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("unknown profile %q: %s", name, strings.Join(names, ", "))
	}
	p := all[name]()
	p.name = name
	if p.page == "" {
		p.page = name + ".md"
	}
	return p, nil
}

// times is how often a server does a row.
func (p *plan) times(s *server, r row) int {
	switch {
	case !s.can(r):
		return 0
	case p.guest(s.name) && r.guests:
		return 1
	case p.guest(s.name):
		return 0
	case r.reps > 0:
		return min(r.reps, p.reps)
	}
	return p.reps
}

func (p *plan) guest(name string) bool { return slices.Contains(p.guests, name) }

// workOf is what a server does in a row.
func (p *plan) workOf(s *server, r row) load.Work {
	w := r.work
	if p.guest(s.name) && r.guestClients > 0 {
		w.Clients = r.guestClients
	}
	return w
}

// runs is how many runs the plan has.
func (p *plan) runs() int {
	n := 0
	for _, r := range p.everything() {
		for _, s := range p.servers {
			n += p.times(s, r)
		}
	}
	return n
}

// files is how many files the largest work holds open, here and in a server.
func (p *plan) files() uint64 {
	const least = 8192
	most := 0
	for _, r := range p.everything() {
		most = max(most, r.work.Clients)
	}
	return uint64(max(least, most+256)) // #nosec G115 -- not negative
}

// alone drops the rows of two nodes and says so.
func (p *plan) alone(progress io.Writer) {
	before := len(p.rows)
	p.rows = slices.DeleteFunc(p.rows, func(r row) bool { return r.across != "" })
	if n := before - len(p.rows); n > 0 {
		_, _ = fmt.Fprintf(progress, "LEFT OUT: %d rows of two nodes (%s is missing)\n", n, redisServer)
	}
}

// keep drops the rows and guarantees whose key does not match.
func (p *plan) keep(match *regexp.Regexp) {
	p.rows = slices.DeleteFunc(p.rows, func(r row) bool { return !match.MatchString(r.key) })
	p.guarantees = slices.DeleteFunc(p.guarantees, func(g guarantee) bool { return !match.MatchString(g.key) })
}

// only is rows that one of the keys names, in their order.
func only(rows []row, keys ...string) []row {
	return slices.DeleteFunc(rows, func(r row) bool { return !slices.Contains(keys, r.key) })
}
