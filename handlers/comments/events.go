package comments

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Readers of a stream that ended come back after a time between these, so that those of a node
// that is gone do not come all at once.
const (
	minStreamRetry = time.Second
	maxStreamRetry = 5 * time.Second
)

// readyEvent says that a stream has caught up, and what follows is live.
const readyEvent = "ready"

// follower is the reader of an event stream: a client of the namespace that is on one page, or
// follows the whole site.
type follower struct {
	page  string // "" is the site
	after cursor
	since bool // after is what it knows; otherwise it begins now
}

// events serves an event stream.
func (c *Comments) events(g *gin.Context) {
	w, r := g.Writer, g.Request
	rc := http.NewResponseController(w)
	// A stream has no end; writers without deadlines are those of tests.
	_, _ = rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{})
	at, wrong := followerOf(r)
	err := c.ns.Server().ServeGuest(w, r, &socketio.GuestOptions{
		Kind: socketio.GuestStream, Namespace: Namespace, Auth: map[string]string{"site": g.Param("site")},
		// What is wrong with the address is said with the headers that let a page read it.
		Admit: func(context.Context, *socketio.Socket) error {
			w.Header().Del("Access-Control-Allow-Credentials") // nothing here is anybody's own
			return wrong
		},
		Welcome: welcomeStream,
		Backlog: func(ctx context.Context, s *socketio.Socket) ([]socketio.GuestMessage, bool) {
			return c.catchUp(ctx, s, at), false
		},
	})
	if err == nil {
		return
	}
	var refused *socketio.ConnectError
	if errors.As(err, &refused) {
		switch refused.Code() {
		case codeUnknownSite, problem.CodeBadRequest: // which is a name that no site can have
			err = errUnknownSite
		}
	}
	if p := problem.Of(err); p.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet+", "+http.MethodOptions)
	}
	c.fail(w, r, err)
}

// followerOf reads what is asked for. What EventSource says itself is the newest; a page that
// opens another one can only say it in the address.
func followerOf(r *http.Request) (*follower, error) {
	q := r.URL.Query()
	f := &follower{page: q.Get("page")}
	if q.Has("page") {
		if err := checkPage(f.page, "page"); err != nil {
			return f, problemOf(err)
		}
	}
	for _, text := range []string{r.Header.Get("Last-Event-ID"), q.Get("lastEventId"), q.Get("cursor")} {
		if text == "" {
			continue
		}
		if f.after, f.since = parseCursor(text); !f.since {
			return f, badQuery("what came as Last-Event-ID, lastEventId or cursor is no cursor of this site")
		}
		break
	}
	return f, nil
}

// welcomeStream begins a stream.
func welcomeStream(*socketio.Socket) []byte {
	retry := minStreamRetry + rand.N(maxStreamRetry-minStreamRetry) //nolint:gosec // no secret
	return fmt.Appendf(nil, "retry: %d\n\n", retry.Milliseconds())
}

// catchUp enters the room and returns what the reader has missed. What comes meanwhile is
// sent behind it.
func (c *Comments) catchUp(ctx context.Context, socket *socketio.Socket, at *follower) []socketio.GuestMessage {
	one := sessionOf(socket)
	if one == nil { // it is being ended
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	page, err := one.catchUp(ctx, at)
	if err != nil {
		socket.End("unavailable", "what has changed could not be read: come back")
		return nil
	}
	return page
}

func (s *session) catchUp(ctx context.Context, at *follower) (list []socketio.GuestMessage, err error) {
	if at.page == "" {
		err = s.socket.Join(s.site.room(roomSite, ""))
	} else {
		_, err = s.enter(at.page, time.Now())
	}
	if err != nil {
		return nil, err
	}
	upTo, err := s.site.following(ctx)
	if err != nil {
		return nil, err
	}
	if at.since {
		n, err := s.site.since(ctx, at.page, at.after, upTo)
		if err != nil {
			return nil, err
		}
		upTo = n.upTo
		list = n.messages(s.site.about.Load(), at)
	}
	if at.page != "" {
		page, err := s.site.page(ctx, at.page)
		if err != nil {
			return nil, err
		}
		list = append(list, tellPage(s.site.about.Load(), &page))
	}
	return append(list, tellStream(readyEvent, upTo.String(), map[string]string{"cursor": upTo.String()})), nil
}

// messages are the news for the reader of a stream. No id is told before the end, so that who
// is cut off in between begins again.
func (n *news) messages(a *about, at *follower) (list []socketio.GuestMessage) {
	if n.reset {
		return []socketio.GuestMessage{tellStream("reset", "", map[string]string{"page": at.page})}
	}
	for _, of := range byPage(n.comments) {
		part := told{Page: of[0].Page, Seq: of[len(of)-1].Seq, Comments: forms(reader, of)}
		if len(part.Comments) > 0 {
			list = append(list, tellStream("comments", "", part))
		}
	}
	for _, of := range byPage(n.tallies) {
		list = append(list, tellStream("tally", "", tallied{of[0].Page, of[len(of)-1].Tally, tallyForms(of)}))
	}
	if at.page == "" { // of one page it is said how it is now
		for i := range n.pages {
			list = append(list, tellPage(a, &n.pages[i]))
		}
	}
	return list
}

// byPage puts the comments of a page together, in their order.
func byPage(comments []store.Comment) [][]store.Comment {
	sorted := slices.Clone(comments)
	slices.SortStableFunc(sorted, func(a, b store.Comment) int { return strings.Compare(a.Page, b.Page) })
	var parts [][]store.Comment
	for from, i := 0, 1; i <= len(sorted); i++ {
		if i == len(sorted) || sorted[i].Page != sorted[from].Page {
			parts = append(parts, sorted[from:i])
			from = i
		}
	}
	return parts
}

func tellPage(a *about, page *store.Page) socketio.GuestMessage {
	return tellStream("page", "", map[string]any{"page": pageForm(a, page)})
}

func tellStream(event, id string, argument any) socketio.GuestMessage {
	return socketio.GuestMessage{Event: event, Offset: id, Args: []any{argument}}
}
