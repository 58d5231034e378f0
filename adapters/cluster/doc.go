// Package cluster is what the adapters of several nodes have in common: what a
// node does when it hears a message of another, and how it waits for answers. A
// backend is a Driver, a few verbs that carry messages.
//
// On the road it stands between a namespace and its local half: its own sockets
// get a packet from socketio.Local, other nodes hear of it from the Driver.
//
// # Order and concurrency
//
// All methods may be called from any goroutine. What a node says is acted on in
// the order in which Receive is called. A broadcast is delivered there and then.
// Joins and leaves call listeners of the application (Namespace.OnRoom), so they run
// on a goroutine that lives only while there are such, and what comes behind them
// waits: these listeners must not ask other nodes. Server side events and listeners
// of outgoing packets start in order, too, one at a time; but one that takes longer
// than 100 ms holds up nobody, so a listener may ask the other nodes and wait. When
// more than 4096 messages wait, Receive does.
//
// Answers go out on up to 32 goroutines that live only while there are answers:
// the application and clients answer when they like, and answers to one question
// have no order.
//
// # Waiting for answers
//
// A question counts the nodes first and then waits for one answer of each other
// one. A node that goes meanwhile is not waited for: every quarter of a second the
// nodes are counted again, once for all questions that wait, and by name where the
// Driver is a Roster. So a node that joins while another one goes is not mistaken
// for it. A node that is there and silent makes a question run into its time-out,
// which says how many answered and who did not, as far as that is known.
//
// A node can be gone without the backend knowing yet: a machine that lost its
// power still counts until its connection is given up.
//
// It refuses to know a wire format, a broker, or recovery.
package cluster
