// Command soak puts mixed work on the program for minutes or hours and checks that
// nothing is lost or reordered meanwhile, and that nothing is left of it afterwards.
//
// Clients that stay (over WebSocket, by polling, and ones that upgrade) talk in rooms, with
// text and with attachments, and echo with acknowledgements; others come and go all the
// time, in the same rooms; others stop reading. Every receiver checks the number and
// the bytes of every message. When all clients are gone, goroutines, the heap after a
// collection, resident memory, sessions and open files are compared with what they were
// after a shorter round of the same work.
//
// Its place on the road: outside of it. The server is a process of its own, on loopback;
// the clients share no code with it. Clients run on goroutines of their own; the counts
// are atomic. It refuses to run without bounds: numbers of clients and rates are fixed.
package main
