package redisnodes

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// The version of a record. A minor version only adds fields.
const (
	recordMajor   = "1"
	recordVersion = recordMajor + ".1"
)

// record is a node in Redis. See doc.go.
type record struct {
	V       string `json:"v"`
	ID      string `json:"id"`
	URL     string `json:"url"`
	Version string `json:"version"`
	Started int64  `json:"started"`
	Left    bool   `json:"left,omitempty"`

	Adapter string `json:"adapter,omitempty"` // since 1.1
	Path    string `json:"path,omitempty"`    // since 1.1
}

func encode(n nodes.Node, left bool) (string, error) {
	b, err := json.Marshal(record{V: recordVersion, ID: n.ID, URL: n.URL, Version: n.Version, Started: n.Started.UnixMilli(), Left: left, Adapter: n.Adapter, Path: n.Path})
	return string(b), err
}

// decode reads the record of an id.
func decode(text, id string) (n nodes.Node, left bool, err error) {
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return n, false, fmt.Errorf("the record of node %s cannot be read: %w", id, err)
	}
	if major, _, _ := strings.Cut(r.V, "."); major != recordMajor {
		return n, false, fmt.Errorf("the record of node %s has version %q, this node reads %s: bring the nodes to releases closer to each other", id, r.V, recordVersion)
	}
	if r.ID != id || r.URL == "" {
		return n, false, fmt.Errorf("the record of node %s says that it is node %q at %q", id, r.ID, r.URL)
	}
	return nodes.Node{ID: r.ID, URL: r.URL, Version: r.Version, Started: time.UnixMilli(r.Started), Adapter: r.Adapter, Path: r.Path}, r.Left, nil
}
