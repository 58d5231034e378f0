package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// maxRecord is how many bytes one comment, or the site, may have in a file. A comment of maxText
// characters, each escaped as a pair of surrogates, is below it.
const maxRecord = 4 << 20

// File reads Sockeye's own format.
type File struct {
	in    *lines
	dec   *json.Decoder
	seen  []string // keys of the document that were read
	site  Site
	index int
	state error // what Next returns from now on
	open  bool  // comments has begun
}

var _ Reader = (*File)(nil)

// NewReader begins to read. It does not close r.
func NewReader(r io.Reader) *File {
	f := &File{in: &lines{r: r}}
	f.dec = json.NewDecoder(f.in)
	return f
}

// Site is what the file says of its site, when Next was called.
func (f *File) Site() Site { return f.site }

// Next returns the next comment.
func (f *File) Next() (store.Comment, error) {
	if f.state != nil {
		return store.Comment{}, f.state
	}
	c, err := f.next()
	if err != nil {
		f.state = err
	}
	return c, err
}

func (f *File) next() (store.Comment, error) {
	if !f.open {
		if err := f.head(); err != nil {
			return store.Comment{}, err
		}
		f.open = true
	}
	f.in.allow(f.dec.InputOffset())
	if !f.dec.More() {
		return store.Comment{}, f.tail()
	}
	f.index++
	f.in.allow(f.dec.InputOffset())
	var r Record
	start, err := f.decode(&r)
	if err != nil {
		return store.Comment{}, err
	}
	if problem := r.check(); problem != "" {
		return store.Comment{}, f.fail(start, errors.New(problem))
	}
	return r.comment(), nil
}

// head reads up to the first comment.
func (f *File) head() error {
	f.in.allow(0)
	if err := f.delim('{', "it does not begin with { as a file of "+Format+" does"); err != nil {
		return err
	}
	for f.dec.More() {
		key, err := f.key()
		if err != nil {
			return err
		}
		switch {
		case key == "format" || key == "version":
			err = f.about(key)
		case !slices.Contains(f.seen, "format") || !slices.Contains(f.seen, "version"):
			return f.fail(f.dec.InputOffset(), fmt.Errorf("format and version have to come before %q", key))
		case key == "site":
			_, err = f.decode(&f.site)
		case key == "comments":
			return f.delim('[', "comments is no list")
		default:
			return f.fail(f.dec.InputOffset(), fmt.Errorf("the key %s is unknown", quoted(key)))
		}
		if err != nil {
			return err
		}
	}
	return f.fail(f.dec.InputOffset(), errors.New("there are no comments"))
}

// key reads the name of what comes next.
func (f *File) key() (string, error) {
	t, err := f.dec.Token()
	if err != nil {
		return "", f.broken(err)
	}
	key, _ := t.(string) // More was true in an object
	if slices.Contains(f.seen, key) {
		return "", f.fail(f.dec.InputOffset(), fmt.Errorf("%q is there twice", key))
	}
	f.seen = append(f.seen, key)
	f.in.allow(f.dec.InputOffset())
	return key, nil
}

// about reads what says that this is a file of the format, of a version that is known.
func (f *File) about(key string) error {
	if key == "format" {
		var format string
		start, err := f.decode(&format)
		if err == nil && format != Format {
			err = f.fail(start, fmt.Errorf("format: %s is not %q", quoted(format), Format))
		}
		return err
	}
	var version int
	start, err := f.decode(&version)
	switch {
	case err != nil:
		return err
	case version > Version:
		return f.fail(start, fmt.Errorf("version: %d is newer than %d, which this program reads: use a newer sockeye", version, Version))
	case version < 1:
		return f.fail(start, fmt.Errorf("version: %d is none", version))
	}
	return nil
}

// tail reads what is after the last comment. It returns io.EOF if all is well.
func (f *File) tail() error {
	f.index = 0
	if err := f.delim(']', "the list of comments does not end"); err != nil {
		return err
	}
	if err := f.delim('}', "nothing but } may come after the comments"); err != nil {
		return err
	}
	f.in.allow(f.dec.InputOffset())
	if _, err := f.dec.Token(); !errors.Is(err, io.EOF) {
		if err != nil && !isSyntax(err) {
			return f.broken(err)
		}
		return f.fail(f.dec.InputOffset(), errors.New("there is more after the end"))
	}
	return io.EOF
}

