package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Known is where it is said what is known of a user.
type Known interface {
	Source
	Person(ctx context.Context, site, user string) (store.Person, error)
	OpinionsOf(ctx context.Context, site, user string) ([]store.Opinion, error)
	Banned(ctx context.Context, site, user string) (store.Ban, error)
}

// opinion is a vote, a reaction or a flag, as it is handed out.
type opinion struct {
	Comment string `json:"comment"`
	Kind    string `json:"kind"`
	Value   string `json:"value,omitempty"`
	Time    int64  `json:"time,omitempty"`
}

// ban is a ban, as it is handed out.
type ban struct {
	Reason  string `json:"reason,omitempty"`
	Created int64  `json:"created"`
	Expires int64  `json:"expires,omitempty"`
}

// WriteUser writes all that is known of one user as one JSON document, for that user to have, and returns how
// many comments are in it. ErrNotFound is a user who never did anything here.
func WriteUser(ctx context.Context, w io.Writer, from Known, site, user string) (int, error) {
	p, err := from.Person(ctx, site, user)
	never := errors.Is(err, store.ErrNotFound) // wrote nothing; there may be votes
	if err != nil && !never {
		return 0, err
	}
	if never {
		p.ID = user
	}
	doc := struct {
		Format   string    `json:"format"`
		Version  int       `json:"version"`
		Site     string    `json:"site"`
		User     Author    `json:"user"`
		First    int64     `json:"first,omitempty"`
		Ban      *ban      `json:"ban,omitempty"`
		Comments []*Record `json:"comments"`
		Opinions []opinion `json:"opinions"`
	}{
		Format: Format + "-user", Version: Version, Site: site, User: Author(p.Author), First: millis(p.First),
		Comments: []*Record{}, Opinions: []opinion{},
	}
	err = from.EachComment(ctx, site, user, func(c store.Comment) error {
		doc.Comments = append(doc.Comments, recordOf(&c))
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("comments: %w", err)
	}
	list, err := from.OpinionsOf(ctx, site, user)
	if err != nil {
		return 0, fmt.Errorf("votes, reactions and flags: %w", err)
	}
	for _, o := range list {
		doc.Opinions = append(doc.Opinions, opinion{o.Comment, o.Kind, o.Value, millis(o.Time)})
	}
	b, err := from.Banned(ctx, site, user)
	switch {
	case err == nil:
		doc.Ban = &ban{b.Reason, millis(b.Created), millis(b.Expires)}
	case !errors.Is(err, store.ErrNotFound):
		return 0, fmt.Errorf("bans: %w", err)
	}
	if never && len(doc.Opinions) == 0 && doc.Ban == nil {
		return 0, store.ErrNotFound
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return len(doc.Comments), enc.Encode(doc)
}
