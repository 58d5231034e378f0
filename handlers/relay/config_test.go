package relay_test

import (
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/relay"
)

func TestConfigurationErrorsNameTheirKey(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"target", `/: {drawing: {to: everybody}}`, `relay.namespaces["/"]["drawing"].to: "everybody" is none of all, others, rooms, room-in-arg-0`},
		{"nothing", `/: {drawing: {as: line}}`, `relay.namespaces["/"]["drawing"]: has neither to nor do`},
		{"both", `/: {drawing: {to: all, do: join}}`, `relay.namespaces["/"]["drawing"]: has both to and do`},
		{"action", `/: {enter: {do: enter}}`, `relay.namespaces["/"]["enter"].do: "enter" is neither join nor leave`},
		{"action as", `/: {enter: {do: join, as: x}}`, `relay.namespaces["/"]["enter"]: as, volatile and self`},
		{"ack", `/: {drawing: {to: all, ack: yes}}`, `relay.namespaces["/"]["drawing"].ack: "yes" is neither ok nor none`},
		{"self", `/: {drawing: {to: others, self: true}}`, `relay.namespaces["/"]["drawing"].self: others never include the sender`},
		{"reserved", `/: {connect: {to: all}}`, `relay.namespaces["/"]["connect"]: Socket.IO keeps this event name`},
		{"reserved as", `/: {drawing: {to: all, as: disconnect}}`, `relay.namespaces["/"]["drawing"].as: Socket.IO keeps the event name "disconnect"`},
		{"the server's", `/: {"sockeye:end": {to: all}}`, `relay.namespaces["/"]["sockeye:end"]: event names that begin with`},
		{"as the server's", `/: {drawing: {to: all, as: "sockeye:x"}}`, `relay.namespaces["/"]["drawing"].as: event names that begin with`},
		{"of who one is", `/: {"auth:refresh": {to: all}}`, `relay.namespaces["/"]["auth:refresh"]: event names that begin with`},
		{"empty role", `/: {drawing: {to: all, roles: [""]}}`, `relay.namespaces["/"]["drawing"].roles: a role is empty`},
		{"rooms of all", `/: {drawing: {to: all, rooms: [a]}}`, `relay.namespaces["/"]["drawing"].rooms: only room-in-arg-0, rooms and join`},
		{"no room", `/: {drawing: {to: rooms, rooms: []}}`, `relay.namespaces["/"]["drawing"].rooms: names no room`},
		{"empty room", `/: {drawing: {to: rooms, rooms: [""]}}`, `relay.namespaces["/"]["drawing"].rooms: a pattern is empty`},
		{"no slash", `news: {drawing: {to: all}}`, `relay.namespaces["news"]: a namespace begins with a slash; write "/news"`},
		{"no end", `^/team-[0-9]+: {drawing: {to: all}}`, `relay.namespaces["^/team-[0-9]+"]: an expression ends in $`},
		{"expression", `^/team-[0-9+$: {drawing: {to: all}}`, `relay.namespaces["^/team-[0-9+$"]: not a regular expression`},
		{"taken", `/chat: {drawing: {to: all}}`, `relay.namespaces["/chat"]: this namespace has a handler of its own`},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := configured(t, "relay:\n  namespaces:\n    "+c.yaml)
			config.Reserved = []string{"/chat"}
			err := config.Validate()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want one with %s", err, c.want)
			}
		})
	}
}

func TestAllConfigurationErrorsAreReportedAtOnce(t *testing.T) {
	err := configured(t, `
relay:
  max-rooms: -1
  namespaces:
    /: {a: {to: x}, b: {to: y}}
`).Validate()
	if err == nil {
		t.Fatal("no error")
	}
	if got := len(strings.Split(err.Error(), "\n")); got != 3 {
		t.Errorf("%d lines, want 3:\n%v", got, err)
	}
}

func TestConfigurationErrorsOfRoles(t *testing.T) {
	for text, want := range map[string]string{
		`{roles: {/admin: [moderator]}}`:                         `relay.roles["/admin"]: there is no such key under relay.namespaces`,
		`{roles: {/: [moderator]}, contract: false}`:             `relay.roles["/"]: there is no such key`,
		`{roles: {/admin: []}, namespaces: {/admin: {}}}`:        `relay.roles["/admin"]: names no role`,
		`{roles: {/admin: ["a", ""]}, namespaces: {/admin: {}}}`: `relay.roles["/admin"]: names no role`,
	} {
		if err := configured(t, "relay: "+text).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want one with %s", text, err, want)
		}
	}
	if err := configured(t, `relay: {roles: {/: [a], /game-*: [b, c]}, namespaces: {/game-*: {}}}`).Validate(); err != nil {
		t.Error(err)
	}
}

func TestZeroConfigurationIsTheContract(t *testing.T) {
	var c relay.Config
	if err := c.Validate(); err != nil {
		t.Errorf("the zero configuration is refused: %v", err)
	}
	if !c.HasContract() || c.Dynamic() {
		t.Errorf("contract %v, dynamic %v; want true, false", c.HasContract(), c.Dynamic())
	}
	if !configured(t, "relay: {namespaces: {/game-*: {}}}").Dynamic() {
		t.Error("a pattern is not dynamic")
	}
}
