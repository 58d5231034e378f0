package redisstreams

import "github.com/redis/go-redis/v9"

// firstCount is how many entries are read at first, when nothing is known of their size.
const firstCount = 16

// pageBytes is how much is read at once for a replay, in bytes, about.
const pageBytes = 1 << 20

// pace chooses how many entries are read at once. Redis counts entries only, and they
// may be of a hundred bytes or of megabytes: so few are read at first, twice as many
// each time as long as they are small, and fewer when they were large. The zero value
// has read nothing. It is for one goroutine at a time.
type pace struct{ n int64 }

// count is how many entries to read next, most at most.
func (p *pace) count(most int64) int64 {
	if p.n == 0 {
		p.n = firstCount
	}
	p.n = min(p.n, most)
	return p.n
}

// took notes what was read; bytes is how much it should be, about.
func (p *pace) took(entries []redis.XMessage, bytes int64) {
	var size int64
	for i := range entries {
		if data, ok := entries[i].Values[fieldData].(string); ok {
			size += int64(len(data))
		}
	}
	switch {
	case size > bytes:
		p.n = max(1, p.n*bytes/size)
	case int64(len(entries)) == p.n && 2*size < bytes:
		p.n *= 2
	}
}
