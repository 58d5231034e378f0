// Package public holds what the browser gets: Sockeye's own pages and, when the
// binary was built with npm at hand, the official client's files.
//
// It stands beside the road: pages are static files under a strict
// Content-Security-Policy, without inline script or style and without a framework,
// and talk to the server as any frontend does. A Site is immutable after NewSite and
// may be used by any number of goroutines at once.
//
// It refuses to render anything per request or per visitor, and to load anything from
// another origin.
package public
