package main

import (
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/bench/figures"
	"github.com/sockeye-io/sockeye/bench/process"
)

// report is everything that came out, in the order of the plan.
type report struct {
	Profile    string      `json:"profile"`
	Started    time.Time   `json:"started"`
	Took       string      `json:"took"`
	Reps       int         `json:"repetitions"`
	Machine    string      `json:"machine"`
	Load       string      `json:"load_average_at_start"`
	Busy       bool        `json:"busy"` // the machine had other work at the start
	Servers    []version   `json:"servers"`
	Absent     []*absent   `json:"absent,omitempty"` // left out of everything
	Guarantees []*tableRow `json:"guarantees,omitempty"`
	Rows       []*tableRow `json:"rows"`

	plan *plan
}

type version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// tableRow is one line: a cell per server.
type tableRow struct {
	Key     string           `json:"key"`
	Title   string           `json:"title"`
	Unit    string           `json:"unit,omitempty"`
	Servers map[string]*cell `json:"servers"`
	Goals   []verdict        `json:"goals,omitempty"`

	measure measure
}

// cell is what one server did in one row.
type cell struct {
	Runs   []outcome `json:"runs"`
	Median float64   `json:"median,omitempty"`
	// Ratio is the first server's figure divided by this one's: the median of
	// the ratios of the runs that took turns.
	Ratio float64 `json:"ratio,omitempty"`
	// Difference is the first server's figure less this one's, likewise.
	Difference float64 `json:"difference,omitempty"`
}

// verdict is a goal and what came of it.
type verdict struct {
	Against string  `json:"against"`
	AtMost  float64 `json:"at_most,omitempty"`
	Ratio   float64 `json:"ratio"`
	// Plus bounds Difference instead, if it is not 0.
	Plus       float64 `json:"plus,omitempty"`
	Difference float64 `json:"difference,omitempty"`
	Pass       bool    `json:"pass"`
}

func newReport(p *plan) *report {
	rep := &report{
		Profile: p.name, Started: time.Now(), Reps: p.reps, Absent: p.absent, plan: p,
		Machine: process.Machine(), Load: process.LoadAverage(),
	}
	rep.Busy = process.Busy(rep.Load)
	for _, s := range p.servers {
		rep.Servers = append(rep.Servers, version{s.name, s.version})
	}
	for _, g := range p.guarantees {
		rep.Guarantees = append(rep.Guarantees, p.tableRow(g.key, g.title, measure{}))
	}
	for _, r := range p.rows {
		rep.Rows = append(rep.Rows, p.tableRow(r.key, r.title, r.measure))
	}
	return rep
}

func (p *plan) tableRow(key, title string, m measure) *tableRow {
	t := &tableRow{Key: key, Title: title, Unit: m.unit, Servers: make(map[string]*cell), measure: m}
	for _, s := range p.servers {
		t.Servers[s.name] = &cell{}
	}
	return t
}

// settle computes medians, ratios and verdicts.
func (rep *report) settle() {
	if len(rep.plan.servers) == 0 {
		return
	}
	first := rep.plan.servers[0].name
	for i, row := range rep.Rows {
		for _, s := range rep.plan.servers {
			c := row.Servers[s.name]
			c.Median = figures.Median(row.values(s.name))
			if s.name != first {
				ratios, differences := row.pairs(first, s.name)
				c.Ratio, c.Difference = figures.Median(ratios), figures.Median(differences)
			}
		}
		row.Goals = nil
		for _, g := range rep.plan.rows[i].goals {
			if first != sockeyeServer || row.Servers[g.against] == nil {
				continue
			}
			c := row.Servers[g.against]
			v := verdict{Against: g.against, AtMost: g.atMost, Plus: g.plus, Ratio: c.Ratio, Difference: c.Difference}
			v.Pass = c.Ratio > 0 && (g.plus == 0 && c.Ratio <= g.atMost || g.plus != 0 && c.Difference <= g.plus)
			row.Goals = append(row.Goals, v)
		}
	}
}

// values are the figures of the runs that have one.
func (t *tableRow) values(name string) []float64 {
	var values []float64
	for _, o := range t.Servers[name].Runs {
		if o.Result != nil && o.Result.Units > 0 {
			values = append(values, t.measure.value(o.Result))
		}
	}
	return values
}

// pairs compares the n-th run of one server with the n-th of the other.
func (t *tableRow) pairs(of, to string) (ratios, differences []float64) {
	a, b := t.Servers[of].Runs, t.Servers[to].Runs
	for i := range min(len(a), len(b)) {
		if a[i].Result == nil || b[i].Result == nil {
			continue
		}
		x, y := t.measure.value(a[i].Result), t.measure.value(b[i].Result)
		if x > 0 && y > 0 {
			ratios, differences = append(ratios, x/y), append(differences, x-y)
		}
	}
	return ratios, differences
}

// clean reports whether every run of Sockeye was without fault.
func (rep *report) clean() bool {
	for _, row := range slices.Concat(rep.Guarantees, rep.Rows) {
		c := row.Servers[sockeyeServer]
		if c == nil {
			continue
		}
		for _, o := range c.Runs {
			if o.failure() != "" {
				return false
			}
		}
	}
	return true
}
