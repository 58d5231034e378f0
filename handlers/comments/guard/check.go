package guard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

const (
	// DefaultLength is how many characters a comment has at most where the site does not say.
	DefaultLength = 5000
	// sameWithin is for how long a text may not be said again.
	sameWithin = 24 * time.Hour
)

// Reasons for moderators, in Verdict.Held. Others name what was found: "word: casino".
const (
	HeldHoneypot   = "honeypot"
	HeldModeration = "moderation" // the site holds everything
	HeldNewAuthor  = "new author"
)

// Check judges. The error says that the store could not be asked.
func (g *Guard) Check(ctx context.Context, s *Submission) (Verdict, error) {
	v := ofLength(s)
	if v.Code != "" || s.Trusted {
		return v, nil
	}
	if !s.Edit {
		if s.Honeypot != "" {
			return Verdict{State: store.Rejected, Held: []string{HeldHoneypot}}, nil
		}
		if v := ofTime(s); v.Code != "" {
			return v, nil
		}
		if v, err := g.ofDuplicates(ctx, s); err != nil || v.Code != "" {
			return v, err
		}
	}
	rejected, held := g.listsOf(s.Site).look(s)
	if len(rejected) > 0 {
		return Verdict{State: store.Rejected, Held: rejected}, nil
	}
	why, err := g.ofModeration(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	if why != "" {
		held = append(held, why)
	}
	if len(held) > 0 {
		return Verdict{State: store.Pending, Held: held}, nil
	}
	return Verdict{State: store.Published}, nil
}

// ofLength refuses what is too long, or nothing.
func ofLength(s *Submission) Verdict {
	limit := s.Site.Settings.MaxLength
	if limit <= 0 {
		limit = DefaultLength
	}
	switch n := utf8.RuneCountInString(s.Text); {
	case n > limit:
		return Verdict{Code: "too_long", Message: fmt.Sprintf("a comment has at most %d characters, and this one %d", limit, n)}
	case strings.TrimSpace(s.Text) == "" || s.Document.HTML == "":
		return Verdict{Code: "empty", Message: "there is nothing to see in this comment"}
	}
	return Verdict{State: store.Published}
}

// ofTime refuses who was faster than people are.
func ofTime(s *Submission) Verdict {
	wait := time.Duration(s.Site.Settings.MinTime)*time.Second - s.Open
	if wait <= 0 {
		return Verdict{}
	}
	return Verdict{
		Code: "too_fast", RetryAfter: wait,
		Message: fmt.Sprintf("the page was opened only just now: try again in %d s", int(math.Ceil(wait.Seconds()))),
	}
}

// ofDuplicates refuses what its author has said already.
func (g *Guard) ofDuplicates(ctx context.Context, s *Submission) (Verdict, error) {
	if s.Hash == "" {
		return Verdict{}, nil
	}
	same, err := g.store.SameText(ctx, s.Site.Name, s.Author.ID, s.Hash, time.Now().Add(-sameWithin))
	if err != nil {
		return Verdict{}, fmt.Errorf("look for what an author has said: %w", err)
	}
	if same {
		return Verdict{Code: "duplicate", Message: "you have said the same within a day"}, nil
	}
	return Verdict{}, nil
}

// ofModeration says why a comment is held that nothing else holds, or "".
func (g *Guard) ofModeration(ctx context.Context, s *Submission) (string, error) {
	switch s.Site.Settings.Moderation {
	case store.PreModeration:
		return HeldModeration, nil
	case store.TrustedFirst:
	case store.PostModeration:
		return "", nil
	default:
		return "", nil
	}
	p, err := g.store.Person(ctx, s.Site.Name, s.Author.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("look for an author: %w", err)
	}
	if p.Published < max(s.Site.Settings.TrustAfter, 1) {
		return HeldNewAuthor, nil
	}
	return "", nil
}
