package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// The server-side events in which the nodes speak with one another.
const (
	eventReadings = "sockeye:telemetry"     // nodeMessage: this was measured here
	eventAsk      = "sockeye:telemetry:ask" // question, answered by everybody with a nodeAnswer
)

// protocol is the version of the messages this node understands.
const protocol = 1

// nodeMessage is what one node has taken.
type nodeMessage struct {
	V        int       `json:"v"` // the lowest version that understands the message
	Node     string    `json:"n"`
	Readings []Reading `json:"r"`
}

// messageOf writes a nodeMessage.
func messageOf(node string, readings []Reading) []byte {
	to := appendText(fmt.Appendf(nil, `{"v":%d,"n":`, protocol), node)
	to = append(append(to, `,"r":`...), encode(readings)...)
	return append(to, '}')
}

// question asks who knows how much, or node To for its keys after one.
type question struct {
	V      int    `json:"v"`
	To     string `json:"to,omitempty"`
	Device string `json:"d,omitempty"`
	Metric string `json:"m,omitempty"`
}

// nodeAnswer is what a node says that was asked.
type nodeAnswer struct {
	Node     string    `json:"n"`
	Keys     int       `json:"k"`
	Readings []Reading `json:"r,omitempty"`
	More     bool      `json:"more,omitempty"`
}

// pageReadings is how many readings one answer holds.
const pageReadings = 1000

// hear takes what another node has measured.
func (t *Telemetry) hear(args socketio.Args) {
	var m nodeMessage
	if err := args.Bind(&m); err != nil || m.V < 1 || m.V > protocol {
		t.opts.Logger.Debug("telemetry: message of another node ignored", slog.Int("version", m.V), slog.Any("error", err))
		return
	}
	all := possible(m.Readings, time.Now().Add(t.opts.MaxAhead))
	t.board.learn(all)
	t.opts.Observer.ReadingsTaken(doorNode, len(all))
}

// possible leaves out what no node would have taken.
func possible(all []Reading, latest time.Time) []Reading {
	ok := all[:0]
	for i := range all {
		r := &all[i]
		if r.Device != "" && len(r.Device) <= maxDevice+len(ownPrefix) && r.Metric != "" && len(r.Metric) <= maxMetric && len(r.Unit) <= maxUnit &&
			r.Time <= latest.Add(time.Minute).UnixMilli() {
			ok = append(ok, *r)
		}
	}
	return ok
}

// catcher asks another node for what it knows, when this one has just come or was cut off.
type catcher struct {
	board  *board
	voice  *namespaceVoice
	logger *slog.Logger
	again  chan struct{}
}

// How long nodes may take to answer, and how long it is until they are asked again.
const (
	askPatience = 5 * time.Second
	askPause    = 2 * time.Second
	askTries    = 5
)

func newCatcher(b *board, v *namespaceVoice, log *slog.Logger) *catcher {
	return &catcher{board: b, voice: v, logger: log, again: make(chan struct{}, 1)}
}

// askAgain has others asked. It does not wait.
func (c *catcher) askAgain() {
	select {
	case c.again <- struct{}{}:
	default: // it is going to be
	}
}

// run asks once, and whenever askAgain says so, until ctx ends.
func (c *catcher) run(ctx context.Context) {
	for {
		for try := 0; try < askTries; try++ {
			err := c.ask(ctx)
			if err == nil {
				break
			}
			c.logger.Debug("telemetry: other nodes were not asked for what they know", slog.Any("error", err))
			select {
			case <-time.After(askPause):
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-c.again:
		case <-ctx.Done():
			return
		}
	}
}

// ask takes over all that the node knows which knows most.
func (c *catcher) ask(ctx context.Context) error {
	all, err := c.put(ctx, question{V: protocol})
	var best nodeAnswer
	for _, a := range all {
		if a.Keys > best.Keys {
			best = a
		}
	}
	if best.Keys == 0 {
		return err
	}
	q := question{V: protocol, To: best.Node}
	for {
		all, err := c.put(ctx, q)
		found := false
		for _, a := range all {
			if a.Node != best.Node || len(a.Readings) == 0 {
				continue
			}
			c.board.learn(possible(a.Readings, time.Now().Add(c.board.opts.MaxAhead)))
			last := a.Readings[len(a.Readings)-1]
			found, q.Device, q.Metric = a.More, last.Device, last.Metric
		}
		if !found {
			return err
		}
	}
}

// put asks all nodes a question. Some answers may come with an error.
func (c *catcher) put(ctx context.Context, q question) ([]nodeAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	all, err := c.voice.ns.ServerSideEmitWithAck(ctx, eventAsk, q)
	var some *socketio.AckError
	if errors.As(err, &some) {
		all = some.Responses
	}
	answers := make([]nodeAnswer, 0, len(all))
	for _, args := range all {
		var a nodeAnswer
		if args.Bind(&a) == nil {
			answers = append(answers, a)
		}
	}
	return answers, err
}

// answer answers another node.
func (c *catcher) answer(args socketio.Args, ack func(...any)) {
	var q question
	if ack == nil || args.Bind(&q) != nil || q.V < 1 || q.V > protocol {
		return
	}
	a := nodeAnswer{Node: c.voice.node, Keys: c.board.size()}
	if q.To == a.Node && q.To != "" {
		a.Readings, a.More = c.board.page(q.Device, q.Metric, pageReadings)
	}
	text, err := json.Marshal(a)
	if err != nil {
		c.logger.Warn("telemetry: another node could not be answered", slog.Any("error", err))
		return
	}
	ack(json.RawMessage(text))
}
