package adaptertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// Suite says how to open the adapter under test, and what it can do.
type Suite struct {
	// Cluster prepares a fresh backend and returns the factory for each node.
	// What it starts ends with the test.
	Cluster func(t *testing.T) func(node int) socketio.AdapterFactory
	// Nodes says that several nodes can share the backend.
	Nodes bool
	// Recovery says that the adapter is a socketio.RecoveryAdapter.
	Recovery bool
	// History says that it is a socketio.HistoryAdapter as well.
	History bool
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	counts := []int{1}
	if s.Nodes {
		counts = append(counts, 3)
	}
	for _, nodes := range counts {
		for _, test := range []struct {
			name string
			run  func(t *testing.T, c *cluster)
			skip bool
		}{
			{"Targets", testTargets, false},
			{"OrderPerPublisher", testOrder, false},
			{"Binary", testBinary, false},
			{"NamespacesApart", testNamespaces, false},
			{"Local", testLocal, false},
			{"Acks", testAcks, false},
			{"AcksMissing", testAcksMissing, false},
			{"FetchSockets", testFetch, false},
			{"JoinLeave", testJoinLeave, false},
			{"Disconnect", testDisconnect, false},
			{"ServerSide", testServerSide, false},
			{"OrderOfSeveralPublishers", testOrderOfSeveral, false},
			{"Volatile", testVolatile, false},
			{"NumericRooms", testNumericRooms, false},
			{"ManyNamespaces", testManyNamespaces, false},
			{"AckCounts", testAckCounts, false},
			{"AckLost", testAckLost, false},
			{"DisconnectClose", testDisconnectClose, false},
			{"ServerSideAcks", testServerSideAcks, false},
			{"ServerSideAsks", testServerSideAsks, nodes == 1},
			{"NodeLeaves", testNodeLeaves, nodes == 1},
			{"Recovery", testRecovery, !s.Recovery},
			{"RecoveryWhilePublishing", testRecoveryWhilePublishing, !s.Recovery},
			{"RecoveryOfRooms", testRecoveryOfRooms, !s.Recovery},
			{"History", testHistory, !s.History},
			{"HistoryByPages", testHistoryByPages, !s.History},
			{"HistoryOfManyBytes", testHistoryOfManyBytes, !s.History},
			{"HistoryLimits", testHistoryLimits, !s.History},
			{"HistoryOfUnknownOffsets", testHistoryOfUnknownOffsets, !s.History},
			{"JoinSince", testJoinSince, !s.History},
			{"JoinSinceWhilePublishing", testJoinSinceWhilePublishing, !s.History},
		} {
			if test.skip {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", test.name, nodes), func(t *testing.T) {
				test.run(t, open(t, s, nodes))
			})
		}
	}
}

// cluster is some nodes, and clients spread over them.
type cluster struct {
	t     *testing.T
	nodes []*sockettest.Server
	dials int
}

func open(t *testing.T, s Suite, nodes int) *cluster {
	t.Helper()
	factory := s.Cluster(t)
	c := &cluster{t: t}
	for i := range nodes {
		o := &socketio.Options{Adapter: factory(i)}
		if s.Recovery {
			o.Recovery = socketio.Recovery{MaxDisconnection: time.Minute}
		}
		if s.History {
			o.History = limitsOf
		}
		srv := sockettest.Serve(t, o)
		srv.Of("/other")
		c.nodes = append(c.nodes, srv)
	}
	c.together("/")
	c.together("/other")
	return c
}

// together waits until the nodes know each other in a namespace.
func (c *cluster) together(namespace string) {
	c.t.Helper()
	for _, node := range c.nodes {
		sockettest.Eventually(c.t, "the nodes know each other in "+namespace, func() bool {
			n, err := node.Of(namespace).ServerCount(c.t.Context())
			return err == nil && n == len(c.nodes)
		})
	}
}

// member is one client with the server's side of it.
type member struct {
	*sockettest.Client
	cluster *cluster
	node    *sockettest.Server
	socket  *socketio.Socket
	answer  sockettest.Answer
	offset  string
}

// join connects a client to the next node, and puts it into rooms.
func (c *cluster) join(rooms ...string) *member {
	c.t.Helper()
	m := &member{cluster: c, node: c.nodes[c.dials%len(c.nodes)]}
	c.dials++
	m.Client = sockettest.Dial(c.t, m.node.URL)
	m.answer = m.Connect("/", "")
	m.find()
	if err := m.socket.Join(rooms...); err != nil {
		c.t.Fatal(err)
	}
	return m
}

func (m *member) find() {
	m.cluster.t.Helper()
	s, ok := m.node.Of("/").Socket(m.answer.SID)
	if !ok {
		m.cluster.t.Fatalf("no socket %s", m.answer.SID)
	}
	m.socket = s
}

// event expects an event, given without the offset that it has with recovery.
func (m *member) event(want string) {
	m.cluster.t.Helper()
	got := m.Next().Text
	bare, offset := got, ""
	if m.answer.PID != "" {
		bare, offset = split(got)
	}
	if bare != want {
		m.cluster.t.Fatalf("got %q, want %q", got, want)
	}
	if offset != "" {
		m.offset = offset
	}
}

// split takes the last argument of an event off: ["a","b"] becomes ["a"] and b.
func split(text string) (bare, last string) {
	end := len(text) - len(`"]`)
	if end < 0 || text[end:] != `"]` {
		return text, ""
	}
	for i := end - 1; i > 0; i-- {
		if text[i] == '"' {
			return text[:i-1] + "]", text[i+1 : end]
		}
	}
	return text, ""
}
