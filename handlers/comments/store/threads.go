package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// place is where a thread is in an order; next of Threads is one as text.
type place struct {
	id     string
	pinned int
	score  int
}

func (p place) String() string { return fmt.Sprintf("%d.%d.%s", p.pinned, p.score, p.id) }

func parsePlace(text string) (p place, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return p, ErrPlace
	}
	p.id = parts[2]
	var first, second error
	p.pinned, first = strconv.Atoi(parts[0])
	p.score, second = strconv.Atoi(parts[1])
	if first != nil || second != nil {
		return p, ErrPlace
	}
	return p, nil
}

// Threads implements Comments.
func (d *database) Threads(ctx context.Context, q ThreadQuery) (comments []Comment, next string, err error) {
	r, limit := d.reader, max(q.Limit, 1)
	places, err := r.roots(ctx, q, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(places) > limit {
		places = places[:limit]
		next = places[limit-1].String()
	}
	roots := make([]string, 0, limit+1)
	for _, p := range places {
		roots = append(roots, p.id)
	}
	if q.With != "" {
		c, err := r.comment(ctx, q.Site, q.With)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, "", err
		}
		if err == nil && c.Page == q.Page && !slices.Contains(roots, c.Root) {
			roots = append(roots, c.Root)
		}
	}
	if len(roots) == 0 {
		return nil, "", nil
	}
	args := []any{q.Site}
	all, err := r.comments(ctx, "WHERE c.site = $1 AND "+list("c.root", roots, &args)+" ORDER BY c.id", args...)
	if err != nil {
		return nil, "", err
	}
	return arrange(roots, all), next, nil
}

// roots reads where the next threads are in which something is published.
func (r runner) roots(ctx context.Context, q ThreadQuery, limit int) (places []place, err error) {
	where := " WHERE site = $1 AND page = $2 AND parent = '' AND alive > 0"
	args := []any{q.Site, q.Page}
	if q.After != "" {
		after, err := parsePlace(q.After)
		if err != nil {
			return nil, err
		}
		switch q.Sort {
		case Oldest:
			where += " AND pinned <= $3 AND (pinned < $3 OR id > $4)"
			args = append(args, after.pinned, after.id)
		case Top:
			where += " AND (pinned, score, id) < ($3, $4, $5)"
			args = append(args, after.pinned, after.score, after.id)
		default:
			where += " AND (pinned, id) < ($3, $4)"
			args = append(args, after.pinned, after.id)
		}
	}
	order := " ORDER BY pinned DESC, id DESC"
	switch q.Sort {
	case Oldest:
		order = " ORDER BY pinned DESC, id"
	case Top:
		order = " ORDER BY pinned DESC, score DESC, id DESC"
	default:
	}
	query := "SELECT pinned, score, id FROM comments" + where + order + " LIMIT " + strconv.Itoa(limit)
	err = r.each(ctx, query, args, func(scan func(...any) error) error {
		var p place
		err := scan(&p.pinned, &p.score, &p.id)
		places = append(places, p)
		return err
	})
	return places, err
}

// arrange puts answers under what they answer, and leaves out what is not published and has nothing published
// under it.
func arrange(roots []string, all []Comment) []Comment {
	index := make(map[string]int, len(all))
	answers := make(map[string][]int, len(all))
	for i := range all {
		index[all[i].ID] = i
		if all[i].Parent != "" {
			answers[all[i].Parent] = append(answers[all[i].Parent], i)
		}
	}
	arranged := make([]Comment, 0, len(all))
	var under func(i int)
	under = func(i int) {
		at := len(arranged)
		arranged = append(arranged, all[i])
		for _, answer := range answers[all[i].ID] {
			under(answer)
		}
		if all[i].State != Published && len(arranged) == at+1 {
			arranged = arranged[:at]
		}
	}
	for _, root := range roots {
		if i, ok := index[root]; ok {
			under(i)
		}
	}
	return arranged
}
