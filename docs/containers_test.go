package docs_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server"
)

const memoryLimit = "GOMEMLIMIT"

// containers returns the rows of the table of settings for small containers.
func containers(t *testing.T) []row {
	t.Helper()
	rows := readPage(t, "docs/operations.md").rows("`"+memoryLimit+"`", "`--outbox-total`")
	if len(rows) < 3 {
		t.Fatalf("only %d rows were found", len(rows))
	}
	return rows
}

// first returns the first value in backquotes in the column of a setting.
func (r row) first(setting string) string {
	spans := codeSpans(r.cells["`"+setting+"`"])
	if len(spans) == 0 {
		return ""
	}
	return spans[0]
}

// TestSettingsOfSmallContainersAreTaken gives the program each row. It refused one of them once, as
// the default of --outbox-max was above the row's --outbox-total.
func TestSettingsOfSmallContainersAreTaken(t *testing.T) {
	t.Parallel()
	for _, r := range containers(t) {
		args := []string{"config", "print"}
		for heading, cell := range r.cells {
			flag := strings.Trim(heading, "`")
			if !strings.HasPrefix(flag, "--") {
				continue
			}
			if r.first(flag) == "" {
				t.Errorf("docs/operations.md:%d: %s has no value in backquotes", r.line, flag)
			}
			for _, value := range codeSpans(cell) {
				args = append(args, flag+"="+value)
			}
		}
		if out, err := sockeye(t, []string{memoryLimit + "=" + r.first(memoryLimit)}, args...); err != nil {
			t.Errorf("docs/operations.md:%d: %v: %v\n%s", r.line, args, err, out)
		}
		var one, all server.Size
		err := errors.Join(one.UnmarshalText([]byte(r.first("--outbox-max"))), all.UnmarshalText([]byte(r.first("--outbox-total"))))
		if err != nil || 2*one > all {
			t.Errorf("docs/operations.md:%d: one client may have %v of %v for all, want half at most (%v)", r.line, one, all, err)
		}
	}
}

// TestKubernetesHasTheSettingsOfItsContainer compares the Deployment, which has 1 GiB, with the row.
func TestKubernetesHasTheSettingsOfItsContainer(t *testing.T) {
	t.Parallel()
	const manifest = "deploy/kubernetes/deployment.yaml"
	set := make(map[string]string)
	name := ""
	for _, line := range readPage(t, manifest).lines {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		if is, found := strings.CutPrefix(line, "- name: "); found {
			name = is
		} else if value, found := strings.CutPrefix(line, "value: "); found {
			set[name] = strings.Trim(value, `"`)
		}
	}
	for _, r := range containers(t) {
		if r.cells["Container"] != "1 GiB" {
			continue
		}
		for setting, variable := range map[string]string{
			memoryLimit: memoryLimit, "--max-connections": server.EnvName("max-connections"), "--outbox-total": server.EnvName("outbox-total"),
		} {
			if want := r.first(setting); set[variable] != want {
				t.Errorf("%s sets %s to %q, and docs/operations.md:%d says %q", manifest, variable, set[variable], r.line, want)
			}
		}
		return
	}
	t.Error("docs/operations.md has no row for 1 GiB")
}
