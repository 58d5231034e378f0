package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Namespace is where telemetry is.
const Namespace = "/telemetry"

// The ways in which readings come, for Observer.
const (
	doorEvent  = "event"
	doorHTTP   = "http"
	doorNode   = "node"
	doorServer = "server"
)

// Doors lists the ways in which readings come.
func Doors() []string { return []string{doorEvent, doorHTTP, doorNode, doorServer} }

// Codes lists the codes with which readings are refused, besides those of package auth.
func Codes() []string {
	return []string{codeBadRequest, codeBadDevice, codeBadMetric, codeBadValue, codeBadTime, codeBadUnit, codeTooMany, codeFull}
}

// Conflations lists why readings are not sent.
func Conflations() []string { return []string{whyInterval, whySlow} }

// Severities lists those of alerts.
func Severities() []string { return []string{severityInfo, severityWarning, severityCritical} }

// maxPatterns is how many patterns one subscription has.
const maxPatterns = 50

// Telemetry takes readings and tells dashboards. Mount makes one.
type Telemetry struct {
	opts  Options
	board *board
	ns    *socketio.Namespace
}

// Mount registers telemetry on srv. It is called once, before srv serves; it fails when an
// option cannot be. It ends with the namespace.
func Mount(srv *socketio.Server, o Options) (*Telemetry, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	ns := srv.Of(Namespace)
	v := &namespaceVoice{ns: ns, node: o.Node}
	if _, v.cluster = ns.Adapter().(socketio.ClusterAdapter); v.cluster && v.node == "" {
		v.node = rand.Text()
	}
	t := &Telemetry{opts: o, board: newBoard(o, v), ns: ns}

	ns.On("reading", t.answering(t.readings))
	ns.On("readings", t.answering(t.readings))
	ns.On("subscribe", t.subscribe)
	ns.On("unsubscribe", t.answering(func(e *socketio.Event) (any, error) {
		t.board.drop(e.Socket())
		return struct{}{}, nil
	}))
	ns.On("series", t.answering(t.series))
	ns.OnUnhandled(t.answering(func(*socketio.Event) (any, error) {
		return nil, refuse("unknown_event", "", "telemetry has no event of this name: it has reading, readings, subscribe, unsubscribe and series")
	}))
	if o.Access != nil {
		ns.OnIdentity(func(s *socketio.Socket, _ any) {
			t.board.change(s, t.opts.view(auth.Of(s), t.board.patternsOf(s)))
		})
	}
	ns.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { t.board.drop(s) })
	t.begin(v)
	return t, nil
}

// begin starts what runs as long as the namespace.
func (t *Telemetry) begin(v *namespaceVoice) {
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	if t.opts.Vitals != nil && !t.opts.HideServer {
		running.Go(func() { t.measure(ctx) })
	}
	if v.cluster {
		c := newCatcher(t.board, v, t.opts.Logger)
		t.ns.OnServerSide(eventReadings, func(args socketio.Args, _ func(...any)) { t.hear(args) })
		t.ns.OnServerSide(eventAsk, c.answer)
		t.ns.OnAdapter(func(e socketio.AdapterEvent) {
			if e.Up || e.Kind == socketio.AdapterGap {
				c.askAgain()
			}
		})
		running.Go(func() { c.run(ctx) })
	}
	t.ns.OnClose(func() {
		end()
		running.Wait()
		t.board.close()
	})
}

// answering acknowledges an event with its outcome, if the client asked. What fails here is
// the connection, which ends by itself.
func (t *Telemetry) answering(f func(e *socketio.Event) (any, error)) socketio.Handler {
	return func(_ context.Context, e *socketio.Event) {
		outcome, err := f(e)
		if err != nil {
			t.refuse(e, err)
			return
		}
		if e.HasAck() {
			_ = e.Ack(outcome)
		}
	}
}

func (t *Telemetry) refuse(e *socketio.Event, err error) {
	var refused *refusal
	var barred *auth.Error
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &barred):
		refused = &refusal{code: string(barred.Code), message: barred.Message}
	default:
		t.opts.Logger.Warn("telemetry: an event failed", slog.String("event", e.Name()), slog.Any("error", err))
		refused = &refusal{code: "failed", message: "the server could not do this"}
	}
	switch {
	case !e.HasAck():
	case refused.field != "":
		_ = e.AckError(refused.code, refused.message, "field", refused.field)
	default:
		_ = e.AckError(refused.code, refused.message)
	}
}

// taken is the answer to readings.
type taken struct {
	Accepted int `json:"accepted"`
	Late     int `json:"late,omitempty"` // of those; older than what is known, they change nothing
}

func (t *Telemetry) form(device string) form {
	return form{device: device, most: t.opts.MaxBatch, now: time.Now(), ahead: t.opts.MaxAhead, behind: t.opts.MaxBehind}
}

// readings takes one reading, or an array of them.
func (t *Telemetry) readings(e *socketio.Event) (any, error) {
	p := auth.Of(e.Socket())
	f := t.form("")
	f.fallback = oneDevice(p)
	all, err := parsed(e, &f)
	if err != nil {
		t.opts.Observer.ReadingsRefused(err.code)
		return nil, err
	}
	return t.take(p, all, doorEvent)
}

