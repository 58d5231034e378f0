//go:build prove

package main

import (
	"bytes"
	"debug/pe"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestAReleaseCanBeRepeated makes all archives twice, from two folders, and those
// of this machine's own system and processor from an empty build cache as well.
func TestAReleaseCanBeRepeated(t *testing.T) {
	if !wholeClient(t) {
		return
	}
	first, err := made(t, top, targets...)
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, first, len(targets))
	checkWindows(t, first)
	elsewhere := copyOfTheTree(t)
	second, err := made(t, elsewhere, targets...)
	if err != nil {
		t.Fatal(err)
	}
	if count := compare(t, first, second); count != len(targets)+1 {
		t.Errorf("%d files, want an archive for each of %q and the checksums", count, targets)
	}
	t.Setenv("GOCACHE", t.TempDir())
	third, err := made(t, elsewhere, runtime.GOOS+"/"+runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(third, sums)); err != nil {
		t.Fatal(err)
	}
	compare(t, third, first)
}

func checkWindows(t *testing.T, folder string) {
	t.Helper()
	windows := unpacked(t, filepath.Join(folder, "sockeye-v1.2.3-test-windows-amd64.zip"))
	checkEntries(t, windows, append(packedPapers(), "sockeye.exe"))
	program, err := pe.NewFile(strings.NewReader(string(windows["sockeye.exe"].text)))
	if err != nil || program.Machine != pe.IMAGE_FILE_MACHINE_AMD64 {
		t.Errorf("sockeye.exe is no program for Windows on amd64: %v", err)
	}
}

// compare holds each file of a folder against the one of the same name in another.
func compare(t *testing.T, folder, other string) (count int) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		a, errA := os.ReadFile(filepath.Join(folder, e.Name()))
		b, errB := os.ReadFile(filepath.Join(other, e.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %d and %d bytes, which differ (%v, %v)", e.Name(), len(a), len(b), errA, errB)
		}
		t.Logf("%s: %.1f MB", e.Name(), float64(len(a))/1e6)
	}
	return len(entries)
}

// copyOfTheTree copies what git knows, and what npm brought.
func copyOfTheTree(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = top
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"public/client", "public/node_modules"} {
		if err := os.RemoveAll(filepath.Join(to, folder)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(to, folder), os.DirFS(filepath.Join(top, folder))); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
