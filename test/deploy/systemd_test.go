package deploy

import (
	"strings"
	"testing"
	"time"
)

// unit is a file of systemd: the values of each key, by section.
type unit map[string]map[string][]string

// parseUnit reads the grammar of systemd.syntax(7) as far as the unit uses it, and
// fails for anything else.
func parseUnit(t *testing.T, text string) unit {
	t.Helper()
	u := make(unit)
	var section map[string][]string
	for i, line := range strings.Split(text, "\n") {
		key, value, isKey := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = make(map[string][]string)
			u[strings.Trim(line, "[]")] = section
		case !isKey || section == nil || strings.TrimSpace(key) != key || strings.HasSuffix(value, `\`):
			t.Errorf("line %d is no key=value in a section: %q", i+1, line)
		default:
			section[key] = append(section[key], value)
		}
	}
	return u
}

// parseVariables reads what EnvironmentFile= takes, as far as ours goes.
func parseVariables(t *testing.T, text string) map[string]string {
	t.Helper()
	env := make(map[string]string)
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if _, twice := env[name]; !ok || twice || strings.ContainsAny(value, `"'\ `) {
			t.Errorf("line %d: %q", i+1, line)
		}
		env[name] = value
	}
	return env
}

func TestTheUnitIsHardenedAndStopsInOrder(t *testing.T) {
	u := parseUnit(t, read(t, "deploy/systemd/sockeye.service"))
	service := u["Service"]
	for key, want := range map[string]string{
		"ExecStart": "/usr/local/bin/sockeye serve", "Type": "exec", "EnvironmentFile": "-/etc/sockeye/sockeye.env",
		"Restart": "on-failure", "KillSignal": "SIGTERM",
		"DynamicUser": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "NoNewPrivileges": "yes",
		"CapabilityBoundingSet": "", "MemoryDenyWriteExecute": "yes", "PrivateDevices": "yes", "PrivateTmp": "yes",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_NETLINK", "SystemCallArchitectures": "native",
	} {
		if got := service[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for key, values := range service {
		if len(values) > 1 && key != "SystemCallFilter" {
			t.Errorf("%s is set %d times", key, len(values))
		}
	}
	if len(service["AmbientCapabilities"]) != 0 {
		t.Error("there are ambient capabilities, which only low ports need")
	}
	if n := service["LimitNOFILE"]; len(n) != 1 || len(n[0]) < 6 {
		t.Errorf("LimitNOFILE is %q", n)
	}
	if got := u["Install"]["WantedBy"]; len(got) != 1 || got[0] != "multi-user.target" {
		t.Errorf("WantedBy is %q", got)
	}
	env := parseVariables(t, read(t, "deploy/systemd/sockeye.env"))
	grace, err := time.ParseDuration(strings.Join(service["TimeoutStopSec"], "") + "s")
	if err != nil {
		t.Fatal(err)
	}
	checkGrace(t, "TimeoutStopSec", grace, env)
	for name, want := range map[string]string{"SOCKEYE_LISTEN": ":3000", "SOCKEYE_METRICS_LISTEN": "127.0.0.1:9090"} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if u["Unit"] == nil || len(u) != 3 {
		t.Errorf("there are %d sections", len(u))
	}
}
