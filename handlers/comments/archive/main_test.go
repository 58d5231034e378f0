package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/handlers/comments/archive"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a site that is kept in memory, as far as files need it.
type shelf struct {
	site     store.Site
	comments []store.Comment
	fail     error // of Import
}

func (s *shelf) Site(context.Context, string) (store.Site, error) { return s.site, nil }

func (s *shelf) EachComment(_ context.Context, _, user string, f func(store.Comment) error) error {
	for _, c := range s.comments {
		if user == "" || c.Author.ID == user {
			if err := f(c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shelf) Import(_ context.Context, _ string, list []store.Comment, dry bool) (stored int, err error) {
	if s.fail != nil {
		return 0, s.fail
	}
	there := make(map[string]bool)
	for _, c := range s.comments {
		there[c.ID] = true
	}
	for _, c := range list {
		if there[c.ID] {
			continue
		}
		stored++
		if !dry {
			s.comments = append(s.comments, c)
		}
	}
	return stored, nil
}

// id is that of a comment of a test.
func id(n int) string { return fmt.Sprintf("%020d", n) }

// read reads all that can be read.
func read(r archive.Reader) (list []store.Comment, err error) {
	for {
		c, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, c)
	}
}
