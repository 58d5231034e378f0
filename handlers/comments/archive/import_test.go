package archive_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/archive"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// many is a file of comments, the last of which may be damaged.
func many(n int, damaged bool) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range n {
		b.WriteString(line(i+1) + ",\n")
	}
	if damaged {
		b.WriteString(`{"id":`)
		return b.String()
	}
	return b.String() + line(n+1) + "]}"
}

func TestAnImportTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	to := &shelf{site: store.Site{Name: "blog"}}
	load := func(text string, dry bool) (archive.Result, []archive.Result, error) {
		var told []archive.Result
		sum, err := archive.Import(t.Context(), to, &to.site, archive.NewReader(strings.NewReader(text)),
			archive.Options{Dry: dry, Progress: func(r archive.Result) { told = append(told, r) }})
		return sum, told, err
	}
	if sum, told, err := load(many(1200, false), true); err != nil || sum != (archive.Result{Read: 1201, Stored: 1201}) || len(to.comments) != 0 || len(told) != 3 {
		t.Errorf("dry: %+v, %v, %v; %d are there", sum, told, err, len(to.comments))
	}
	sum, _, err := load(many(700, true), false)
	if err == nil || !strings.Contains(err.Error(), "the file ends too early") || sum != (archive.Result{Read: 700, Stored: 700}) || len(to.comments) != 700 {
		t.Errorf("damaged: %+v, %v; %d are there", sum, err, len(to.comments))
	}
	if sum, told, err := load(many(1200, false), false); err != nil || sum != (archive.Result{Read: 1201, Stored: 501}) || told[0] != (archive.Result{Read: 500}) {
		t.Errorf("again: %+v, %v, %v", sum, told, err)
	}
	to.fail = store.ErrNotFound
	if _, _, err := load(many(1, false), false); err == nil || !strings.Contains(err.Error(), "neither on the site nor before it in the file") {
		t.Errorf("an answer to nothing: %v", err)
	}
	to.fail = errors.New("the disk is full")
	if sum, _, err := load(many(1, false), false); !errors.Is(err, to.fail) || !strings.Contains(err.Error(), "comments 1 to 2") || sum != (archive.Result{}) {
		t.Errorf("a store that fails: %+v, %v", sum, err)
	}
}
