package comments

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// maxReason is the length of a reason, in bytes.
const maxReason = 500

// opinable reads a comment that a user may think something of, on a page that takes it.
func (r *request) opinable(ctx context.Context, id string) (c store.Comment, err error) {
	if err = r.take(ctx, "vote"); err != nil {
		return c, err
	}
	if err = r.writes(ctx); err != nil {
		return c, err
	}
	if c, err = r.one(ctx, id); err != nil {
		return c, err
	}
	if c.State != store.Published {
		return c, errNotFound
	}
	page, err := r.site.page(ctx, c.Page)
	if err != nil {
		return c, err
	}
	if refused := takesComments(r.site.about.Load(), &page); refused != nil {
		return c, refused
	}
	return c, nil
}

func (r *request) vote(ctx context.Context) (any, error) {
	var q struct {
		ID    string `json:"id"`
		Value int    `json:"value"`
	}
	if err := r.bind(&q, "{id, value: 1, 0 or -1}"); err != nil {
		return nil, err
	}
	votes := or(r.site.about.Load().Settings.Votes, store.VotesUpDown)
	switch {
	case q.Value < -1 || q.Value > 1:
		return nil, badRequest("value", "value is 1, 0 or -1")
	case votes == store.VotesOff:
		return nil, &refusal{code: "forbidden", message: "this site has no votes"}
	case votes == store.VotesUp && q.Value < 0:
		return nil, &refusal{code: "forbidden", message: "this site has no votes against"}
	}
	c, err := r.opinable(ctx, q.ID)
	if err != nil {
		return nil, err
	}
	if c.Author.ID == r.user.ID {
		return nil, &refusal{code: "forbidden", message: "nobody votes for oneself"}
	}
	if c, err = r.c.store.Vote(ctx, r.site.name, q.ID, r.user.ID, q.Value); err != nil {
		return nil, err
	}
	r.site.advanced(0, c.Tally)
	return map[string]any{"id": c.ID, "up": c.Up, "down": c.Down, "value": q.Value}, nil
}

func (r *request) react(ctx context.Context) (any, error) {
	var q struct {
		ID       string `json:"id"`
		Reaction string `json:"reaction"`
		On       bool   `json:"on"`
	}
	if err := r.bind(&q, "{id, reaction, on}"); err != nil {
		return nil, err
	}
	if !slices.Contains(r.site.about.Load().Settings.Reactions, q.Reaction) && (q.On || len(q.Reaction) > maxClientKey || !utf8.ValidString(q.Reaction)) {
		return nil, badRequest("reaction", "reaction is none of this site")
	}
	c, err := r.opinable(ctx, q.ID)
	if err != nil {
		return nil, err
	}
	if c, err = r.c.store.React(ctx, r.site.name, q.ID, r.user.ID, q.Reaction, q.On); err != nil {
		return nil, err
	}
	r.site.advanced(0, c.Tally)
	thinks, err := r.c.store.Mine(ctx, r.site.name, c.Page, r.user.ID)
	if err != nil {
		return nil, err
	}
	own := thinks.Reactions[c.ID]
	if own == nil {
		own = []string{}
	}
	return map[string]any{"id": c.ID, "reactions": counted(c.Reactions), "mine": own}, nil
}

// flag says that something is wrong with a comment.
func (r *request) flag(ctx context.Context) (any, error) {
	var q struct {
		ID     string `json:"id"`
		Reason string `json:"reason"`
	}
	if err := r.bind(&q, "{id, reason?}"); err != nil {
		return nil, err
	}
	if !utf8.ValidString(q.Reason) {
		return nil, badRequest("reason", "reason is no text")
	}
	if err := r.take(ctx, "flag"); err != nil {
		return nil, err
	}
	if err := r.writes(ctx); err != nil {
		return nil, err
	}
	c, err := r.one(ctx, q.ID)
	switch {
	case err != nil:
		return nil, err
	case c.State != store.Published:
		return nil, errNotFound
	case c.Author.ID == r.user.ID:
		return nil, &refusal{code: "forbidden", message: "this comment is your own: delete it"}
	}
	c, err = r.c.store.Flag(ctx, r.site.name, q.ID, r.user.ID, clip(q.Reason, maxReason), r.site.about.Load().Settings.FlagThreshold)
	if err != nil {
		return nil, err
	}
	r.site.advanced(c.Seq, 0)
	return map[string]bool{"flagged": true}, nil
}
