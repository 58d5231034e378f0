package nodes

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"
)

// IDLength is the length of a node's id, in characters.
const IDLength = 8

// alphabet is that of base64url (RFC 4648, section 5).
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Node is one process of a cluster. A process that starts again is another node.
type Node struct {
	ID      string    // IDLength characters of base64url
	URL     string    // where other nodes reach it: http://host:port, no slash at the end
	Version string    // its release, for people
	Started time.Time // by its own clock
	// What nodes have to have in common: the adapter by its name, the path of the
	// endpoint. "" is not known.
	Adapter, Path string
}

// Change tells of a node that joined or is gone.
type Change struct {
	Node Node
	Gone bool
}

// Registry knows the nodes of a cluster. Its methods may be called from any
// goroutine.
type Registry interface {
	// Self returns the node that asks.
	Self() Node
	// Nodes returns all that are there, the asking one included, in the order of
	// their ids. It does not wait.
	Nodes() []Node
	// Lookup returns the node of an id. It may wait, within a bound of its own, for
	// news of an id that it does not know.
	Lookup(ctx context.Context, id string) (Node, bool)
	// OnChange adds a listener of nodes that join or are gone, which must not wait;
	// the calls of one listener do not overlap. What it returns removes it.
	OnChange(f func(c Change)) (remove func())
}

// Secrets are what the nodes of a cluster prove to each other with that they belong
// together. The methods may be called from any goroutine.
type Secrets interface {
	// Secret returns what this node proves itself with, or nil while it has none.
	Secret() []byte
	// Accepted returns what other nodes may prove themselves with, Secret first.
	Accepted() [][]byte
	// Renew looks, within a bound of its own, for a secret that another node may
	// have begun to use. It returns at once when it has looked a moment ago.
	Renew(ctx context.Context)
}

// NewID makes an id that no other node has: 48 bits of chance.
func NewID() string {
	var b [IDLength * 6 / 8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // documented never to fail
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// IDOf returns the id that begins the name of something that belongs to a node,
// such as a session id, or "" if it cannot begin with one.
func IDOf(name string) string {
	if len(name) <= IDLength || strings.Trim(name[:IDLength], alphabet) != "" {
		return ""
	}
	return name[:IDLength]
}
