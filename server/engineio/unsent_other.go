//go:build !linux

package engineio

import "net"

// unsent is not known on this system: a slow reader is judged by what the kernel
// takes from its writer.
func unsent(net.Conn) int { return -1 }
