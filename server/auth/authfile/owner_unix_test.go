//go:build !windows

package authfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Root ran "sockeye key create" or "sockeye block" for a service of a user of its own, and
// the service could not read what came of it: it did not start, or let the blocked stay.
func TestWhatRootWritesBelongsToWhoseFolderItIs(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	want := os.Geteuid()
	if want == 0 {
		want = 4711
		if err := os.Chown(filepath.Dir(f.name), want, want); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want int) {
		t.Helper()
		if err := add(t.Context(), f, "k"); err != nil {
			t.Fatal(err)
		}
		at, err := os.Stat(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := int(at.Sys().(*syscall.Stat_t).Uid); got != want || at.Mode().Perm() != fileMode {
			t.Errorf("the file belongs to %d with mode %v, want %d and %v", got, at.Mode(), want, os.FileMode(fileMode))
		}
	}
	check(want)
	if os.Geteuid() == 0 { // and who was given the file keeps it, in whosever folder
		if err := os.Chown(f.name, 4712, 4712); err != nil {
			t.Fatal(err)
		}
		want = 4712
	}
	check(want)
}
