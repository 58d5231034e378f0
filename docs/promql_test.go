package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// promql reads the part of PromQL that the dashboard uses: selectors with matchers and
// a range, sum, min and max by labels, functions, numbers and what stands between them.
type promql struct {
	tokens []string
	at     int
	found  []use // what was read
}

// use is a metric in an expression, and the labels that are asked of it.
type use struct {
	metric string
	labels []string
}

var promqlToken = regexp.MustCompile(`\s+|[a-zA-Z_:][\w:]*|\$\w+|\d+[smhd]\b|\d+(?:\.\d+)?(?:e[+-]?\d+)?|"(?:[^"\\]|\\.)*"|=~|!~|!=|>=|<=|==|[-+*/<>=(){}\[\],]`)

// readPromQL returns what an expression uses, or why it is none.
func readPromQL(expr string) ([]use, error) {
	p := &promql{}
	for rest := expr; rest != ""; {
		at := promqlToken.FindStringIndex(rest)
		if at == nil || at[0] != 0 {
			return nil, fmt.Errorf("%q: what is %q?", expr, rest)
		}
		if text := strings.TrimSpace(rest[:at[1]]); text != "" {
			p.tokens = append(p.tokens, text)
		}
		rest = rest[at[1]:]
	}
	if err := p.expression(); err != nil {
		return nil, fmt.Errorf("%q: %w", expr, err)
	}
	if p.at < len(p.tokens) {
		return nil, fmt.Errorf("%q: %q is left over", expr, p.tokens[p.at:])
	}
	return p.found, nil
}

func (p *promql) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *promql) next() string {
	t := p.peek()
	p.at++
	return t
}

func (p *promql) expect(want string) error {
	if t := p.next(); t != want {
		return fmt.Errorf("%q where %q should be", t, want)
	}
	return nil
}

var (
	name       = regexp.MustCompile(`^[a-zA-Z_:][\w:]*$`)
	number     = regexp.MustCompile(`^\d`)
	operators  = []string{"+", "-", "*", "/", ">", "<", ">=", "<=", "=="}
	aggregates = []string{"sum", "min", "max", "avg", "count"}
	functions  = []string{"rate", "increase", "changes", "histogram_quantile"}
)

func (p *promql) expression() error {
	for {
		if err := p.operand(); err != nil {
			return err
		}
		if !slices.Contains(operators, p.peek()) {
			return nil
		}
		p.next()
	}
}

func (p *promql) operand() error {
	t := p.next()
	switch {
	case t == "(":
		if err := p.expression(); err != nil {
			return err
		}
		return p.expect(")")
	case number.MatchString(t):
		return nil
	case slices.Contains(aggregates, t):
		return p.aggregate()
	case slices.Contains(functions, t):
		return p.arguments()
	case name.MatchString(t):
		return p.selector(t)
	}
	return fmt.Errorf("%q where a value should be", t)
}

// aggregate reads what follows sum: by, labels, and what is added up, which must have
// them.
func (p *promql) aggregate() error {
	var by []string
	if p.peek() == "by" {
		p.next()
		if err := p.expect("("); err != nil {
			return err
		}
		for p.peek() != ")" {
			label := p.next()
			if !name.MatchString(label) {
				return fmt.Errorf("%q is no label", label)
			}
			by = append(by, label)
			if p.peek() == "," {
				p.next()
			}
		}
		p.next()
	}
	first := len(p.found)
	if err := p.arguments(); err != nil {
		return err
	}
	for i := range p.found[first:] {
		p.found[first+i].labels = append(p.found[first+i].labels, by...)
	}
	return nil
}

func (p *promql) arguments() error {
	if err := p.expect("("); err != nil {
		return err
	}
	for {
		if err := p.expression(); err != nil {
			return err
		}
		if p.peek() != "," {
			return p.expect(")")
		}
		p.next()
	}
}

func (p *promql) selector(metric string) error {
	u := use{metric: metric}
	if p.peek() == "{" {
		for p.next(); p.peek() != "}"; {
			label, op, value := p.next(), p.next(), p.next()
			if !name.MatchString(label) || !slices.Contains([]string{"=", "!=", "=~", "!~"}, op) || !strings.HasPrefix(value, `"`) {
				return fmt.Errorf("%s: no matcher: %s%s%s", metric, label, op, value)
			}
			u.labels = append(u.labels, label)
			if p.peek() == "," {
				p.next()
			}
		}
		p.next()
	}
	if p.peek() == "[" {
		p.next()
		if span := p.next(); !number.MatchString(span) && span != "$__rate_interval" {
			return fmt.Errorf("%s: %q is no range", metric, span)
		}
		if err := p.expect("]"); err != nil {
			return err
		}
	}
	p.found = append(p.found, u)
	return nil
}
