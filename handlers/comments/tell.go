package comments

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// told is a part of a page's news: comments up to a seq.
type told struct {
	Page     string `json:"page"`
	Seq      int64  `json:"seq"`
	Comments []any  `json:"comments"`
}

// tell tells comments and pages that changed up to a seq. It returns how many clients are on the
// largest page of these.
func (f *feed) tell(comments []store.Comment, pages []store.Page, upTo int64) (size int) {
	s := f.s
	byPage := make(map[string][]*store.Comment)
	var order []string
	for i := range comments {
		c := &comments[i]
		if byPage[c.Page] == nil {
			order = append(order, c.Page)
		}
		byPage[c.Page] = append(byPage[c.Page], c)
	}
	for _, page := range order {
		size = max(size, s.c.ns.RoomSize(s.room(roomPage, page)))
		f.tellPublic(page, byPage[page], upTo)
		f.tellStaff(page, byPage[page], upTo)
		f.tellAuthors(byPage[page])
	}
	for i := range pages {
		if f.pageChanged(&pages[i]) {
			f.tellPage(&pages[i], upTo)
		}
	}
	f.tellSite(comments, pages, upTo)
	return size
}

// tallied is what is counted of comments of a page, up to a tally.
type tallied struct {
	Page   string      `json:"page"`
	Tally  int64       `json:"tally"`
	Counts []tallyForm `json:"counts"`
}

// tellPublic tells everybody on a page. Authors hear of a comment of theirs that waits by
// another way; so there may be several parts, each of which says only how far it goes.
func (f *feed) tellPublic(page string, comments []*store.Comment, upTo int64) {
	s := f.s
	part, but := told{Page: page}, ""
	flush := func() {
		if len(part.Comments) == 0 {
			return
		}
		to := s.c.ns.To(s.room(roomPage, page)).Local().ID(cursor{part.Seq, f.told.tally}.String())
		if but != "" {
			to = to.Except(but)
		}
		f.emitted("comments", to.Emit("comments", part))
		part.Comments = nil
	}
	var shown []*store.Comment
	for _, c := range comments {
		if publicForm(c) != nil {
			shown = append(shown, c)
		}
	}
	for i, c := range shown {
		spared := ""
		if c.State == store.Pending {
			spared = s.room(roomUser, c.Author.ID)
		}
		if spared != but {
			flush()
			but = spared
		}
		part.Comments, part.Seq = append(part.Comments, publicForm(c)), c.Seq
		if i == len(shown)-1 {
			part.Seq = max(upTo, c.Seq)
		}
	}
	flush()
}

// tellStaff tells moderators on a page.
func (f *feed) tellStaff(page string, comments []*store.Comment, upTo int64) {
	room := f.s.room(roomStaff, page)
	if f.s.c.ns.RoomSize(room) == 0 {
		return
	}
	all := make([]any, len(comments))
	for i, c := range comments {
		all[i] = moderatorForm(c)
	}
	f.emitted("comments", f.s.c.ns.To(room).Local().Emit("comments", told{page, upTo, all}))
}

// tellAuthors tells those what became of their comments who do not hear it with the others.
func (f *feed) tellAuthors(comments []*store.Comment) {
	s := f.s
	for _, c := range comments {
		if c.State != store.Pending && publicForm(c) != nil {
			continue
		}
		to := s.c.ns.To(s.room(roomUser, c.Author.ID)).Local().Except(s.room(roomStaff, c.Page))
		f.emitted("comments", to.Emit("comments", told{c.Page, c.Seq, []any{ownForm(c)}}))
	}
}

// toPage tells everybody on a page, moderators too. at is the cursor of who has heard it.
func (f *feed) toPage(page string, at cursor, event string, arg any) {
	s := f.s
	rooms := []string{s.room(roomPage, page), s.room(roomStaff, page)}
	f.emitted(event, s.c.ns.To(rooms...).Local().ID(at.String()).Emit(event, arg))
}

// emitted logs what could not be told, but for a namespace that ends.
func (f *feed) emitted(event string, err error) {
	if err != nil && !errors.Is(err, socketio.ErrServerClosed) {
		f.s.c.opts.Logger.Warn("comments: clients were not told", slog.String("event", event), slog.String("site", f.s.name), slog.Any("error", err))
	}
}

// tellQueue tells moderators who decide what there is to be decided.
func (f *feed) tellQueue(ctx context.Context, comments []store.Comment) error {
	s := f.s
	room := s.room(roomWatch, "")
	if len(comments) == 0 || s.c.ns.RoomSize(room) == 0 {
		return nil
	}
	pending, flagged, err := s.c.store.Waiting(ctx, s.name)
	if err != nil {
		return err
	}
	all := make([]any, len(comments))
	for i := range comments {
		all[i] = moderatorForm(&comments[i])
	}
	f.emitted("queue", s.c.ns.To(room).Local().Emit("queue", map[string]any{"comments": all, "pending": pending, "flagged": flagged}))
	return nil
}

// decisions tells moderators who has decided what.
func (f *feed) decisions(ctx context.Context) error {
	s := f.s
	room := s.room(roomWatch, "")
	if s.c.ns.RoomSize(room) == 0 {
		return nil
	}
	all, err := s.c.store.Decisions(ctx, s.name, 0, readDecisions)
	if err != nil {
		return err
	}
	s.mu.Lock()
	last := f.decision
	for i := range all {
		f.decision = max(f.decision, all[i].ID)
	}
	s.mu.Unlock()
	for i := range slices.Backward(all) {
		if all[i].ID > last {
			f.emitted("decision", s.c.ns.To(room).Local().Emit("decision", map[string]any{"decision": decisionOf(&all[i])}))
		}
	}
	return nil
}

// lastDecision is the id of the last one.
func (s *site) lastDecision(ctx context.Context) (int64, error) {
	last, err := s.c.store.Decisions(ctx, s.name, 0, 1)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].ID, nil
}

// decided has a decision told that changed no comment.
func (s *site) decided() {
	s.mu.Lock()
	if s.feed != nil {
		s.feed.polled.Store(true)
		s.wakeLocked()
	}
	s.mu.Unlock()
	s.c.nudge(&nodeMessage{Site: s.name, Decided: true})
}
