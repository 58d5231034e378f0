package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secretFile writes what a mounted secret would hold.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAVariableMayNameAFileWithTheValue(t *testing.T) {
	yaml := filepath.Join(t.TempDir(), "sockeye.yaml")
	if err := os.WriteFile(yaml, []byte("redis-url: redis://from-yaml:1\nping-interval: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOCKEYE_CONFIG", yaml)
	t.Setenv("SOCKEYE_REDIS_URL_FILE", secretFile(t, " redis://from-file:1\r\n"))
	t.Setenv("SOCKEYE_ALLOW_EIO3_FILE", secretFile(t, "true\n"))
	t.Setenv("SOCKEYE_ORIGINS_FILE", secretFile(t, "https://a.example,https://b.example\n"))
	t.Setenv("SOCKEYE_PING_INTERVAL_FILE", "") // as compose writes a variable that nobody has set
	t.Setenv("SOCKEYE_PATH_FILE", secretFile(t, "/from-file/"))
	values, comments := printed(t, "--path", "/from-flag/")
	for key, want := range map[string][2]string{
		"redis-url":     {`"redis://from-file:1"`, "environment SOCKEYE_REDIS_URL_FILE"},
		"allow-eio3":    {"true", "environment SOCKEYE_ALLOW_EIO3_FILE"},
		"origins":       {`["https://a.example", "https://b.example"]`, "environment SOCKEYE_ORIGINS_FILE"},
		"ping-interval": {"1s", yaml + ":2"},
		"path":          {`"/from-flag/"`, "flag"},
	} {
		if values[key] != want[0] || !strings.HasSuffix(comments[key], "source: "+want[1]) {
			t.Errorf("%s is %s (%s), want %s from %s", key, values[key], comments[key], want[0], want[1])
		}
	}
}

func TestAFileThatHasNoValueIsAnError(t *testing.T) {
	const variable = "SOCKEYE_CLUSTER_SECRET_FILE"
	for what, tc := range map[string]struct{ file, want string }{
		"absent":   {filepath.Join(t.TempDir(), "absent"), variable + ": open "},
		"a folder": {t.TempDir(), variable + ": "},
		"empty":    {secretFile(t, " \n"), "is empty: write the value into it"},
		"binary":   {secretFile(t, "a\x00b"), "has a zero byte"},
		"large":    {secretFile(t, strings.Repeat("x", maxValue+1)), "has more than 65536 bytes"},
		"short":    {secretFile(t, "short"), "--cluster-secret: it has 5 bytes"},
	} {
		t.Setenv(variable, tc.file)
		var stderr bytes.Buffer
		status := run(t.Context(), []string{"config", "print"}, io.Discard, &stderr)
		if status != 1 || !strings.Contains(stderr.String(), tc.want) || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: status %d, want %q in one line: %s", what, status, tc.want, &stderr)
		}
	}
}

func TestAVariableAndItsFileExcludeEachOther(t *testing.T) {
	t.Setenv("SOCKEYE_REDIS_URL", "redis://h:1")
	t.Setenv("SOCKEYE_REDIS_URL_FILE", secretFile(t, "redis://h:2"))
	var stderr bytes.Buffer
	const want = "SOCKEYE_REDIS_URL and SOCKEYE_REDIS_URL_FILE are both set: remove one"
	if status := run(t.Context(), []string{"config", "print"}, io.Discard, &stderr); status != 1 || !strings.Contains(stderr.String(), want) {
		t.Errorf("status %d, want %q in %s", status, want, &stderr)
	}
}

func TestFilesOfNoOptionAreUnknownVariables(t *testing.T) {
	for _, variable := range []string{"SOCKEYE_REDIS_ULR_FILE", "SOCKEYE_CONFIG_FILE"} {
		if err := unknownVariables([]string{variable + "=x"}); err == nil || !strings.Contains(err.Error(), "unknown environment variable "+variable) {
			t.Errorf("%s: %v", variable, err)
		}
	}
}

func TestVariablesOfClientsAreNoMistakeOfTheServers(t *testing.T) {
	t.Setenv("SOCKEYE_URL", "http://127.0.0.1:1")
	t.Setenv("SOCKEYE_KEY", "sk_x")
	var stderr bytes.Buffer
	if status := run(t.Context(), []string{"config", "print"}, io.Discard, &stderr); status != 0 {
		t.Errorf("config print: status %d: %s", status, &stderr)
	}
	if status := run(t.Context(), []string{"demo", "devices"}, io.Discard, &stderr); status != 1 || !strings.Contains(stderr.String(), "nothing listens at 127.0.0.1:1") {
		t.Errorf("demo devices: status %d: %s", status, &stderr)
	}
}

func TestAnOptionThatIsAFileReadsItItself(t *testing.T) {
	file := secretFile(t, strings.Repeat("s", 40)+"\n")
	t.Setenv("SOCKEYE_AUTH_SECRET_FILE", file)
	values, comments := printed(t)
	if values["auth-secret-file"] != `"`+file+`"` || !strings.HasSuffix(comments["auth-secret"], "source: default") {
		t.Errorf("auth-secret-file is %s, and auth-secret has %s", values["auth-secret-file"], comments["auth-secret"])
	}
}
