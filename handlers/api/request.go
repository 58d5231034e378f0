package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Media types of bodies.
const (
	typeJSON   = "application/json"
	typeNDJSON = "application/x-ndjson"
)

// call is one request whose caller is known.
type call struct {
	ctx  context.Context //nolint:containedctx // a call lives as long as its request
	r    *http.Request
	who  *auth.Principal
	body []byte // of POST
	kind string // of the body
}

// preflightAge is for how long a browser need not ask again.
const preflightAge = 10 * time.Minute

// serve answers a request for a path.
func (a *API) serve(w http.ResponseWriter, r *http.Request, methods map[string]operation) {
	allowed := strings.Join(append(slices.Sorted(maps.Keys(methods)), http.MethodOptions), ", ")
	h := w.Header()
	a.opts.Origins.SetHeaders(h, r)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Expose-Headers", "Retry-After")
	// A page that may not call must not: its visitor's cookies would come along.
	if err := a.opts.Origins.CheckOrigin(r); err != nil {
		problem.Write(w, problem.New(http.StatusForbidden, string(auth.CodeForbidden), err.Error()))
		return
	}
	op, known := methods[r.Method]
	switch {
	case r.Method == http.MethodOptions:
		h.Set("Allow", allowed)
		h.Set("Access-Control-Allow-Methods", allowed)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(preflightAge.Seconds())))
		w.WriteHeader(http.StatusNoContent)
		return
	case !known:
		h.Set("Allow", allowed)
		problem.Write(w, problem.New(http.StatusMethodNotAllowed, CodeMethod, "this path takes "+allowed))
		return
	}
	answer, err := a.run(w, r, op)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	text, err := json.Marshal(answer)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	h.Set("Content-Type", typeJSON)
	h.Set("Content-Length", strconv.Itoa(len(text)+1))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(append(text, '\n')) // the caller may be gone
}

// CodeMethod is of a method that a path does not take.
const CodeMethod = "method_not_allowed"

// run does what is asked for, if the caller may.
func (a *API) run(w http.ResponseWriter, r *http.Request, op operation) (any, error) {
	who, caller, err := a.identify(r, op.anyone)
	if err != nil {
		return nil, err
	}
	if err := a.callers.Enter(caller); err != nil {
		return nil, err
	}
	defer a.callers.Leave(caller)
	if op.scope != "" && !who.HasScope(op.scope) {
		return nil, &auth.Error{Code: auth.CodeForbidden, Message: fmt.Sprintf("this needs the scope %s: of an API key, or as %s%s in a token's claim %s", op.scope, auth.ScopePrefix, op.scope, auth.ClaimScope)}
	}
	if a.opts.Closing != nil && a.opts.Closing() {
		return nil, unavailable("this node is stopping: ask another one, or try again", nil)
	}
	c := &call{ctx: r.Context(), r: r, who: who}
	if op.method == http.MethodPost {
		if err := a.read(w, c, op.lines); err != nil {
			return nil, err
		}
	}
	return op.do(a, c)
}

// identify finds out who calls, and among whose requests that counts. Nobody in particular
// is nobody, also where clients need not say who they are: the API tells and does what no
// client can. Only for what anyone may ask, who may connect, the address stands for who it
// is.
func (a *API) identify(r *http.Request, anyone bool) (who *auth.Principal, caller string, err error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	who, err = a.opts.Identity.Identify(r.Context(), &auth.Credentials{Header: r.Header, Query: r.URL.Query(), Address: host, Namespace: "/"})
	if err == nil && (who.Method == auth.MethodAnonymous || who.ID == "") {
		if anyone {
			return who, "address:" + host, nil
		}
		err = &auth.Error{Code: auth.CodeUnauthorized, Message: "the HTTP API needs an API key or a token, as Authorization: Bearer …; sockeye key create makes a key"}
	}
	if err != nil {
		var refused *auth.Error
		if errors.As(err, &refused) && refused.Code != auth.CodeUnavailable && a.opts.Misbehaved != nil {
			a.opts.Misbehaved(r.RemoteAddr)
		}
		return nil, "", err
	}
	return who, who.ID, nil
}

// read reads the body of a call.
func (a *API) read(w http.ResponseWriter, c *call, lines bool) error {
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")) // "" where it is none
	if kind != typeJSON && (kind != typeNDJSON || !lines) {
		want := typeJSON
		if lines {
			want += " or " + typeNDJSON
		}
		return problem.New(http.StatusUnsupportedMediaType, problem.CodeUnsupported, "the Content-Type must be "+want)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, c.r.Body, a.opts.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, fmt.Sprintf("the body has more than %d bytes: send it in parts", large.Limit))
	case err != nil:
		return &problem.Problem{Status: http.StatusBadRequest, Code: problem.CodeBadRequest, Message: "the body could not be read", Err: err}
	}
	// What follows may take longer than a body, and the caller is not expected to say more.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // writers without deadlines are those of tests
	c.body, c.kind = body, kind
	return nil
}

// fail tells the caller what went wrong, and the log what it is not told.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Of(err)
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		a.opts.Logger.WarnContext(r.Context(), "a request to the HTTP API failed", "path", r.URL.Path, "status", p.Status, "error", err)
	}
	problem.Write(w, p)
}

// codeUnknownNamespace is what every other way in says, too.
const codeUnknownNamespace = "unknown_namespace"

// namespace returns the one that a caller names, which keeps until release.
func (a *API) namespace(name, field string) (n *socketio.Namespace, release func(), err error) {
	name = namespaceName(name)
	if n, release = a.io.Find(name); n == nil {
		return nil, nil, &problem.Problem{Status: http.StatusNotFound, Code: codeUnknownNamespace, Field: field, Message: fmt.Sprintf("there is no namespace %.200q here", name)}
	}
	return n, release, nil
}

func namespaceName(name string) string {
	if name == "" || name[0] != '/' {
		return "/" + name
	}
	return name
}

// mayLook asks whether the caller, without a scope that says so, may be in a namespace at
// all.
func (a *API) mayLook(who *auth.Principal, namespace string) error {
	if a.opts.RolesOf == nil || who.HasScope(auth.ScopeRead) {
		return nil
	}
	roles := a.opts.RolesOf(namespace)
	if len(roles) == 0 || slices.ContainsFunc(roles, who.HasRole) {
		return nil
	}
	return &auth.Error{Code: auth.CodeForbidden, Message: "this namespace needs one of the roles " + strings.Join(roles, ", ")}
}

// NotFound answers a request for a path of the API that there is not.
func NotFound(w http.ResponseWriter) {
	problem.Write(w, problem.New(http.StatusNotFound, problem.CodeNotFound, "the HTTP API has no such path: /api/ lists those it has"))
}
