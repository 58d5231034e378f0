package notifications

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
)

// Path is where applications notify users over HTTP.
const Path = "/api/v1/notify"

// UserPrefix and the id of a user are the room that a publisher must be allowed to publish
// to. Nobody is in it.
const UserPrefix = "user:"

// maxRequest bounds the body of a request, in bytes: a thousand ids and the longest message.
const maxRequest = 512 << 10

// request is the body.
type request struct {
	User  string   `json:"user"`
	Users []string `json:"users"`
	Message
}

// Routes serves POST /api/v1/notify. Who asks needs the scope publish, such as an API key
// has, and the right to publish to "user:" and the id of each user. Nobody is notified if
// one of them may not be.
func (n *Notifications) Routes(r gin.IRouter) {
	r.POST(Path, n.post)
}

func (n *Notifications) post(c *gin.Context) {
	sent, err := n.take(c.Request)
	if err != nil {
		p := problem.Of(err)
		if p.Status == http.StatusInternalServerError {
			n.opts.Logger.ErrorContext(c.Request.Context(), "notifications: a request failed", slog.Any("error", err))
		}
		problem.Write(c.Writer, p)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, sent)
}

// take does what a request asks for.
func (n *Notifications) take(r *http.Request) (Sent, error) {
	p, err := n.publisher(r)
	if err != nil {
		return Sent{}, err
	}
	q, err := read(r)
	if err != nil {
		return Sent{}, err
	}
	switch {
	case q.User != "" && q.Users != nil:
		return Sent{}, invalid("/user", "there are both user and users: keep one")
	case q.User != "":
		q.Users = []string{q.User}
	}
	for _, user := range q.Users {
		if n.opts.Access == nil {
			break
		}
		if err := n.opts.Access.Allow(p, auth.ActionPublish, Namespace, UserPrefix+user); err != nil {
			return Sent{}, err
		}
	}
	return n.notify(p.ID, q.Message, q.Users)
}

// publisher finds out who asks, and whether that may notify anybody.
func (n *Notifications) publisher(r *http.Request) (*auth.Principal, error) {
	unknown := &auth.Error{Code: auth.CodeUnauthorized, Message: "show an API key with the scope publish, as Authorization: Bearer"}
	if n.opts.Identify == nil {
		return nil, unknown
	}
	p, err := n.opts.Identify(r.Context(), r)
	switch {
	case err != nil:
		return nil, err
	case p.HasScope(auth.ScopePublish):
		return p, nil
	case p.Method == auth.MethodAnonymous:
		return nil, unknown
	}
	return nil, &auth.Error{Code: auth.CodeForbidden, Message: "this needs the scope publish"}
}

// read reads the body.
func read(r *http.Request) (request, error) {
	var q request
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); kind != "" && !strings.EqualFold(kind, "application/json") {
		return q, problem.New(http.StatusUnsupportedMediaType, problem.CodeUnsupported, "the body is JSON: send it as Content-Type: application/json")
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxRequest))
	d.DisallowUnknownFields()
	err := d.Decode(&q)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return q, nil
		}
		err = errors.New("something follows the object")
	}
	return q, unreadable(err)
}

// unreadable says what is wrong with a body that is not of the form.
func unreadable(err error) error {
	var large *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &large):
		return problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "the body is longer than "+strconv.Itoa(maxRequest)+" bytes")
	case errors.As(err, &kind) && kind.Field != "":
		name := strings.TrimPrefix(kind.Field, "Message.")
		return invalid("/"+strings.ReplaceAll(name, ".", "/"), name+" is not a "+kind.Type.String()+" but a "+kind.Value)
	case errors.As(err, &syntax):
		return invalid("", "the body is no JSON: "+syntax.Error()+", at byte "+strconv.FormatInt(syntax.Offset, 10))
	case errors.Is(err, io.EOF):
		return invalid("", "the body is empty: send an object with user or users, and title")
	}
	return invalid("", "the body is no object of this form: "+strings.TrimPrefix(err.Error(), "json: "))
}
