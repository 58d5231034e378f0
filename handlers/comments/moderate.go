package comments

import (
	"context"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Bounds of what moderators ask for at once.
const (
	maxIDs     = 100
	maxQueue   = 100
	someQueue  = 50
	maxLooking = 200 // bytes of what is looked for
)

// decision is what the user decides.
func (r *request) decision(note string) store.Decision {
	return store.Decision{By: r.user.ID, ByName: r.user.Name, Note: clip(note, maxReason)}
}

// decisionForm is a line of the log.
type decisionForm struct {
	ID      int64        `json:"id"`
	Time    int64        `json:"time"`
	By      string       `json:"by"`
	ByName  string       `json:"byName"`
	Action  store.Action `json:"action"`
	Comment string       `json:"comment,omitempty"`
	Page    string       `json:"page,omitempty"`
	User    string       `json:"user,omitempty"`
	Note    string       `json:"note,omitempty"`
}

func decisionOf(d *store.Decision) decisionForm {
	return decisionForm{
		ID: d.ID, Time: milliseconds(d.Time), By: d.By, ByName: d.ByName, Action: d.Action,
		Comment: d.Comment, Page: d.Page, User: d.User, Note: d.Note,
	}
}

// watch has a moderator hear what is to be decided.
func (r *request) watch(ctx context.Context) (any, error) {
	last, err := r.site.lastDecision(ctx)
	if err != nil {
		return nil, err
	}
	room := r.site.room(roomWatch, "")
	r.mu.Lock()
	if r.over || !r.session.user.moderator() {
		r.mu.Unlock()
		return nil, errModerators
	}
	r.site.mu.Lock()
	if f := r.site.feed; f != nil && r.c.ns.RoomSize(room) == 0 {
		f.decision = max(f.decision, last) // nobody was told of those before
	}
	r.site.mu.Unlock()
	r.joinLocked(room)
	r.watching = true
	r.mu.Unlock()
	return r.waiting(ctx, map[string]any{})
}

// waiting adds how much there is to be decided.
func (r *request) waiting(ctx context.Context, answer map[string]any) (any, error) {
	pending, flagged, err := r.c.store.Waiting(ctx, r.site.name)
	if err != nil {
		return nil, err
	}
	answer["pending"], answer["flagged"] = pending, flagged
	return answer, nil
}

func (r *request) queue(ctx context.Context) (any, error) {
	var q struct {
		State  string `json:"state"`
		Page   string `json:"page"`
		User   string `json:"user"`
		Text   string `json:"text"`
		Before string `json:"before"`
		Limit  int    `json:"limit"`
	}
	if err := r.bind(&q, "{state?, page?, user?, text?, before?, limit?}"); err != nil {
		return nil, err
	}
	search := store.Search{Site: r.site.name, Page: q.Page, User: q.User, Text: q.Text, Before: q.Before, Limit: some(q.Limit)}
	switch state := store.State(or(q.State, string(store.Pending))); state {
	case store.Pending, store.Published, store.Rejected, store.Deleted:
		search.State = state
	case "flagged":
		search.Flagged = true
	case "all":
	default:
		return nil, badRequest("state", "state is pending, flagged, published, rejected, deleted or all")
	}
	for field, text := range map[string]string{"page": q.Page, "user": q.User, "text": q.Text, "before": q.Before} {
		if len(text) > maxKey || field == "text" && len(text) > maxLooking || !utf8.ValidString(text) {
			return nil, badRequest(field, field+" is too long, or no text")
		}
	}
	comments, next, err := r.c.store.Search(ctx, search)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"comments": forms(r.user, comments)}
	if next != "" {
		answer["next"] = next
	}
	return r.waiting(ctx, answer)
}

// some is how many are asked for.
func some(limit int) int {
	if limit <= 0 {
		return someQueue
	}
	return min(limit, maxQueue)
}

// failed is a comment that could not be decided about.
type failed struct {
	ID      string `json:"id"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *request) moderate(ctx context.Context) (any, error) {
	var q struct {
		IDs    []string     `json:"ids"`
		Action store.Action `json:"action"`
		Note   string       `json:"note"`
	}
	if err := r.bind(&q, "{ids, action, note?}"); err != nil {
		return nil, err
	}
	switch {
	case len(q.IDs) == 0 || len(q.IDs) > maxIDs:
		return nil, badRequest("ids", "ids has 1 to "+strconv.Itoa(maxIDs)+" ids of comments")
	case !slices.Contains([]store.Action{store.Approve, store.Reject, store.Delete, store.Restore, store.Pin, store.Unpin, store.Unflag}, q.Action):
		return nil, badRequest("action", "action is approve, reject, delete, restore, pin, unpin or unflag")
	case !utf8.ValidString(q.Note):
		return nil, badRequest("note", "note is no text")
	}
	ids := slices.Compact(slices.Sorted(slices.Values(q.IDs)))
	comments, err := r.c.store.Moderate(ctx, r.site.name, ids, q.Action, r.decision(q.Note))
	if err != nil {
		return nil, err
	}
	done, wrong := []string{}, []failed{}
	for i := range comments {
		done = append(done, comments[i].ID)
	}
	for _, id := range ids {
		if !slices.Contains(done, id) {
			wrong = append(wrong, failed{clip(id, maxClientKey), errNotFound.code, errNotFound.message})
		}
	}
	r.site.changedComments(comments)
	r.site.decided()
	return map[string]any{"done": done, "failed": wrong}, nil
}

// changedComments has comments told that were decided about.
func (s *site) changedComments(comments []store.Comment) {
	var seq int64
	for i := range comments {
		seq = max(seq, comments[i].Seq)
	}
	s.advanced(seq, 0)
}

func (r *request) log(ctx context.Context) (any, error) {
	var q struct {
		Before int64 `json:"before"`
		Limit  int   `json:"limit"`
	}
	if err := r.bind(&q, "{before?, limit?}"); err != nil {
		return nil, err
	}
	limit := some(q.Limit)
	stored, err := r.c.store.Decisions(ctx, r.site.name, max(q.Before, 0), limit)
	if err != nil {
		return nil, err
	}
	decisions := make([]decisionForm, len(stored))
	for i := range stored {
		decisions[i] = decisionOf(&stored[i])
	}
	answer := map[string]any{"decisions": decisions}
	if len(stored) == limit {
		answer["next"] = stored[limit-1].ID
	}
	return answer, nil
}

// lock closes a page, or opens it again.
func (r *request) lock(ctx context.Context) (any, error) {
	var q struct {
		Page   string `json:"page"`
		Locked bool   `json:"locked"`
	}
	if err := r.bind(&q, "{page, locked}"); err != nil {
		return nil, err
	}
	if err := checkPage(q.Page, "page"); err != nil {
		return nil, err
	}
	d := r.decision("")
	d.Page, d.Action = q.Page, store.Unlock
	if q.Locked {
		d.Action = store.Lock
	}
	page, err := r.c.store.LockPage(ctx, r.site.name, q.Page, q.Locked, d)
	if err != nil {
		return nil, err
	}
	r.site.mu.Lock()
	r.site.pageIsLocked(&page)
	r.site.mu.Unlock()
	r.site.advanced(page.Seq, 0)
	r.site.decided()
	return map[string]any{"page": pageForm(r.site.about.Load(), &page)}, nil
}
