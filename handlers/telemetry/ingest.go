package telemetry

import (
	"errors"
	"net/http"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
)

// Ingest takes the readings in the body of a request: one, or an array of them, or with
// lines one on each line. They are of device, or, where that is "", of those that they
// name. It returns what is answered, as JSON. Errors are a *problem.Problem, or those of
// Access.
func (t *Telemetry) Ingest(p *auth.Principal, device string, lines bool, body []byte) (any, error) {
	f := t.form(device)
	f.strict = true
	if device != "" {
		if err := checkDevice(device); err != nil {
			return nil, t.refused(err)
		}
	}
	parse := f.readings
	if lines {
		parse = f.lines
	}
	all, err := parse(body)
	if err != nil {
		return nil, t.refused(err)
	}
	outcome, failed := t.take(p, all, doorHTTP)
	if failed != nil {
		return nil, inHTTP(failed)
	}
	return outcome, nil
}

// refused counts a refusal.
func (t *Telemetry) refused(err *refusal) error {
	t.opts.Observer.ReadingsRefused(err.code)
	return inHTTP(err)
}

// inHTTP says in the words of HTTP what is wrong.
func inHTTP(err error) error {
	var refused *refusal
	if !errors.As(err, &refused) {
		return err
	}
	p := problem.New(http.StatusBadRequest, refused.code, refused.message)
	p.Field = refused.field
	if refused.code == codeFull {
		p.Status = http.StatusInsufficientStorage
	}
	return p
}
