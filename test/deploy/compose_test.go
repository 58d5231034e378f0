package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// project loads deploy/compose.yaml as docker compose does, with the variables of an
// .env file. An unknown key, a wrong type or a name that leads nowhere is an error.
func project(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "deploy", "compose.yaml")},
		cli.WithEnv(env), cli.WithDefaultProfiles(), cli.WithConsistency(true), cli.WithInterpolation(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func names(p *types.Project) string {
	return strings.Join(slices.Sorted(slices.Values(p.ServiceNames())), " ")
}

func environment(s types.ServiceConfig) map[string]string {
	env := make(map[string]string)
	for name, value := range s.Environment {
		if value != nil {
			env[name] = *value
		}
	}
	return env
}

func TestComposeIsSockeyeBehindCaddy(t *testing.T) {
	p := project(t, "SITE=app.example.com", "SOCKEYE_ANONYMOUS=on")
	if got := names(p); got != "caddy sockeye" {
		t.Fatalf("the services are %q", got)
	}
	sockeye, caddy := p.Services["sockeye"], p.Services["caddy"]
	env := environment(sockeye)
	for name := range env {
		checkVariable(t, "compose.yaml", name)
	}
	if env["SOCKEYE_ANONYMOUS"] != "on" || env["SOCKEYE_REDIS_URL_FILE"] != "" || environment(caddy)["SITE"] != "app.example.com" {
		t.Errorf("the variables of Sockeye are %q", env)
	}
	if _, err := os.Stat(filepath.Join(sockeye.Build.Context, sockeye.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	if len(sockeye.Ports) != 0 {
		t.Error("Sockeye's own ports are open to the world")
	}
	if !strings.Contains(read(t, "deploy/compose/Caddyfile"), "port "+strings.TrimPrefix(env["SOCKEYE_LISTEN"], ":")+"\n") {
		t.Error("Caddy asks another port than the one that Sockeye listens on")
	}
	checkGrace(t, "stop_grace_period", time.Duration(*sockeye.StopGracePeriod), env)
	if caddy.DependsOn["sockeye"].Condition != types.ServiceConditionHealthy {
		t.Error("Caddy does not wait for Sockeye")
	}
	if env["SOCKEYE_TRUSTED_PROXIES"] == "" {
		t.Error("every client has the address of Caddy")
	}
	if closed := environment(project(t).Services["sockeye"]); closed["SOCKEYE_ANONYMOUS"] != "off" {
		t.Errorf("by default anonymous clients are %q", closed["SOCKEYE_ANONYMOUS"])
	}
}

func TestComposeHasARedisOnlyWithItsProfile(t *testing.T) {
	p := project(t, "COMPOSE_PROFILES=redis")
	if got := names(p); got != "caddy redis sockeye" {
		t.Fatalf("the services are %q", got)
	}
	if got := environment(p.Services["sockeye"])["SOCKEYE_REDIS_URL_FILE"]; got != "/run/secrets/redis_url" {
		t.Errorf("SOCKEYE_REDIS_URL_FILE is %q", got)
	}
	if !p.Networks["nodes"].Internal {
		t.Error("Redis is on a network with a way out")
	}
	if len(p.Services["redis"].Ports) != 0 {
		t.Error("Redis is open to the world")
	}
}

func TestContainersOfComposeMayDoLittle(t *testing.T) {
	for name, s := range project(t, "COMPOSE_PROFILES=redis").Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: read_only %v, cap_drop %q, security_opt %q", name, s.ReadOnly, s.CapDrop, s.SecurityOpt)
		}
		if len(s.CapAdd) > 0 && name != "caddy" {
			t.Errorf("%s: cap_add %q", name, s.CapAdd)
		}
		if s.HealthCheck == nil || len(s.HealthCheck.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
		if s.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: restart %q", name, s.Restart)
		}
	}
}

// TestTheSecretsOfComposeAreWrittenOnce runs the script in a folder of its own.
func TestTheSecretsOfComposeAreWrittenOnce(t *testing.T) {
	folder := t.TempDir()
	script := filepath.Join(folder, "secrets.sh")
	if err := os.WriteFile(script, []byte(read(t, "deploy/compose/secrets.sh")), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	texts := make(map[string]string)
	for name, s := range project(t, "COMPOSE_PROFILES=redis").Secrets {
		below, err := filepath.Rel(filepath.Join(root, "deploy", "compose"), s.File)
		if filepath.IsAbs(s.File) {
			top, _ := filepath.Abs(filepath.Join(root, "deploy", "compose"))
			below, err = filepath.Rel(top, s.File)
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(folder, below))
		if err != nil {
			t.Error(err)
		}
		texts[name] = string(text)
	}
	if password := texts["redis_password"]; len(password) != 48 || len(texts["auth_secret"]) != 48 || texts["auth_secret"] == password || texts["redis_url"] != "redis://:"+password+"@redis:6379" {
		t.Errorf("the secrets are %q", texts)
	}
	if info, err := os.Stat(filepath.Join(folder, "secrets")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", script).CombinedOutput(); err == nil || !strings.Contains(string(out), "stays as it is") {
		t.Errorf("the second time: %v: %s", err, out)
	}
}
