package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/bench/figures"
	"github.com/sockeye-io/sockeye/bench/load"
	"github.com/sockeye-io/sockeye/bench/process"
)

// report is everything that came out, in the order of the plan. It is kept as JSON, from
// which page and pictures can be made again.
type report struct {
	Profile    string      `json:"profile"`
	Started    time.Time   `json:"started"`
	Took       string      `json:"took"`
	Expected   string      `json:"expected"` // what the plan said it would take
	Reps       int         `json:"repetitions"`
	Machine    string      `json:"machine"`
	CPUs       int         `json:"cpus"`
	Go         string      `json:"go"`
	Load       string      `json:"load_average_at_start"`
	Busy       bool        `json:"busy"` // the machine had other work at the start
	Servers    []version   `json:"servers"`
	Absent     []*absent   `json:"absent,omitempty"` // left out of everything
	LeftOut    []string    `json:"left_out,omitempty"`
	Guarantees []*tableRow `json:"guarantees,omitempty"`
	Rows       []*tableRow `json:"rows"`

	plan *plan
}

type version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Guest   bool   `json:"guest,omitempty"` // in few rows, once
}

// tableRow is one line: a cell per server.
type tableRow struct {
	Key     string           `json:"key"`
	Title   string           `json:"title"`
	Unit    string           `json:"unit,omitempty"`
	Goals   []verdict        `json:"goals,omitempty"`
	Servers map[string]*cell `json:"servers"`

	def       row        // of a row
	guarantee *guarantee // of a guarantee
}

// cell is what one server did in one row.
type cell struct {
	Runs   []outcome `json:"runs,omitempty"`
	Median float64   `json:"median,omitempty"`
	// Ratio is the first server's figure divided by this one's: the median of
	// the ratios of the runs that took turns.
	Ratio float64 `json:"ratio,omitempty"`
}

func newReport(p *plan) *report {
	rep := &report{
		Profile: p.name, Started: time.Now(), Reps: p.reps, Absent: p.absent, LeftOut: p.leftOut(), plan: p,
		Machine: process.Machine(), Load: process.LoadAverage(), CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Expected: p.expected().Round(time.Second).String(),
	}
	rep.Busy = process.Busy(rep.Load)
	for _, s := range p.servers {
		rep.Servers = append(rep.Servers, version{s.name, s.version, p.guest(s.name)})
	}
	for i, g := range p.guarantees {
		t := p.tableRow(g.key, g.title, "")
		t.guarantee = &p.guarantees[i]
		rep.Guarantees = append(rep.Guarantees, t)
	}
	for _, r := range p.rows {
		t := p.tableRow(r.key, r.title, r.measure.unit)
		t.def = r
		rep.Rows = append(rep.Rows, t)
	}
	return rep
}

func (p *plan) tableRow(key, title, unit string) *tableRow {
	t := &tableRow{Key: key, Title: title, Unit: unit, Servers: make(map[string]*cell)}
	for _, s := range p.servers {
		t.Servers[s.name] = &cell{}
	}
	return t
}

// settle computes medians, ratios and verdicts.
func (rep *report) settle() {
	if len(rep.Servers) == 0 {
		return
	}
	first := rep.Servers[0].Name
	for _, row := range rep.Rows {
		for _, s := range rep.Servers {
			c := row.Servers[s.Name]
			c.Median = figures.Median(row.values(s.Name, row.def.measure))
			if s.Name != first {
				ratios, _ := row.pairs(first, s.Name, row.def.measure)
				c.Ratio = figures.Median(ratios)
			}
		}
		row.Goals = nil
		for _, g := range row.def.goals {
			if first == sockeyeServer && (g.against == "" || rep.has(g.against)) {
				row.Goals = append(row.Goals, row.judge(g, first))
			}
		}
	}
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

// marshal is the report as JSON, with a line for each row and run. What is done in a row is
// not repeated in its runs.
func (rep *report) marshal() ([]byte, error) {
	lean := *rep
	lean.Guarantees, lean.Rows = leaner(rep.Guarantees), leaner(rep.Rows)
	b, err := json.Marshal(&lean)
	if err != nil {
		return nil, err
	}
	for _, begin := range []string{`{"key":`, `{"result":`} {
		b = bytes.ReplaceAll(b, []byte(begin), []byte("\n"+begin))
	}
	return append(b, '\n'), nil
}

func leaner(rows []*tableRow) []*tableRow {
	lean := make([]*tableRow, len(rows))
	for i, row := range rows {
		one := *row
		one.Servers = make(map[string]*cell)
		for name, c := range row.Servers {
			own := *c
			own.Runs = slices.Clone(c.Runs)
			for n, o := range own.Runs {
				if o.Result != nil {
					r := *o.Result
					r.Work = load.Work{Kind: r.Work.Kind, Transport: r.Work.Transport, Clients: r.Work.Clients}
					own.Runs[n].Result = &r
				}
			}
			one.Servers[name] = &own
		}
		lean[i] = &one
	}
	return lean
}

// unmarshal reads what marshal wrote. Rows that its profile does not have any more are an
// error: their goals are not known.
func unmarshal(b []byte) (*report, error) {
	var rep report
	if err := json.Unmarshal(b, &rep); err != nil {
		return nil, err
	}
	p, err := profile(rep.Profile)
	if err != nil {
		return nil, err
	}
	rep.plan = p
	for _, t := range rep.Rows {
		i := slices.IndexFunc(p.rows, func(r row) bool { return r.key == t.Key })
		if i < 0 {
			return nil, fmt.Errorf("the profile %s has no row %q", rep.Profile, t.Key)
		}
		t.def = p.rows[i]
	}
	for _, row := range rep.Guarantees {
		i := slices.IndexFunc(p.guarantees, func(g guarantee) bool { return g.key == row.Key })
		if i < 0 {
			return nil, fmt.Errorf("the profile %s has no guarantee %q", rep.Profile, row.Key)
		}
		row.guarantee = &p.guarantees[i]
	}
	for _, row := range slices.Concat(rep.Guarantees, rep.Rows) {
		for _, s := range rep.Servers {
			if row.Servers[s.Name] == nil {
				row.Servers[s.Name] = &cell{}
			}
		}
	}
	return &rep, nil
}