// delim reads one bracket.
func (f *File) delim(want json.Delim, otherwise string) error {
	t, err := f.dec.Token()
	if err != nil && !isSyntax(err) {
		return f.broken(err)
	}
	if t != want {
		return f.fail(f.dec.InputOffset(), errors.New(otherwise))
	}
	return nil
}

// decode reads one value, and says where it begins.
func (f *File) decode(to any) (start int64, err error) {
	var raw json.RawMessage
	if err := f.dec.Decode(&raw); err != nil {
		return f.dec.InputOffset(), f.broken(err)
	}
	start = f.dec.InputOffset() - int64(len(raw))
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var wrong *json.UnmarshalTypeError
	switch err = dec.Decode(to); {
	case err == nil:
		return start, nil
	case errors.As(err, &wrong):
		return start, f.fail(start+wrong.Offset, fmt.Errorf("%s%s is not what belongs here", prefix(wrong.Field), article(wrong.Value)))
	case strings.HasPrefix(err.Error(), unknownField):
		return start, f.fail(start, fmt.Errorf("the key %s is unknown", strings.TrimPrefix(err.Error(), unknownField)))
	default:
		return start, f.fail(start, err)
	}
}

// unknownField is how encoding/json begins what DisallowUnknownFields finds; there is no type for it.
const unknownField = "json: unknown field "

func prefix(field string) string {
	if field == "" {
		return ""
	}
	return field + ": "
}

func article(kind string) string {
	switch {
	case strings.HasPrefix(kind, "number "):
		return "the " + kind
	case strings.HasPrefix(kind, "a"), strings.HasPrefix(kind, "o"):
		return "an " + kind
	default:
		return "a " + kind
	}
}

func isSyntax(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax)
}

// broken is the error of a file that is no JSON, or that cannot be read.
func (f *File) broken(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return f.fail(f.brokenAt(), fmt.Errorf("this is no JSON: %s", strings.TrimPrefix(syntax.Error(), "json: ")))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return f.fail(f.in.read, errors.New("the file ends too early"))
	default:
		return f.fail(f.dec.InputOffset(), err)
	}
}

// brokenAt is where what follows stops being JSON: the offsets in errors of a json.Decoder are not
// those of its input.
func (f *File) brokenAt() int64 {
	offset := f.dec.InputOffset()
	rest, err := io.ReadAll(f.dec.Buffered()) // memory, of maxRecord at most
	if err != nil {
		return offset
	}
	value := bytes.TrimLeft(rest, " \t\r\n,")
	offset += int64(len(rest) - len(value))
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(value, new(any)), &syntax) && syntax.Offset > 0 {
		offset += syntax.Offset - 1
	}
	return offset
}

func (f *File) fail(offset int64, err error) error {
	return &Error{Line: f.in.line(offset), Offset: offset, Index: f.index, Err: err}
}

var errTooLong = fmt.Errorf("it is longer than %d bytes", maxRecord)

// lines counts the lines of what is read, and how much of it at once.
type lines struct {
	r     io.Reader
	read  int64
	limit int64
	ended int     // lines that end before the first of ends
	ends  []int64 // offsets of line feeds that were read and are not passed
}

// allow lets maxRecord bytes be read from an offset on, and forgets lines before it.
func (l *lines) allow(offset int64) {
	l.limit = offset + maxRecord
	passed, _ := slices.BinarySearch(l.ends, offset)
	l.ended += passed
	l.ends = slices.Delete(l.ends, 0, passed)
}

func (l *lines) Read(p []byte) (int, error) {
	if l.read >= l.limit {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.limit-l.read)])
	for i, b := range p[:n] {
		if b == '\n' {
			l.ends = append(l.ends, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// line is the line of an offset that is not passed.
func (l *lines) line(offset int64) int {
	before, _ := slices.BinarySearch(l.ends, offset)
	return l.ended + before + 1
}
