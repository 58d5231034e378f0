package store

import (
	"context"
	"strconv"
)

// Changes implements Comments.
func (d *database) Changes(ctx context.Context, site, page string, after int64, limit int) (comments []Comment, pages []Page, more bool, err error) {
	r := d.reader
	// What is committed after this look is for the next one, so that comments and pages are of one moment.
	var upTo int64
	if err := r.one(ctx, "SELECT seq FROM sites WHERE name = $1", []any{site}, &upTo); err != nil {
		return nil, nil, false, err
	}
	if upTo <= after {
		return nil, nil, false, nil
	}
	args := []any{site, after, upTo}
	ofPage, ofKey := "", ""
	if page != "" {
		args = append(args, page)
		ofPage, ofKey = " AND c.page = $4", " AND key = $4"
	}
	end := " LIMIT " + strconv.Itoa(limit+1)
	pages, err = r.pages(ctx, " WHERE site = $1 AND seq > $2 AND seq <= $3"+ofKey+" ORDER BY seq"+end, args...)
	if err != nil {
		return nil, nil, false, err
	}
	comments, err = r.comments(ctx, "WHERE c.site = $1 AND c.seq > $2 AND c.seq <= $3"+ofPage+" ORDER BY c.seq"+end, args...)
	if err != nil {
		return nil, nil, false, err
	}
	if len(comments) > limit {
		comments, more, upTo = comments[:limit], true, comments[limit-1].Seq
	}
	if len(pages) > limit {
		pages, more, upTo = pages[:limit], true, min(upTo, pages[limit-1].Seq)
	}
	// One of both was cut: of the other one nothing above may be told, or a cursor would leave something out.
	for len(comments) > 0 && comments[len(comments)-1].Seq > upTo {
		comments = comments[:len(comments)-1]
	}
	for len(pages) > 0 && pages[len(pages)-1].Seq > upTo {
		pages = pages[:len(pages)-1]
	}
	return comments, pages, more, nil
}

// Tallies implements Comments.
func (d *database) Tallies(ctx context.Context, site, page string, after int64, limit int) (comments []Comment, more bool, err error) {
	args := []any{site, after}
	ofPage := ""
	if page != "" {
		args = append(args, page)
		ofPage = " AND page = $3"
	}
	query := "SELECT id, site, page, state, up, down, reactions, tally FROM comments WHERE site = $1 AND tally > $2" + ofPage +
		" ORDER BY tally LIMIT " + strconv.Itoa(limit+1)
	err = d.reader.each(ctx, query, args, func(scan func(...any) error) error {
		var c Comment
		var reactions string
		if err := scan(&c.ID, &c.Site, &c.Page, &c.State, &c.Up, &c.Down, &reactions, &c.Tally); err != nil {
			return err
		}
		comments = append(comments, c)
		return unpack(reactions, &comments[len(comments)-1].Reactions)
	})
	if len(comments) > limit {
		return comments[:limit], true, err
	}
	return comments, false, err
}

// Recent implements Comments.
func (d *database) Recent(ctx context.Context, site, page string, limit int) ([]Comment, error) {
	args := []any{site}
	ofPage := ""
	if page != "" {
		args = append(args, page)
		ofPage = " AND c.page = $2"
	}
	return d.reader.comments(ctx, "WHERE c.site = $1 AND c.state = 'published'"+ofPage+" ORDER BY c.id DESC LIMIT "+strconv.Itoa(limit), args...)
}
