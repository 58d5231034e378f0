package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/sockeye-io/sockeye/bench/figures"
	"github.com/sockeye-io/sockeye/bench/load"
)

// goal bounds Sockeye's figure in a row, or what it is beside another server's.
type goal struct {
	measure measure // that of the row, if it has no value

	// against is the server that bound is a multiple of, "" for a figure.
	against string
	bound   float64
	// least says that the figure is to be above the bound, not below.
	least bool
	// plus, when not 0, bounds the difference to against instead, in the unit of the row.
	plus float64
	// stretch goals are shown, but nothing is missed without them.
	stretch bool
}

func atMost(bound float64) goal                { return goal{bound: bound} }
func atLeast(bound float64) goal               { return goal{bound: bound, least: true} }
func times(bound float64, against string) goal { return goal{against: against, bound: bound} }
func (g goal) of(m measure) goal               { g.measure = m; return g }
func (g goal) further() goal                   { g.stretch = true; return g }

// text is the goal in words.
func (g goal) text() string {
	sign := "≤"
	if g.least {
		sign = "≥"
	}
	switch {
	case g.plus != 0:
		return fmt.Sprintf("%s %s + %g", sign, g.against, g.plus)
	case g.against != "":
		return fmt.Sprintf("%s %g × %s", sign, g.bound, g.against)
	}
	return sign + " " + figures.Text(g.bound)
}

// verdict is a goal and what came of it.
type verdict struct {
	Figure string  `json:"figure"` // what is bounded
	Goal   string  `json:"goal"`
	Value  float64 `json:"value"` // the figure, the ratio or the difference
	// Factor is Value by its bound: up to 1 is reached. 0 if there is nothing to compare.
	Factor  float64 `json:"factor"`
	Pass    bool    `json:"pass"`
	Stretch bool    `json:"stretch,omitempty"`

	measured bool
	plain    bool // Value is a figure
}

// judge compares what the first server did in the row.
func (t *tableRow) judge(g goal, first string) verdict {
	m := g.measure
	if m.value == nil {
		m = t.def.measure
	}
	v := verdict{Figure: m.unit, Goal: g.text(), Stretch: g.stretch, plain: g.against == ""}
	bound := g.bound
	if g.against == "" {
		values := t.values(first, m)
		v.Value, v.measured = figures.Median(values), len(values) > 0
	} else {
		ratios, differences := t.pairs(first, g.against, m)
		v.Value, v.measured = figures.Median(ratios), len(ratios) > 0
		if g.plus != 0 {
			v.Value, bound = figures.Median(differences), g.plus
		}
	}
	if !v.measured {
		return v
	}
	if v.Factor = v.Value / bound; g.least {
		v.Factor = bound / v.Value
	}
	v.Pass = v.Factor <= 1
	return v
}

// result is what the table says.
func (v verdict) result() string {
	var text string
	switch {
	case !v.measured:
		text = "not measured"
	case v.Pass:
		text = "pass"
	default:
		text = fmt.Sprintf("miss, %.2f ×", v.Factor)
	}
	switch {
	case v.Stretch:
		return "stretch: " + text
	case !v.Pass:
		return "**" + text + "**"
	}
	return text
}

// scored is how many goals there are and how many were reached, stretch goals aside, with
// what was missed, the worst first.
type scored struct {
	goals, reached int
	rows           int // in which something was missed
	missed         []missed
}

type missed struct {
	text   string
	factor float64 // infinite for what was not measured
}

func (rep *report) score() scored {
	var s scored
	for _, row := range rep.Rows {
		before := len(s.missed)
		for _, v := range row.Goals {
			switch {
			case v.Stretch:
				continue
			case v.Pass:
				s.reached++
			case !v.measured:
				s.missed = append(s.missed, missed{fmt.Sprintf("%s, %s (not measured)", row.Title, v.Goal), math.Inf(1)})
			default:
				s.missed = append(s.missed, missed{fmt.Sprintf("%s, %s (%.2f ×)", row.Title, v.Goal, v.Factor), v.Factor})
			}
			s.goals++
		}
		if len(s.missed) > before {
			s.rows++
		}
	}
	slices.SortStableFunc(s.missed, func(a, b missed) int { return cmp.Compare(b.factor, a.factor) })
	return s
}

func (s scored) text() string {
	if s.goals == 0 {
		return ""
	}
	const named = 5
	text := fmt.Sprintf("%d of %d goals reached", s.reached, s.goals)
	for i, m := range s.missed {
		switch i {
		case 0:
			text += fmt.Sprintf("; missed in %d of the rows: ", s.rows)
		case named:
			return text + fmt.Sprintf(" and %d more.", len(s.missed)-named)
		default:
			text += "; "
		}
		text += m.text
	}
	return text + "."
}

// values are the figures of the runs that have one.
func (t *tableRow) values(name string, m measure) []float64 {
	var values []float64
	for _, o := range t.Servers[name].Runs {
		if o.Result != nil && o.Result.Units > 0 {
			values = append(values, m.value(o.Result))
		}
	}
	return values
}

// pairs compares the n-th run of one server with the n-th of the other.
func (t *tableRow) pairs(of, to string, m measure) (ratios, differences []float64) {
	if t.Servers[of] == nil || t.Servers[to] == nil {
		return nil, nil
	}
	figure := func(r *load.Result) float64 {
		if r == nil || r.Units == 0 {
			return 0
		}
		return m.value(r)
	}
	a, b := t.Servers[of].Runs, t.Servers[to].Runs
	for i := range min(len(a), len(b)) {
		if x, y := figure(a[i].Result), figure(b[i].Result); x > 0 && y > 0 {
			ratios, differences = append(ratios, x/y), append(differences, x-y)
		}
	}
	return ratios, differences
}

// has reports whether a server of that name takes part.
func (rep *report) has(name string) bool {
	return slices.ContainsFunc(rep.Servers, func(s version) bool { return s.Name == name })
}
