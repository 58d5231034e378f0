package archive

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Source is what Write needs of a store.
type Source interface {
	Site(ctx context.Context, name string) (store.Site, error)
	EachComment(ctx context.Context, site, user string, f func(store.Comment) error) error
}

// Write writes a site with all of its comments and returns how many they are. progress, which may be nil,
// is told after each comment how many there were.
func Write(ctx context.Context, w io.Writer, from Source, site string, progress func(n int)) (int, error) {
	s, err := from.Site(ctx, site)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriter(w)
	head, err := compact(Site{Name: s.Name, Origins: s.Origins, Settings: s.Settings})
	if err != nil {
		return 0, err
	}
	if _, err = fmt.Fprintf(out, "{\"format\":%q,\"version\":%d,\"site\":%s,\"comments\":[", Format, Version, head); err != nil {
		return 0, err
	}
	n, seen := 0, pages{}
	err = from.EachComment(ctx, site, "", func(c store.Comment) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !seen.first(c.Page) {
			c.Title, c.URL = "", ""
		}
		text, err := compact(recordOf(&c))
		if err != nil {
			return err
		}
		comma := ","
		if n == 0 {
			comma = ""
		}
		n++
		if progress != nil {
			progress(n)
		}
		_, err = fmt.Fprintf(out, "%s\n%s", comma, text)
		return err
	})
	if err != nil {
		return n, err
	}
	if _, err = out.WriteString("\n]}\n"); err != nil {
		return n, err
	}
	return n, out.Flush()
}

// maxPages is how many pages are remembered. With more, some are described again.
const maxPages = 50_000

// pages are those that were described.
type pages map[string]struct{}

// first reports whether a page was not described yet.
func (p pages) first(key string) bool {
	if _, there := p[key]; there {
		return false
	}
	if len(p) == maxPages {
		clear(p)
	}
	p[key] = struct{}{}
	return true
}

// compact is JSON on one line in which people can read < and &.
func compact(v any) ([]byte, error) {
	var text lineWriter
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return text, err
}

// lineWriter keeps what is written, without the line feed at the end.
type lineWriter []byte

func (l *lineWriter) Write(p []byte) (int, error) {
	*l = append(*l, p...)
	if n := len(*l); n > 0 && (*l)[n-1] == '\n' {
		*l = (*l)[:n-1]
	}
	return len(p), nil
}
