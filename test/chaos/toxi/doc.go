// Command toxi is the server of Shopify's toxiproxy, on an address that the chaos
// test gives it. The test stands it between each node and Redis, and cuts and delays
// those connections through toxiproxy's own HTTP API.
//
// It is no part of the program. It refuses to do anything by itself: without a
// request it passes bytes on.
package main
