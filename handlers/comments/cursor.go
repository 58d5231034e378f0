package comments

import (
	"context"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// maxMissed is how many changes a client that comes back is told one by one. Of more it gets
// a snapshot.
const maxMissed = 300

// cursor says up to where a site is known.
type cursor struct{ seq, tally int64 }

// String is the form on the wire.
func (c cursor) String() string {
	return strconv.FormatInt(c.seq, 10) + "." + strconv.FormatInt(c.tally, 10)
}

// parseCursor reads it. A sign or a leading zero more is no other cursor: it is none.
func parseCursor(text string) (c cursor, ok bool) {
	seq, tally, both := strings.Cut(text, ".")
	if !both || len(text) > 40 {
		return c, false
	}
	var errs [2]error
	c.seq, errs[0] = strconv.ParseInt(seq, 10, 64)
	c.tally, errs[1] = strconv.ParseInt(tally, 10, 64)
	return c, errs[0] == nil && errs[1] == nil && c.seq >= 0 && c.tally >= 0 && c.String() == text
}

// news is what has changed on a page, or a site, since a cursor.
type news struct {
	comments []store.Comment // by seq
	pages    []store.Page    // by seq
	tallies  []store.Comment
	upTo     cursor
	reset    bool // too much, or too long ago: only a snapshot helps
}

// since reads what has changed after a cursor; page "" is the whole site. told is up to where
// those who listen have been told everything, before the caller became one of them.
func (s *site) since(ctx context.Context, page string, after, told cursor) (n news, err error) {
	n.upTo = cursor{max(after.seq, told.seq), max(after.tally, told.tally)}
	head := headOf(s)
	if after.seq > head.Seq || after.tally > head.Tally { // another node may be further than is known here
		heads, err := s.c.store.Heads(ctx)
		if err != nil {
			return n, err
		}
		head = heads[s.name]
		s.reached(head)
	}
	if after.seq < head.Floor || after.seq > head.Seq || after.tally > head.Tally {
		n.reset = true
		n.upTo = told
		return n, nil
	}
	if after.seq < head.Seq || after.seq < told.seq {
		if n.comments, n.pages, n.reset, err = s.c.store.Changes(ctx, s.name, page, after.seq, maxMissed); err != nil || n.reset {
			return n, err
		}
	}
	if after.tally < head.Tally || after.tally < told.tally {
		if n.tallies, n.reset, err = s.c.store.Tallies(ctx, s.name, page, after.tally, maxMissed); err != nil || n.reset {
			return n, err
		}
	}
	for i := range n.comments {
		n.upTo.seq = max(n.upTo.seq, n.comments[i].Seq)
	}
	for i := range n.tallies {
		n.upTo.tally = max(n.upTo.tally, n.tallies[i].Tally)
	}
	return n, nil
}
