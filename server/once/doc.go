// Package once is what remembers the keys of requests that shall have an effect once,
// however often they are sent. Memory is for a node alone; adapters/redisonce is for
// several.
//
// It is a leaf beside the road. Everything may be used from any goroutine. It refuses to
// keep what was answered: who asks knows that from the key.
package once
