// Package jsondepth tells how deep JSON is nested, without decoding it: what a client sends
// is refused before a deep value costs anything. It stands beside the road, and may be
// called from any goroutine. It refuses to judge whether the text is JSON.
package jsondepth
