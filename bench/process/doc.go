// Package process reads what the operating system accounts to another process
// of this machine: CPU time and resident memory, each of the whole process tree.
//
// The bench uses it so that servers in any language are measured the same way,
// from outside, without asking them. All functions may be called at once; none
// starts a goroutine. It works on Linux; elsewhere everything but [Self] answers
// [ErrUnsupported].
package process
