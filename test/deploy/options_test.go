package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	variables = regexp.MustCompile(`\bSOCKEYE_[A-Z0-9_]+\b`)
	flags     = regexp.MustCompile(`(?:^|[\s"'` + "`" + `(])--([a-z][a-z0-9-]+)`)
)

// foreign are flags of other programs that the files name: of docker, kubectl, systemctl,
// journalctl and sha256sum, and of the instructions of a Dockerfile. sub and ttl are those
// of sockeye token.
var foreign = []string{
	"build", "build-arg", "check", "detach", "env", "file", "filename", "follow", "from", "from-literal",
	"full", "help", "ignore-missing", "interval", "kustomize", "namespace", "now", "platform", "publish",
	"read-only", "retries", "rm", "scale", "start-period", "stop-timeout", "sub", "tag", "timeout", "ttl", "unit",
}

// TestEveryOptionNamedInDeployExists reads every file below deploy, comments too. So a
// renamed option fails here and is not found out by somebody whose server does not start.
func TestEveryOptionNamedInDeployExists(t *testing.T) {
	known := []string{"config"}
	for _, o := range options(t) {
		known = append(known, o.flag)
	}
	files, named := 0, 0
	err := filepath.WalkDir(filepath.Join(root, "deploy"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".go" || filepath.Ext(path) == ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, variable := range variables.FindAllString(string(text), -1) {
			named++
			checkVariable(t, path, variable)
		}
		for _, m := range flags.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(foreign, m[1]) && !slices.Contains(known, m[1]) {
				t.Errorf("%s: --%s is no option of Sockeye (and not in the list of other programs' flags)", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 15 || named < 20 {
		t.Errorf("only %d files with %d variables were found", files, named)
	}
	for _, name := range foreign {
		if slices.Contains(known, name) {
			t.Errorf("--%s is an option of Sockeye too: take it from the list", name)
		}
	}
}

// TestSecretsAreNotInTheFiles looks for options that hold secrets and are set to a
// value rather than to a file.
func TestSecretsAreNotInTheFiles(t *testing.T) {
	secret := regexp.MustCompile(`(?m)^[^#\n]*\b(SOCKEYE_[A-Z0-9_]*(?:SECRET|PASSWORD|TOKEN|REDIS_URL))\b(?:["']?[:=]|\s*\n\s*value:)`)
	for _, name := range []string{"deploy/compose.yaml", "deploy/Dockerfile", "deploy/systemd/sockeye.env", "deploy/kubernetes/deployment.yaml"} {
		for _, m := range secret.FindAllStringSubmatch(read(t, name), -1) {
			t.Errorf("%s sets %s in the open: name a file with %s_FILE", name, m[1], m[1])
		}
	}
	if !secret.MatchString("SOCKEYE_REDIS_URL=x") || !secret.MatchString("- name: SOCKEYE_CLUSTER_SECRET\n  value: x") || strings.Contains(secret.FindString("SOCKEYE_REDIS_URL_FILE: x"), "FILE") {
		t.Error("the pattern finds nothing")
	}
}
