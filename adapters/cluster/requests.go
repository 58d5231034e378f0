package cluster

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// requests are the questions of this node that wait for answers.
type requests struct {
	mu   sync.Mutex
	byID map[string]listener
}

// listener hears the answers to one question, from any goroutine.
type listener interface{ hear(m *Message) }

func (r *requests) add(l listener) (id string) {
	id = newRequest()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = make(map[string]listener)
	}
	r.byID[id] = l
	return id
}

func (r *requests) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byID, id)
}

// Asked reports whether a question is this node's own and waits. It is for drivers
// whose backend brings a node its own questions.
func (a *Adapter) Asked(request string) bool {
	a.asked.mu.Lock()
	defer a.asked.mu.Unlock()
	return a.asked.byID[request] != nil
}

// answer brings an answer to whoever waits for it. Nobody does when it is late, or
// of another node's question.
func (r *requests) answer(m *Message) {
	r.mu.Lock()
	l := r.byID[m.Request]
	r.mu.Unlock()
	if l != nil {
		l.hear(m)
	}
}

// request is a question that each other node answers once.
type request struct {
	kind Kind // of the answers
	done chan struct{}

	mu      sync.Mutex
	heads   headcount
	answers []*Message
	over    bool // done is closed
}

var _ listener = (*request)(nil)

func newQuestion(kind Kind, want int) *request {
	return &request{kind: kind, done: make(chan struct{}), heads: headcount{want: want}}
}

func (r *request) hear(m *Message) {
	if m.Kind != r.kind {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || !r.heads.answered(m.From) {
		return
	}
	r.answers = append(r.answers, m)
	r.settleLocked()
}

func (r *request) look(l *look) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heads.look(l)
	r.settleLocked()
}

func (r *request) settleLocked() {
	if !r.over && r.heads.missing() == 0 {
		r.over = true
		close(r.done)
	}
}

// end takes the answers there are.
func (r *request) end() ([]*Message, headcount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	return r.answers, r.heads
}

// ask publishes a question and waits for the answers, of as many nodes as there are
// now. With an error it returns those that came.
func (a *Adapter) ask(ctx context.Context, m *Message, answers Kind, question string) ([]*Message, error) {
	n, err := a.ServerCount(ctx)
	if err != nil || n <= 1 {
		return nil, err
	}
	r := newQuestion(answers, n-1)
	id := a.asked.add(r)
	defer a.asked.remove(id)
	m.From, m.Request = a.o.NodeID, id
	if err := a.publish(m); err != nil {
		return nil, err
	}
	err = a.await(ctx, r, cmp.Or(m.Target.Flags.Timeout, a.o.RequestsTimeout))
	got, heads := r.end()
	if errors.Is(err, context.DeadlineExceeded) {
		err = a.timeout(question, &heads)
	}
	return got, err
}

// await waits until every node that is there has answered.
func (a *Adapter) await(ctx context.Context, r *request, limit time.Duration) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var l *look
	var looked <-chan struct{}
	for {
		select {
		case <-r.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return context.DeadlineExceeded
		case <-a.closing:
			return socketio.ErrServerClosed
		case <-tick.C:
			l = a.census.look() //nolint:contextcheck // for all questions, see lookout
			looked = l.done
		case <-looked:
			looked = nil
			if l.err == nil {
				r.look(l)
			}
		}
	}
}

// timeout says who did not answer.
func (a *Adapter) timeout(question string, h *headcount) error {
	return &TimeoutError{Question: question, Answered: h.got, Asked: h.want, Missing: a.driver.Missing(h.named)}
}

// ServerSideEmitAck brings an event to the listeners of the other nodes and waits
// for one answer of each. A node without a listener does not answer.
func (a *Adapter) ServerSideEmitAck(ctx context.Context, event string, args []any) ([]socketio.Args, error) {
	got, err := a.ask(ctx, &Message{Kind: KindServerSide, Event: event, Args: args}, KindServerSideAck, "serverSideEmit")
	out := make([]socketio.Args, len(got))
	for i, m := range got {
		out[i] = argsOf(m)
	}
	return out, err
}
