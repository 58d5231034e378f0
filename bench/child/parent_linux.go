package child

import (
	"os/exec"
	"syscall"
)

// BindToParent has the kernel end the server when this program is killed.
func BindToParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
