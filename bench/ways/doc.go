// Command ways measures what it costs to reach the same rooms in other ways than by
// socket.io-client: through a webhook, over HTTP, by event streams, and what is built on
// them. It prints a Markdown table of medians.
//
// Each row is one file: it registers itself with [register], starts what it needs with
// the lab, and returns figures. Every repetition starts everything afresh. Progress goes
// to stderr, the table to stdout.
//
// Rows run one at a time. The program reaches nothing but loopback, and ends every
// child that it started, also when it is interrupted.
package main
