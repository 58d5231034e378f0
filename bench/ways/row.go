package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// row is one way to be measured.
type row struct {
	// name is what -row calls it.
	name string
	// about says in a sentence or two what is measured, and how.
	about string
	// measure does it once, within the lab's sizes. Servers of the lab are ended
	// afterwards.
	measure func(ctx context.Context, l *lab) (*result, error)
}

// result is what came out once.
type result struct {
	figures []figure
	// losses say what was lost, doubled or refused; none is as it should be.
	losses []string
}

// figure is one number.
type figure struct {
	name  string // unique in its row
	value float64
	unit  string // such as "CPU µs per event"
	// goal is what it has to reach in the full size; nil is nothing.
	goal *goal
	// of is the name of an earlier figure of which this one is shown as a multiple; ""
	// is none.
	of string
}

// goal bounds a figure.
type goal struct {
	text string
	met  func(value float64) bool
}

func atMost(bound float64) *goal {
	return &goal{fmt.Sprintf("≤ %g", bound), func(v float64) bool { return v <= bound }}
}

func atLeast(bound float64) *goal {
	return &goal{fmt.Sprintf("≥ %g", bound), func(v float64) bool { return v >= bound }}
}

func (r *result) add(f figure) { r.figures = append(r.figures, f) }

func (r *result) lose(format string, args ...any) {
	r.losses = append(r.losses, fmt.Sprintf(format, args...))
}

// value is that of a figure, 0 if there is none of this name.
func (r *result) value(name string) float64 {
	for _, f := range r.figures {
		if f.name == name {
			return f.value
		}
	}
	return 0
}

var registered []*row

// register adds a row. It is called once by each file of a row, as
//
//	var _ = register(&row{…})
func register(r *row) *row { //nolint:unparam // a variable that is initialized needs a value
	registered = append(registered, r)
	return r
}

// rows are those that are named, separated by commas, or all, in the order of their names.
func rows(names string) ([]*row, error) {
	all := slices.SortedFunc(slices.Values(registered), func(a, b *row) int { return strings.Compare(a.name, b.name) })
	if names == "" {
		return all, nil
	}
	var some []*row
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(r *row) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-row: there is no %q", name)
		}
		some = append(some, all[i])
	}
	return some, nil
}
