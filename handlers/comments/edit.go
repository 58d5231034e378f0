package comments

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// one reads the comment of an id that the user may know of.
func (r *request) one(ctx context.Context, id string) (c store.Comment, err error) {
	if id == "" || len(id) > maxClientKey {
		return c, errNotFound
	}
	if c, err = r.c.store.Comment(ctx, r.site.name, id); err != nil {
		return c, err
	}
	if formFor(r.user, &c) == nil {
		return c, errNotFound
	}
	return c, nil
}

// own reads a comment of the user's own that is still there.
func (r *request) own(ctx context.Context, id string) (c store.Comment, err error) {
	c, err = r.one(ctx, id)
	switch {
	case err != nil:
		return c, err
	case c.State == store.Deleted || c.State == store.Rejected && !r.user.moderator():
		return c, errNotFound
	case c.Author.ID != r.user.ID:
		return c, errOther
	}
	return c, nil
}

func (r *request) edit(ctx context.Context) (any, error) {
	var q struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	if err := r.bind(&q, "{id, text}"); err != nil {
		return nil, err
	}
	if !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0) {
		return nil, badRequest("text", "text is no text")
	}
	c, err := r.own(ctx, q.ID)
	if err != nil {
		return nil, err
	}
	a := r.site.about.Load()
	document, err := read(a, q.Text)
	if err != nil {
		return nil, err
	}
	if err = r.take(ctx, "edit"); err != nil {
		return nil, err
	}
	if err = r.writes(ctx); err != nil {
		return nil, err
	}
	if !r.user.moderator() {
		page, err := r.c.store.Page(ctx, r.site.name, c.Page)
		if err != nil {
			return nil, err
		}
		if refused := takesComments(a, &page); refused != nil {
			return nil, refused
		}
		if time.Since(c.Created) > time.Duration(a.Settings.EditWindow)*time.Second {
			return nil, &refusal{code: "too_late", message: "the time in which a comment can be changed is over"}
		}
	}
	hash := guard.Hash(document.Plain)
	verdict, err := a.guard.Check(ctx, &guard.Submission{
		Site: &a.Site, Author: r.user.Author, Document: document, Text: q.Text, Hash: hash,
		Address: r.address(), Edit: true, Trusted: r.user.moderator(),
	})
	switch {
	case err != nil:
		return nil, err
	case verdict.Code != "":
		return nil, &refusal{code: verdict.Code, message: verdict.Message, retryAfter: verdict.RetryAfter}
	case verdict.State == store.Rejected:
		return nil, &refusal{code: "rejected", message: "this site does not publish a comment like this"}
	}
	change := store.Edit{Text: q.Text, HTML: document.HTML, Hash: hash, State: verdict.State, Held: verdict.Held, Was: c.State, Edited: time.Now()}
	if c.State != store.Published { // what waits is not published by its author
		change.State = c.State
		if change.Held == nil {
			change.Held = c.Held
		}
	}
	if c, err = r.c.store.Edit(ctx, r.site.name, q.ID, change); err != nil {
		return nil, err
	}
	r.site.advanced(c.Seq, 0)
	return map[string]any{"comment": formFor(r.user, &c)}, nil
}

// named reads the comment of which the event is, which is the user's own or, for moderators, any.
func (r *request) named(ctx context.Context) (c store.Comment, err error) {
	var q struct {
		ID string `json:"id"`
	}
	if err = r.bind(&q, "{id}"); err != nil {
		return c, err
	}
	if c, err = r.one(ctx, q.ID); err == nil && c.Author.ID != r.user.ID && !r.user.moderator() {
		err = errOther
	}
	return c, err
}

// remove takes a comment away: its author's own at any time, another one as a moderator.
func (r *request) remove(ctx context.Context) (any, error) {
	c, err := r.named(ctx)
	if err != nil {
		return nil, err
	}
	if c.State == store.Deleted {
		return map[string]any{"comment": formFor(r.user, &c)}, nil
	}
	if err = r.take(ctx, "edit"); err != nil {
		return nil, err
	}
	if c.Author.ID == r.user.ID {
		c, err = r.c.store.Edit(ctx, r.site.name, c.ID, store.Edit{Delete: true, State: store.Deleted, Edited: time.Now()})
	} else {
		c, err = r.deleted(ctx, c.ID)
	}
	if err != nil {
		return nil, err
	}
	r.site.advanced(c.Seq, 0)
	return map[string]any{"comment": formFor(r.user, &c)}, nil
}

// deleted takes somebody else's comment away, which the log shows.
func (r *request) deleted(ctx context.Context, id string) (c store.Comment, err error) {
	all, err := r.c.store.Moderate(ctx, r.site.name, []string{id}, store.Delete, r.decision(""))
	switch {
	case err != nil:
		return c, err
	case len(all) == 0:
		return c, errNotFound
	}
	return all[0], nil
}

// source is the text of a comment as it was written.
func (r *request) source(ctx context.Context) (any, error) {
	c, err := r.named(ctx)
	switch {
	case err != nil:
		return nil, err
	case c.State == store.Deleted:
		return nil, errNotFound
	}
	return map[string]string{"text": c.Text}, nil
}
