package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/bench/load"
)

// feature is what a row may need of a server beyond the relay contract over WebSocket.
type feature string

const (
	featurePolling feature = "polling"
	featureNodes   feature = "two nodes"
	featureMsgPack feature = "MessagePack"
	featureDeflate feature = "permessage-deflate"
	featureUnasked feature = "echo without acknowledgement" // of the contract; no row needs it
	featureIdle    feature = "an idle mode"
)

// needs are the features without which a server cannot take part in the row.
func (r row) needs() []feature {
	var needs []feature
	if t := r.work.Transport; t != "" && t != load.WebSocket {
		needs = append(needs, featurePolling)
	}
	if r.across != "" {
		needs = append(needs, featureNodes)
	}
	if r.work.Parser == load.MsgPack {
		needs = append(needs, featureMsgPack)
	}
	if r.work.Deflate {
		needs = append(needs, featureDeflate)
	}
	if r.idleMode {
		needs = append(needs, featureIdle)
	}
	return needs
}

// lack says why the server is left out of the row, or "".
func (s *server) lack(r row) string {
	switch compared := s.name == sockeyeServer || s.name == localServer; {
	case r.carried && !compared:
		return "Sockeye is compared with itself"
	case s.name == localServer && !r.carried:
		return "it is for carried polls"
	}
	for _, f := range r.needs() {
		if reason := s.lacks[f]; reason != "" {
			return reason
		}
		if f == featureNodes && s.joins == "" {
			return "no adapter here: one node only"
		}
		if f == featureIdle && s.options[f] == nil {
			return "no idle mode"
		}
	}
	return ""
}

// can reports whether the server takes part in the row.
func (s *server) can(r row) bool { return s.lack(r) == "" }

// set is the server with the options that the row needs.
func (s *server) set(r row) *server {
	with := *s
	with.command = slices.Clone(s.command)
	for _, f := range r.needs() {
		with.command = append(with.command, s.options[f]...)
	}
	return &with
}

// absent is a server that cannot be started on this machine, and what it needs.
type absent struct {
	Name  string `json:"name"`
	Needs string `json:"needs"`
}

func (a *absent) Error() string { return a.Name + " needs " + a.Needs }

// leftOut are the rows that servers are not in, a line for each server and reason.
func (p *plan) leftOut() []string {
	var lines []string
	for _, a := range p.absent {
		lines = append(lines, fmt.Sprintf("%s: everything: it needs %s", a.Name, a.Needs))
	}
	for _, s := range p.servers {
		var reasons []string
		titles := make(map[string][]string)
		for _, r := range p.everything() {
			reason := s.lack(r)
			if reason == "" || r.idleMode && s.name != sockeyeServer {
				continue
			}
			if titles[reason] == nil {
				reasons = append(reasons, reason)
			}
			titles[reason] = append(titles[reason], r.title)
		}
		for _, reason := range reasons {
			lines = append(lines, fmt.Sprintf("%s: %s: %s", s.name, strings.Join(titles[reason], "; "), reason))
		}
	}
	return lines
}

// everything is the guarantees, as rows, and the rows.
func (p *plan) everything() []row {
	all := make([]row, 0, len(p.guarantees)+len(p.rows))
	for _, g := range p.guarantees {
		all = append(all, row{title: g.title, work: g.work})
	}
	return append(all, p.rows...)
}
