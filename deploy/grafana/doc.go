// Command grafana writes the dashboard of Sockeye, in the JSON that Grafana imports, to
// standard output:
//
//	go run ./deploy/grafana > deploy/grafana/sockeye.json
//
// What is on it is in rows.go; a test compares the file with what this writes, and one
// in docs every expression with the metrics of a running server.
package main
