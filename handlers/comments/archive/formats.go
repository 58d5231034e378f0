package archive

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Reader reads the comments of a file, one after the other. It is used by one goroutine.
type Reader interface {
	// Next returns the next comment with the ID that it has, or always gets, so that a second import
	// finds it; without Root and Depth, which the store finds, and without HTML. What is answered comes before its
	// answers. At the end it is io.EOF. An *Error says where the file is to blame; nothing can be read after it.
	Next() (store.Comment, error)
}

// formats are the formats that can be read, by name.
var formats = map[string]func(io.Reader) Reader{
	Format: func(r io.Reader) Reader { return NewReader(r) },
}

// Formats are the names of the formats that Open knows.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// Open begins to read a format. It does not close r.
func Open(format string, r io.Reader) (Reader, error) {
	open := formats[format]
	if open == nil {
		return nil, fmt.Errorf("%q is no format that can be read: these are: %s", format, strings.Join(Formats(), ", "))
	}
	return open(r), nil
}

// Error says what is wrong with a file, and where.
type Error struct {
	Line   int   // counted from 1
	Offset int64 // bytes from the beginning
	Index  int   // of the comment, counted from 1; 0: before the first
	Err    error
}

func (e *Error) Error() string {
	where := fmt.Sprintf("line %d (byte %d)", e.Line, e.Offset)
	if e.Index > 0 {
		where += fmt.Sprintf(", comment %d", e.Index)
	}
	return where + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
