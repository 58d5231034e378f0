package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/public"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const top = "../.." // of the repository, seen from where the tests run

// date is that of a commit; its second is even, as zip counts in twos.
var date = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// made is a release of the version v1.2.3-test, by a program of its own: with the
// race detector, which this test may have, compressing takes ten times as long.
func made(t *testing.T, root string, list ...string) (folder string, err error) {
	t.Helper()
	folder = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", ".", "-version", "v1.2.3-test", "-epoch", fmt.Sprint(date.Unix()),
		"-root", root, "-out", folder, "-targets", strings.Join(list, ","))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return folder, nil
}

// entry is a file of an archive.
type entry struct {
	mode fs.FileMode
	date time.Time
	text []byte
}

// unpacked reads an archive whose files are in the folder that it is named after.
func unpacked(t *testing.T, file string) map[string]entry {
	t.Helper()
	entries := make(map[string]entry)
	folder := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".tar.gz"), ".zip") + "/"
	add := func(name string, mode fs.FileMode, date time.Time, r io.Reader) {
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		short, inside := strings.CutPrefix(name, folder)
		if !inside || short != path.Base(name) {
			t.Errorf("%s: %s is not in %s", file, name, folder)
		}
		entries[short] = entry{mode.Perm(), date.UTC(), text}
	}
	if strings.HasSuffix(file, ".zip") {
		zr, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer zr.Close()
		for _, f := range zr.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			add(f.Name, f.Mode(), f.Modified, r)
		}
		return entries
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		add(h.Name, h.FileInfo().Mode(), h.ModTime, tr)
	}
}

// wholeClient reports whether this test was built with the browser client in it.
// Where it was not, nothing can be released, which is checked.
func wholeClient(t *testing.T) bool {
	t.Helper()
	_, complete := public.Client()
	if !complete {
		if _, err := made(t, top); err == nil || !strings.Contains(err.Error(), "browser client") {
			t.Errorf("without the browser client: %v", err)
		}
	}
	return complete
}

// packedPapers are those that an archive has.
func packedPapers() []string { return append(slices.Clone(papers), "THIRD-PARTY-LICENSES.txt") }

// For another system everything is compiled once more, which takes minutes: see prove_test.go.
func TestAnArchiveHasTheProgramItsPapersAndTheClient(t *testing.T) {
	if !wholeClient(t) {
		return
	}
	own := runtime.GOOS + "/" + runtime.GOARCH
	folder, err := made(t, top, own)
	if err != nil {
		t.Fatal(err)
	}
	papers := packedPapers()
	unit := []string{"sockeye.env", "sockeye.service"}

	linux := unpacked(t, filepath.Join(folder, "sockeye-v1.2.3-test-"+strings.ReplaceAll(own, "/", "-")+".tar.gz"))
	want := append(papers, "sockeye")
	if runtime.GOOS == "linux" {
		want = append(want, unit...)
	}
	checkEntries(t, linux, want)
	notices := string(linux["THIRD-PARTY-LICENSES.txt"].text)
	for _, name := range []string{"\nGo\n", "\ngithub.com/gin-gonic/gin v", "\ngithub.com/redis/go-redis/v9 v", "\nnpm: socket.io-client "} {
		if !strings.Contains(notices, name) {
			t.Errorf("THIRD-PARTY-LICENSES.txt lacks %q", name)
		}
	}
	checkSums(t, folder, 1)
	binary := filepath.Join(t.TempDir(), "sockeye")
	if err := os.WriteFile(binary, linux["sockeye"].text, linux["sockeye"].mode); err != nil {
		t.Fatal(err)
	}
	checkRuns(t, binary)
}

