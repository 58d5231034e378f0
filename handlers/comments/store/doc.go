// Package store keeps sites and their comments, in a SQLite file or in PostgreSQL.
//
// It is the lowest part of package comments: it knows SQL and nothing of clients. Whoever
// has a Store may call everything at once from any goroutine, and from several processes on
// one database.
//
// A write that returned without error survives the death of the process and, as far as the
// disk keeps its word, of the machine. Writes that come at the same time share a
// transaction.
//
// It refuses to decide who may do what; it keeps a log of who did.
package store
