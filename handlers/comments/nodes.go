package comments

import (
	"log/slog"
	"maps"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// eventName is the server-side event in which the nodes speak with one another.
const eventName = "sockeye:comments"

// protocol is the version of the messages this node understands.
const protocol = 1

// nudgeEvery is how often nodes are told of a site, at most.
const nudgeEvery = 20 * time.Millisecond

// nodeMessage says that something is new on a site; what it is, is read from the store. Who is
// where and who types is in it itself.
type nodeMessage struct {
	V       int            `json:"v"` // the lowest version that understands the message
	Node    string         `json:"n"`
	Site    string         `json:"site"`
	Seq     int64          `json:"s,omitempty"`
	Tally   int64          `json:"t,omitempty"`
	Version int64          `json:"sv,omitempty"` // of the settings
	Decided bool           `json:"d,omitempty"`
	Viewers map[string]int `json:"w,omitempty"` // by page
	Whole   bool           `json:"a,omitempty"` // no other page of the node has viewers
	Typing  []nodeTypist   `json:"ty,omitempty"`
}

// nodeTypist is somebody who types; no name: no more.
type nodeTypist struct {
	Page string `json:"p"`
	User string `json:"u"`
	Name string `json:"n,omitempty"`
}

// nudge has the other nodes told, soon.
func (c *Comments) nudge(m *nodeMessage) {
	if !c.cluster {
		return
	}
	c.mu.Lock()
	if was := c.due[m.Site]; was != nil {
		was.add(m)
	} else {
		c.due[m.Site] = m
	}
	c.mu.Unlock()
	select {
	case c.tell <- struct{}{}:
	default:
	}
}

// add makes one message of two.
func (m *nodeMessage) add(later *nodeMessage) {
	m.Seq, m.Tally, m.Version = max(m.Seq, later.Seq), max(m.Tally, later.Tally), max(m.Version, later.Version)
	m.Decided = m.Decided || later.Decided
	if later.Whole {
		m.Whole, m.Viewers = true, nil
	}
	if m.Viewers == nil {
		m.Viewers = later.Viewers
	} else {
		maps.Copy(m.Viewers, later.Viewers)
	}
	m.Typing = append(m.Typing, later.Typing...)
}

// tellNodes tells the other nodes until the end. What does not reach them they find in the
// store.
func (c *Comments) tellNodes() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-c.ended.Done():
			return
		case <-c.tell:
		}
		c.mu.Lock()
		due := c.due
		c.due = make(map[string]*nodeMessage)
		c.mu.Unlock()
		for _, m := range due {
			m.V, m.Node = protocol, c.node
			if err := c.ns.ServerSideEmit(eventName, m); err != nil {
				c.opts.Logger.Debug("comments: other nodes were not told", slog.String("site", m.Site), slog.Any("error", err))
			}
		}
		pause.Reset(nudgeEvery)
		select {
		case <-c.ended.Done():
			return
		case <-pause.C:
		}
	}
}

// hear takes a message of another node.
func (c *Comments) hear(args socketio.Args) {
	var m nodeMessage
	if err := args.Bind(&m); err != nil || m.V < 1 || m.V > protocol || m.Node == "" || len(m.Node) > 64 {
		c.opts.Logger.Debug("comments: message of another node ignored", slog.Int("version", m.V), slog.Any("error", err))
		return
	}
	s := c.known(m.Site)
	if s == nil {
		return
	}
	if m.Version > s.about.Load().Version {
		c.begin(func() { c.renew(m.Site) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advanceLocked(m.Seq, m.Tally)
	if s.feed == nil {
		return
	}
	if m.Decided {
		s.feed.polled.Store(true)
	}
	now := time.Now()
	if m.Whole || len(m.Viewers) > 0 {
		s.heardLocked(&m, now)
	}
	for _, one := range m.Typing {
		if checkPage(one.Page, "") == nil && len(one.User) <= 64 {
			s.typesLocked(one.Page, one.User, shownName(one.Name), now)
		}
	}
	s.wakeLocked()
}