func parsed(e *socketio.Event, f *form) ([]Reading, *refusal) {
	if e.Args().Len() == 0 || e.Args().At(0).HasBinary() {
		return nil, refuse(codeBadRequest, "", "the first argument is a reading such as %s, or an array of them", example)
	}
	text, err := e.Args().At(0).MarshalJSON()
	if err != nil {
		return nil, refuse(codeBadRequest, "", "the first argument is no JSON value")
	}
	return f.readings(text)
}

// take takes readings that somebody sent, all or none.
func (t *Telemetry) take(p *auth.Principal, all []Reading, door string) (any, error) {
	if t.opts.Access != nil {
		for i := range all {
			if i > 0 && all[i].Device == all[i-1].Device {
				continue
			}
			if err := t.opts.mayPublish(p, all[i].Device); err != nil {
				t.opts.Observer.ReadingsRefused(string(auth.CodeForbidden))
				return nil, err
			}
		}
	}
	late, err := t.board.take(all)
	if err != nil {
		var full *refusal
		if errors.As(err, &full) {
			t.opts.Observer.ReadingsRefused(full.code)
		}
		return nil, err
	}
	t.opts.Observer.ReadingsTaken(door, len(all))
	return taken{Accepted: len(all), Late: late}, nil
}

// subscribe answers with a snapshot, and has the client hear what follows.
func (t *Telemetry) subscribe(_ context.Context, e *socketio.Event) {
	s := e.Socket()
	patterns, err := patternsOf(e)
	if err != nil {
		t.refuse(e, err)
		return
	}
	p := auth.Of(s)
	for _, device := range patterns {
		if len(patterns) == 1 && !strings.Contains(device, "*") { // a pattern shows as much of it as is allowed
			if err := t.opts.maySee(p, device); err != nil {
				t.refuse(e, err)
				return
			}
		}
	}
	first, answered := t.board.subscribe(s, t.opts.view(p, patterns))
	if e.HasAck() {
		_ = e.Ack(first)
	}
	answered()
}

// patternsOf reads which devices a client wants to see: nothing is all, or a pattern, or
// an array of them.
func patternsOf(e *socketio.Event) (auth.Patterns, error) {
	patterns := auth.Everything()
	if e.Args().Len() > 0 {
		var one string
		switch arg := e.Args().At(0); {
		case arg.Decode(&one) == nil:
			patterns = auth.Patterns{one}
		case arg.Decode(&patterns) != nil:
			return nil, refuse(codeBadRequest, "/0", "the first argument is the name of a device, a pattern such as \"boiler-*\", or an array of them")
		}
	}
	if len(patterns) == 0 || len(patterns) > maxPatterns {
		return nil, refuse(codeBadRequest, "/0", "there are %d patterns; from 1 to %d are possible", len(patterns), maxPatterns)
	}
	for _, pattern := range patterns {
		if pattern == "" || len(pattern) > maxDevice || !plain(pattern) {
			return nil, refuse(codeBadDevice, "/0", "a pattern is empty, longer than %d bytes, or has control characters", maxDevice)
		}
	}
	slices.Sort(patterns)
	return slices.Compact(patterns), nil
}

// series answers with what is kept of a key.
func (t *Telemetry) series(e *socketio.Event) (any, error) {
	var q struct {
		Device string `json:"device"`
		Metric string `json:"metric"`
		Since  int64  `json:"since"` // milliseconds since 1970
	}
	if err := e.Bind(&q); err != nil || q.Device == "" || q.Metric == "" {
		return nil, refuse(codeBadRequest, "", "the first argument is an object with a device and a metric, and perhaps since, in milliseconds since 1970")
	}
	if err := t.opts.maySee(auth.Of(e.Socket()), q.Device); err != nil {
		return nil, err
	}
	return t.board.series(q.Device, q.Metric, q.Since), nil
}

// measure takes this process's own readings until ctx ends.
func (t *Telemetry) measure(ctx context.Context) {
	device := ownName
	if t.opts.Node != "" {
		device = ownPrefix + t.opts.Node
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := time.Now().UnixMilli()
		vitals := t.opts.Vitals()
		all := make([]Reading, len(vitals))
		for i, v := range vitals {
			all[i] = Reading{Device: device, Metric: v.Metric, Value: Number(v.Value), Time: now, Unit: v.Unit}
		}
		if _, err := t.board.take(all); err == nil {
			t.opts.Observer.ReadingsTaken(doorServer, len(all))
		}
	}
}

// namespaceVoice lets a board speak to sockets and nodes.
type namespaceVoice struct {
	ns      *socketio.Namespace
	node    string
	cluster bool
}

var _ voice = (*namespaceVoice)(nil)

// toDashboards tells sockets of this node: every node tells its own. It is kept for nobody:
// who comes back hears the last state.
func (v *namespaceVoice) toDashboards(ids []string, event string, payload json.RawMessage) error {
	return v.ns.To(ids...).Local().Emit(event, payload)
}

func (v *namespaceVoice) toNodes(readings []Reading) error {
	return v.ns.ServerSideEmit(eventReadings, json.RawMessage(messageOf(v.node, readings)))
}

func (v *namespaceVoice) alone() bool { return !v.cluster }
