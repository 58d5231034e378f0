package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// columns of a comment, of comments c and their pages p.
const columns = `c.id, c.site, c.page, coalesce(p.title, ''), coalesce(p.url, ''), c.parent, c.root, c.depth,
	c.author, c.subject, c.name, c.avatar, c.role, c.guest, c.keyed, c.text, c.html, c.hash, c.state, c.held, c.addr, c.pinned,
	c.created, c.edited, c.published, c.up, c.down, c.reactions, c.flags, c.seq, c.tally`

const fromComments = " FROM comments c LEFT JOIN pages p ON p.site = c.site AND p.key = c.page "

func scanComment(scan func(...any) error) (Comment, error) {
	var c Comment
	var created, edited, published int64
	var held, reactions string
	err := scan(&c.ID, &c.Site, &c.Page, &c.Title, &c.URL, &c.Parent, &c.Root, &c.Depth,
		&c.Author.ID, &c.Author.Subject, &c.Author.Name, &c.Author.Avatar, &c.Author.Role, &c.Author.Guest,
		&c.Key, &c.Text, &c.HTML, &c.Hash, &c.State, &held, &c.Addr, &c.Pinned,
		&created, &edited, &published, &c.Up, &c.Down, &reactions, &c.Flags, &c.Seq, &c.Tally)
	c.Created, c.Edited, c.Published = timeOf(created), timeOf(edited), timeOf(published)
	return c, errors.Join(err, unpack(held, &c.Held), unpack(reactions, &c.Reactions))
}

// comments reads what comes after "SELECT columns FROM comments".
func (r runner) comments(ctx context.Context, where string, args ...any) ([]Comment, error) {
	var all []Comment
	err := r.each(ctx, "SELECT "+columns+fromComments+where, args, func(scan func(...any) error) error {
		c, err := scanComment(scan)
		all = append(all, c)
		return err
	})
	return all, err
}

// comment reads one, or ErrNotFound.
func (r runner) comment(ctx context.Context, site, id string) (Comment, error) {
	all, err := r.comments(ctx, "WHERE c.site = $1 AND c.id = $2", site, id)
	if err != nil {
		return Comment{}, err
	}
	if len(all) == 0 {
		return Comment{}, ErrNotFound
	}
	return all[0], nil
}

// save writes everything of a comment that may change.
func (x *tx) save(ctx context.Context, c *Comment) error {
	_, err := x.exec(ctx, `UPDATE comments SET author = $3, subject = $4, name = $5, avatar = $6, role = $7, guest = $8, keyed = $9,
		text = $10, html = $11, search = $12, hash = $13, state = $14, held = $15, addr = $16, pinned = $17, edited = $18, published = $19,
		up = $20, down = $21, score = $22, reactions = $23, flags = $24, seq = $25, tally = $26 WHERE site = $1 AND id = $2`,
		c.Site, c.ID, c.Author.ID, c.Author.Subject, c.Author.Name, c.Author.Avatar, c.Author.Role, c.Author.Guest, c.Key,
		c.Text, c.HTML, searchable(c), c.Hash, c.State, pack(c.Held), c.Addr, c.Pinned, millis(c.Edited), millis(c.Published),
		c.Up, c.Down, c.Up-c.Down, pack(c.Reactions), c.Flags, c.Seq, c.Tally)
	return err
}

// insert adds a comment as it is, and reports whether its ID, or its key, was free. alive is how many of a thread that
// it begins are published.
func (x *tx) insert(ctx context.Context, c *Comment, alive int) (bool, error) {
	n, err := x.exec(ctx, `INSERT INTO comments (site, id, page, parent, root, depth, author, subject, name, avatar, role, guest, keyed,
		text, html, search, hash, state, held, addr, pinned, created, edited, published, up, down, score, reactions, flags, alive, seq, tally)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
		$27, $28, $29, $30, $31, $32) ON CONFLICT DO NOTHING`,
		c.Site, c.ID, c.Page, c.Parent, c.Root, c.Depth, c.Author.ID, c.Author.Subject, c.Author.Name, c.Author.Avatar, c.Author.Role,
		c.Author.Guest, c.Key, c.Text, c.HTML, searchable(c), c.Hash, c.State, pack(c.Held), c.Addr, c.Pinned,
		millis(c.Created), millis(c.Edited), millis(c.Published), c.Up, c.Down, c.Up-c.Down, pack(c.Reactions), c.Flags, alive, c.Seq, c.Tally)
	return n == 1, err
}

