package authfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

const (
	// fileVersion is that of the format; a newer one is refused.
	fileVersion = 1
	// maxBytes bounds the file: some hundred thousand blocks.
	maxBytes = 64 << 20
	// lookEvery is how often Watch looks whether the file is another.
	lookEvery = 500 * time.Millisecond
	// fileMode lets nobody else read who is blocked.
	fileMode = 0o600
)

// File is a file of API keys and blocks:
//
//	{"version": 1,
//	 "keys": {"3f9c1a7be2d04856": {"hash": "…", "name": "sensor", "scopes": ["publish"], "rooms": ["site:*"], "created": "…"}},
//	 "blocks": {"alice": {"until": "…", "reason": "spam", "since": "…"}}}
//
// One that does not exist is empty; its folder must exist.
type File struct{ name string }

var _ auth.Backend = (*File)(nil)

// New returns the file of a name.
func New(name string) *File { return &File{name: name} }

type content struct {
	Version int `json:"version"`
	auth.Entries
}

// Load reads the file.
func (f *File) Load(ctx context.Context) (*auth.Entries, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	return &c.Entries, nil
}

func (f *File) read() (*content, error) {
	c := &content{Version: fileVersion}
	file, err := os.Open(f.name) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(f.name)); err != nil { //nolint:gosec // the operator names the file
			return nil, fmt.Errorf("the folder of %s is not there: make it, or name another file: %w", f.name, err)
		}
		c.fill()
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s: it has more than %d bytes", f.name, maxBytes)
	}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("%s: it is no file of API keys and blocks: %w", f.name, err)
	}
	if c.Version != fileVersion {
		return nil, fmt.Errorf("%s: its version is %d, and this program knows %d", f.name, c.Version, fileVersion)
	}
	c.fill()
	return c, nil
}

func (c *content) fill() {
	if c.Keys == nil {
		c.Keys = make(map[string]auth.APIKey)
	}
	if c.Blocks == nil {
		c.Blocks = make(map[string]auth.Block)
	}
}

// PutKey adds or replaces a key.
func (f *File) PutKey(ctx context.Context, id string, k auth.APIKey) error {
	return f.change(ctx, func(c *content) error { c.Keys[id] = k; return nil })
}

// PutBlock adds or replaces a block.
func (f *File) PutBlock(ctx context.Context, id string, b auth.Block) error {
	return f.change(ctx, func(c *content) error { c.Blocks[id] = b; return nil })
}

// DeleteKey takes a key out.
func (f *File) DeleteKey(ctx context.Context, id string) error {
	return f.change(ctx, func(c *content) error { return take(c.Keys, id) })
}

// DeleteBlock takes a block out.
func (f *File) DeleteBlock(ctx context.Context, id string) error {
	return f.change(ctx, func(c *content) error { return take(c.Blocks, id) })
}

func take[T any](m map[string]T, id string) error {
	if _, ok := m[id]; !ok {
		return auth.ErrNotFound
	}
	delete(m, id)
	return nil
}

// change reads the file, changes it and puts it in place, while no other program does.
// Blocks that are over are left out.
func (f *File) change(ctx context.Context, do func(c *content) error) (err error) {
	unlock, err := lock(ctx, f.name+".lock")
	if err != nil {
		return fmt.Errorf("%s cannot be locked: %w", f.name, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	c, err := f.read()
	if err != nil {
		return err
	}
	if err := do(c); err != nil {
		return err
	}
	now := time.Now()
	for id, b := range c.Blocks {
		if b.Over(now) {
			delete(c.Blocks, id)
		}
	}
	return f.write(c)
}

// write puts a whole new file in the place of the old one.
func (f *File) write(c *content) (err error) {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.name), filepath.Base(f.name)+".new-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name()) //nolint:gosec // made above; if it stays it is in nobody's way
		}
	}()
	_, err = tmp.Write(append(text, '\n'))
	if err == nil {
		err = tmp.Chmod(fileMode)
	}
	if err == nil {
		err = keepOwner(tmp, f.name)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), f.name) //nolint:gosec // the operator names the file
}

// Watch looks at the file twice a second.
func (f *File) Watch(ctx context.Context, changed func()) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last fs.FileInfo // of no file, at first, so that what came since Load is seen
	for first := true; ; first = false {
		now, err := os.Stat(f.name)
		if err != nil {
			now = nil
		}
		if first || !same(last, now) {
			last = now
			changed()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
