package telemetry

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// contentLines is the media type of newline-delimited JSON.
const contentLines = "application/x-ndjson"

// ingest answers POST /api/v1/ingest/{device}, and /api/v1/ingest where each reading
// names its device.
func (t *Telemetry) ingest(c *gin.Context) {
	outcome, err := t.ingested(c)
	if err != nil {
		problem.Write(c.Writer, problemOf(err))
		return
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, outcome)
}

func (t *Telemetry) ingested(c *gin.Context) (any, error) {
	p, caller, err := t.whoIs(c.Request)
	if err != nil {
		return nil, err
	}
	if err := t.callers.Enter(caller); err != nil {
		t.opts.Observer.ReadingsRefused(socketio.CodeRateLimited)
		return nil, err
	}
	defer t.callers.Leave(caller)
	f := t.form(c.Param("device"))
	if f.device != "" {
		if err := checkDevice(f.device); err != nil {
			t.opts.Observer.ReadingsRefused(err.code)
			return nil, err
		}
		if err := t.opts.mayPublish(p, f.device); err != nil { // before the body is read
			t.opts.Observer.ReadingsRefused(string(auth.CodeForbidden))
			return nil, err
		}
	}
	body, parse, err := t.body(c, &f)
	if err != nil {
		return nil, err
	}
	all, refused := parse(body)
	if refused != nil {
		t.opts.Observer.ReadingsRefused(refused.code)
		return nil, refused
	}
	return t.take(p, all, doorHTTP)
}

// whoIs finds out who makes a request, and whose requests it counts among.
func (t *Telemetry) whoIs(r *http.Request) (p *auth.Principal, caller string, err error) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	if t.opts.Identify == nil {
		return auth.Anonymous(), address, nil
	}
	p, err = t.opts.Identify(r.Context(), &auth.Credentials{Header: r.Header, Query: r.URL.Query(), Address: address, Namespace: Namespace})
	var refused *auth.Error
	switch {
	case errors.As(err, &refused) && refused.Code != auth.CodeUnavailable && t.opts.Misbehaved != nil:
		t.opts.Misbehaved(r.RemoteAddr)
		return nil, "", err
	case err != nil:
		return nil, "", err
	case p.ID == "":
		return p, address, nil
	}
	return p, p.ID, nil
}

// body reads the body, and says how it is to be parsed. Only types that a page of another
// site cannot send without asking are taken.
func (t *Telemetry) body(c *gin.Context, f *form) (text []byte, parse func([]byte) ([]Reading, *refusal), err error) {
	switch kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); {
	case err == nil && kind == contentLines:
		parse = f.lines
	case err == nil && kind == "application/json":
		parse = f.readings
	default:
		return nil, nil, problem.New(http.StatusUnsupportedMediaType, problem.CodeUnsupported,
			"the Content-Type is application/json for a reading or an array of them, or "+contentLines+" for one on each line")
	}
	text, err = io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, t.opts.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, nil, problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "the body is larger than "+strconv.FormatInt(t.opts.MaxBody, 10)+" bytes: send the readings in several requests")
	case err != nil:
		return nil, nil, problem.New(http.StatusBadRequest, problem.CodeBadRequest, "the body ended before it was whole")
	}
	return text, parse, nil
}

// problemOf says in the words of HTTP what is wrong.
func problemOf(err error) *problem.Problem {
	var refused *refusal
	if !errors.As(err, &refused) {
		return problem.Of(err)
	}
	p := problem.New(http.StatusBadRequest, refused.code, refused.message)
	p.Field = refused.field
	if refused.code == codeFull {
		p.Status = http.StatusInsufficientStorage
	}
	return p
}