// The README of an archive had links to folders that are not in it.
func TestLinksOfThePapersLeadToTheRepository(t *testing.T) {
	root := t.TempDir()
	text := "![seen](docs/a.png) [docs](docs/b.md#part) [here](#part) [license](LICENSE) [far](https://example.org/docs)"
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for version, ref := range map[string]string{"v1.2.3": "v1.2.3", "v1.2.3-4-gabc": "main", "abc-dirty": "main"} {
		got, err := (&release{root: root, version: version}).paper("README.md")
		want := "![seen](" + repository + "/raw/" + ref + "/docs/a.png) [docs](" + repository + "/blob/" + ref + "/docs/b.md#part) " +
			"[here](#part) [license](LICENSE) [far](https://example.org/docs)"
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", version, got, err, want)
		}
	}
}

func checkEntries(t *testing.T, entries map[string]entry, want []string) {
	t.Helper()
	var names []string
	for name, e := range entries {
		names = append(names, name)
		mode := fs.FileMode(0o644)
		if strings.TrimSuffix(name, ".exe") == "sockeye" {
			mode = 0o755
		}
		if e.mode != mode || !e.date.Equal(date) || len(e.text) == 0 {
			t.Errorf("%s: mode %o, date %v, %d bytes", name, e.mode, e.date, len(e.text))
		}
	}
	slices.Sort(names)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(names, want) {
		t.Errorf("the archive has %q, want %q", names, want)
	}
}

// checkSums reads the file of checksums as sha256sum --check does.
func checkSums(t *testing.T, folder string, count int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, sums))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != count {
		t.Errorf("%d checksums, want %d", len(lines), count)
	}
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != sum {
			t.Errorf("%q is not the checksum: %v", line, err)
		}
	}
}

var listening = regexp.MustCompile(`listening addr=(\S+)`)

// checkRuns starts a released program, asks it for its health, its page and the
// browser client, and stops it.
func checkRuns(t *testing.T, binary string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "--listen", "127.0.0.1:0")
	cmd.Env = []string{}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	base := ""
	for base == "" && lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			base = "http://" + m[1]
		}
	}
	root, _ := public.Client()
	client, err := fs.ReadFile(root, "socket.io.js")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/healthz": "ok\n", "/": "v1.2.3-test", "/socket.io/socket.io.js": string(client),
	} {
		if status, body := get(t, base+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, %d bytes", path, status, len(body))
		}
	}
	if err := exec.CommandContext(ctx, binary, "health", base).Run(); err != nil {
		t.Errorf("sockeye health: %v", err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, stderr); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestTheSameFilesMakeTheSameBytes(t *testing.T) {
	files := func() []packed {
		return []packed{{name: "b", text: []byte("two"), mode: 0o644}, {name: "a", path: "doc.go", mode: 0o755}}
	}
	reversed := files()
	slices.Reverse(reversed)
	r := &release{date: date}
	for _, write := range []archiver{writeTar, writeZip} {
		var first []byte
		for _, list := range [][]packed{files(), reversed} {
			name := filepath.Join(t.TempDir(), "archive")
			if err := r.pack(name, "top", list, write); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = data
			} else if string(first) != string(data) {
				t.Error("two archives of the same files differ")
			}
		}
	}
}

func TestWhatCannotBeReleased(t *testing.T) {
	for _, tc := range []struct {
		r        release
		target   string
		complete bool
		want     string
	}{
		{release{version: "v1"}, "linux/amd64", false, "make client"},
		{release{version: "v1/2"}, "linux/amd64", true, `the version "v1/2" cannot be part of a file's name`},
		{release{version: "v1"}, "plan9/arm", true, `the target "plan9/arm" is none of darwin/amd64, `},
		{release{version: "v1", goTool: "no-such-go"}, "linux/amd64", true, "no-such-go"},
	} {
		tc.r.out = t.TempDir()
		if err := tc.r.make(t.Context(), []string{tc.target}, tc.complete, io.Discard); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.r, err, tc.want)
		}
	}
	if _, err := licencesIn("something", t.TempDir()); err == nil || !strings.Contains(err.Error(), "something has no licence") {
		t.Errorf("without a licence: %v", err)
	}
}