// countPage changes how many comments of a page are published, and with that its number of change. A page
// that is not there is made.
func (x *tx) countPage(ctx context.Context, c *Comment, by int) error {
	_, err := x.exec(ctx, `INSERT INTO pages (site, key, title, url, created, locked, count, seq) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
		ON CONFLICT (site, key) DO UPDATE SET
			count = pages.count + excluded.count,
			seq = CASE WHEN excluded.count = 0 THEN pages.seq ELSE excluded.seq END,
			title = CASE WHEN pages.title = '' THEN excluded.title ELSE pages.title END,
			url = CASE WHEN pages.url = '' THEN excluded.url ELSE pages.url END,
			created = CASE WHEN pages.created = 0 OR pages.created > excluded.created THEN excluded.created ELSE pages.created END`,
		c.Site, c.Page, c.Title, c.URL, millis(c.Created), by, x.head.seq)
	return err
}

// countThread changes how many comments of a thread are published.
func (x *tx) countThread(ctx context.Context, c *Comment, by int) error {
	_, err := x.exec(ctx, "UPDATE comments SET alive = alive + $3 WHERE site = $1 AND id = $2", c.Site, c.Root, by)
	return err
}

// setState makes the state another, with what is counted of it; the caller saves the comment.
func (x *tx) setState(ctx context.Context, c *Comment, state State, now time.Time) error {
	was := c.State
	c.State = state
	by := 0
	if was == Published {
		by--
	}
	if state == Published {
		by++
	}
	if by == 0 {
		return nil
	}
	if err := errors.Join(x.countPage(ctx, c, by), x.countThread(ctx, c, by)); err != nil || by < 0 || !c.Published.IsZero() {
		return err
	}
	c.Published = now
	return x.hook(ctx, c)
}

// hook notes that the owner of a site is to be told of a comment, if there is a hook.
func (x *tx) hook(ctx context.Context, c *Comment) error {
	if !x.head.hooked {
		return nil
	}
	_, err := x.exec(ctx, "INSERT INTO hooks (site, comment, tries, due, problem) VALUES ($1, $2, 0, 0, '')", c.Site, c.ID)
	return err
}

// empty takes away what a comment says.
func empty(c *Comment) {
	c.Text, c.HTML, c.Hash, c.Addr, c.Held, c.Pinned = "", "", "", "", nil, false
}

// searchable is what a search looks at.
func searchable(c *Comment) string {
	if c.Text == "" && c.Author.Name == "" {
		return ""
	}
	return strings.ToLower(c.Author.Name + "\n" + c.Text)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// pack makes text of lists, maps and settings; what is empty is "".
func pack(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("store: " + err.Error()) // only maps and lists of plain values come here
	}
	if s := string(b); s != "null" && s != "[]" && s != "{}" {
		return s
	}
	return ""
}

func unpack(text string, into any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// cleaned is a comment as it will be read back.
func cleaned(c Comment) Comment {
	for _, s := range []*string{
		&c.ID, &c.Site, &c.Page, &c.Title, &c.URL, &c.Parent, &c.Key, &c.Text, &c.HTML, &c.Hash, &c.Addr,
		&c.Author.ID, &c.Author.Subject, &c.Author.Name, &c.Author.Avatar, &c.Author.Role,
	} {
		*s = storableText(*s)
	}
	for _, t := range []*time.Time{&c.Created, &c.Edited, &c.Published} {
		*t = timeOf(millis(*t))
	}
	return c
}
