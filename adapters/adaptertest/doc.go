// Package adaptertest is the suite that every adapter passes: one behaviour, one
// test, on one node and, for adapters that join nodes, on three. An adapter's own
// test only says how to open it.
package adaptertest
