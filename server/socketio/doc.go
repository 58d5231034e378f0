// Package socketio is a Socket.IO server: namespaces, sockets, events, rooms,
// acknowledgements and connection state recovery.
package socketio
