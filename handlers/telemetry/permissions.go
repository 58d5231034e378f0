package telemetry

import (
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
)

// roomPrefix and the name of a device are the room that its rights are about: who may
// publish there may send its readings, who may join there may see them.
const roomPrefix = "device:"

// ownName is the device that stands for a server alone; one of several is ownPrefix and
// its node.
const (
	ownName   = "sockeye"
	ownPrefix = ownName + ":"
)

// adminRole is a role that may see the server's own measures.
const adminRole = "admin"

func ownDevice(name string) bool { return name == ownName || strings.HasPrefix(name, ownPrefix) }

// mayPublish asks whether somebody may send the readings of a device.
func (o *Options) mayPublish(p *auth.Principal, device string) error {
	if o.Access == nil {
		return nil
	}
	return o.Access.Allow(p, auth.ActionPublish, Namespace, roomPrefix+device)
}

// maySee asks whether somebody may see the readings of a device. The server's own are for
// operators: rights to everything are not enough, they have to be named.
func (o *Options) maySee(p *auth.Principal, device string) error {
	if o.Access == nil {
		return nil
	}
	room := roomPrefix + device
	if err := o.Access.Allow(p, auth.ActionJoin, Namespace, room); err != nil {
		return err
	}
	if ownDevice(device) && !o.seesServers(p) {
		return auth.Forbidden(auth.ActionJoin, room)
	}
	return nil
}

func (o *Options) seesServers(p *auth.Principal) bool {
	return o.Open || p.HasScope(auth.ScopeAdmin) || p.HasRole(adminRole) ||
		slices.ContainsFunc(p.Join, func(pattern string) bool { return strings.HasPrefix(pattern, roomPrefix+ownName) })
}

// view returns what somebody sees of some devices.
func (o *Options) view(p *auth.Principal, patterns auth.Patterns) view {
	v := view{patterns: patterns}
	if o.Access == nil {
		return v
	}
	v.may = func(device string) bool { return o.maySee(p, device) == nil }
	if o.Access.Allow(p, auth.ActionJoin, Namespace, "") == nil { // as everybody else who may see all
		v.rights = "all"
		if o.seesServers(p) {
			v.rights = "all, and the servers"
		}
		return v
	}
	v.rights = strings.Join([]string{string(p.Method), p.ID, strings.Join(p.Join, "\n"), strings.Join(p.Roles, "\n")}, "\x00")
	if p.HasScope(auth.ScopeAdmin) {
		v.rights += "\x00admin"
	}
	return v
}

// oneDevice returns the device that somebody sends for, where the rights name exactly one.
func oneDevice(p *auth.Principal) string {
	if len(p.Publish) != 1 {
		return ""
	}
	name, ok := strings.CutPrefix(p.Publish[0], roomPrefix)
	if !ok || checkDevice(name) != nil {
		return ""
	}
	return name
}
