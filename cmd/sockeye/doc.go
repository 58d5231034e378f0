// Command sockeye is the realtime server as a program: existing Socket.IO
// frontends use it unchanged, configured by flags, SOCKEYE_* variables and a
// YAML file.
//
// It is the start of the road: it reads the configuration, builds a
// server.App and runs it until a signal comes. main.go is one page; each
// command has a file of its own. Nothing imports it.
package main
