// Command zishang-v3 is the relay contract on zishang520/socket.io v3.0.2 behind Gin, with that library's
// defaults. It has a module of its own, so that nobody who builds Sockeye
// downloads it.
package main
