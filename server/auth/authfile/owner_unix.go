//go:build !windows

package authfile

import (
	"os"
	"path/filepath"
	"syscall"
)

// keepOwner gives a new file that root has made to the owner of the file whose place it
// takes, or else of the folder: the server that reads it is somebody else, as a service
// should be, and its mode lets nobody but the owner do that.
func keepOwner(made *os.File, name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	of, err := os.Stat(name) //nolint:gosec // the operator names the file
	if err != nil {
		of, err = os.Stat(filepath.Dir(name)) //nolint:gosec // see above
	}
	if err != nil {
		return err
	}
	owner, ok := of.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return made.Chown(int(owner.Uid), int(owner.Gid))
}
