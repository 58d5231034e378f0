package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// command is one command of a block, without a prompt and a remark, and with lines that go
// on joined.
type command struct {
	line int
	text string
}

// commands returns the commands of a block marked sh, where every line is one, or console,
// where they are the lines after a prompt.
func (b block) commands() []command {
	var all []command
	lines := strings.Split(b.text, "\n")
	for i := 0; i < len(lines); i++ {
		c := command{line: b.line + i, text: strings.TrimSpace(lines[i])}
		if b.lang == "console" {
			prompted := prompt.FindStringSubmatch(c.text)
			if prompted == nil {
				continue
			}
			c.text = prompted[1]
		}
		for strings.HasSuffix(c.text, `\`) && i+1 < len(lines) {
			i++
			c.text = strings.TrimSpace(strings.TrimSuffix(c.text, `\`)) + " " + strings.TrimSpace(lines[i])
		}
		c.text, _, _ = strings.Cut(c.text, " #")
		if c.text != "" && !strings.HasPrefix(c.text, "#") {
			all = append(all, c)
		}
	}
	return all
}

var prompt = regexp.MustCompile(`^[$#] (.*)$`)

// tried are the programs whose commands other tests of this package try: all of them.
var tried = map[string]bool{"sockeye": true, "bin/sockeye": true, "make": true, "curl": true}

// notTried are the others: how many commands there are, and why they are only read by bash.
var notTried = map[string]struct {
	commands int
	why      string
}{
	"export":     {2, "sets what the next commands use"},
	"openssl":    {1, "makes a secret for a file that only root may write"},
	"cd":         {1, "with npm install, before the next"},
	"npm":        {2, "starts the Express example, which test/backends does"},
	"python3":    {2, "is the reader's web server, or a client to type into"},
	"go":         {4, "measures and profiles for minutes; bench has tests of its own"},
	"sha256sum":  {1, "of an archive that is not here; deploy/release has tests of what is in it"},
	"tar":        {1, "the same"},
	"./sockeye-": {1, "the same"},
	"docker":     {2, "there is no Docker daemon; test/deploy carries the Dockerfile out"},
	"kubectl":    {4, "there is no cluster; test/deploy reads the manifests"},
	"password=":  {1, "for kubectl"},
	"install":    {3, "needs root"},
	"systemctl":  {2, "needs root and systemd; test/deploy has systemd check the unit"},
	"journalctl": {1, "the same"},
}

// TestEveryCommandIsTriedOrCounted has bash read every block, and looks for commands that
// nothing tries.
func TestEveryCommandIsTriedOrCounted(t *testing.T) {
	t.Parallel()
	found := make(map[string]int)
	for _, p := range pages(t) {
		for _, lang := range []string{"sh", "console"} {
			for _, b := range p.blocks(lang) {
				var script strings.Builder
				for _, c := range b.commands() {
					script.WriteString(c.text + "\n")
					for _, part := range strings.Split(c.text, " && ") {
						name := nameOf(part)
						if tried[name] {
							continue
						}
						if found[name]++; found[name] > notTried[name].commands {
							t.Errorf("%s:%d: nothing tries %q: have a test run it, or count it in notTried with the reason", p.path, c.line, part)
						}
					}
				}
				bash := exec.CommandContext(t.Context(), "bash", "-n")
				bash.Stdin = strings.NewReader(script.String())
				if out, err := bash.CombinedOutput(); err != nil || script.Len() == 0 {
					t.Errorf("%s:%d: %v\n%s", p.path, b.line, err, out)
				}
			}
		}
	}
	for name, n := range notTried {
		if found[name] != n.commands || n.why == "" {
			t.Errorf("%s: notTried says %d commands (%q), and there are %d", name, n.commands, n.why, found[name])
		}
	}
}

// set is what may stand before a command: variables that it gets.
var set = regexp.MustCompile(`^(?:[A-Z_]+=(?:"[^"]*"|'[^']*'|[^\s"']*)\s+)+`)

// nameOf is the program that a command runs. A variable that is set to what a command prints
// is one itself, and so are all of an archive.
func nameOf(text string) string {
	name, _, _ := strings.Cut(set.ReplaceAllString(text, ""), " ")
	if before, _, is := strings.Cut(name, "=$("); is {
		return before + "="
	}
	if strings.HasPrefix(name, "./sockeye-") {
		return "./sockeye-"
	}
	return name
}

// TestEveryCurlIsAnswered runs the commands of curl against a server that has what the pages
// speak of.
func TestEveryCurlIsAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, keys := filepath.Join(dir, "sockeye.yaml"), filepath.Join(dir, "auth.json")
	for file, text := range map[string]string{
		config:                        "recovery: 2m\nhistory:\n  namespaces:\n    /: {news: {length: 100}}\n",
		filepath.Join(dir, ".curlrc"): "silent\nshow-error\nfail-with-body\nmax-time = 20\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said, err := sockeye(t, nil, "key", "create", "--name", "docs", "--scope", "admin", "--auth-file", keys)
	key := regexp.MustCompile(`sk_\S+`).FindString(said)
	if err != nil || key == "" {
		t.Fatalf("%v\n%s", err, said)
	}
	sites := filepath.Join(dir, "comments.db")
	if said, err := sockeye(t, nil, "comments", "init", "--site", "blog", "--origin", "https://www.example.com", "--comments-db", sites); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	url, _ := serving(t, "--config", config, "--auth-file", keys, "--anonymous", "--comments-db", sites)
	ours := strings.NewReplacer("http://127.0.0.1:3000", url, "https://rt.example.com", url)
	count := 0
	for _, p := range pages(t) {
		for _, lang := range []string{"sh", "console"} {
			for _, b := range p.blocks(lang) {
				for _, c := range b.commands() {
					if nameOf(c.text) != "curl" {
						continue
					}
					count++
					bash := exec.CommandContext(t.Context(), "bash", "-c", ours.Replace(c.text))
					bash.Env = append(os.Environ(), "CURL_HOME="+dir, "SOCKEYE_URL="+url, "SOCKEYE_KEY="+key, "KEY="+key, "TOKEN="+key, "OFFSET=")
					if problem := answered(bash, strings.Contains(c.text, "curl -N")); problem != "" {
						t.Errorf("%s:%d: %s\n%s", p.path, c.line, c.text, problem)
					}
				}
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d commands of curl were found", count)
	}
}

// answered runs a command that asks for something. Of an answer that does not end the
// beginning is enough.
func answered(cmd *exec.Cmd, endless bool) (problem string) {
	if !endless {
		if out, err := cmd.CombinedOutput(); err != nil || len(out) == 0 {
			return fmt.Sprintf("%v, answer %q", err, out)
		}
		return ""
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err.Error()
	}
	begin := make([]byte, 1)
	_, err = out.Read(begin)
	_ = cmd.Process.Kill()                                       // it is waited for below
	_ = cmd.Wait()                                               // says that it was killed
	if err != nil || !strings.Contains(":reid", string(begin)) { // a comment, retry, event, id or data
		return fmt.Sprintf("%v, answer beginning with %q: want an event stream", err, begin)
	}
	return ""
}
