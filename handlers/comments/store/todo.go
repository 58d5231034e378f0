package store

import (
	"context"
	"errors"
	"time"
)

func (d *database) Search(context.Context, Search) ([]Comment, string, error) {
	return nil, "", errors.ErrUnsupported
}
func (d *database) SameText(context.Context, string, string, string, time.Time) (bool, error) {
	return false, nil
}
func (d *database) Ban(context.Context, string, Ban, bool, Decision) ([]Comment, error) {
	return nil, errors.ErrUnsupported
}
func (d *database) Unban(context.Context, string, string, Decision) error {
	return errors.ErrUnsupported
}
func (d *database) Banned(context.Context, string, string) (Ban, error) { return Ban{}, ErrNotFound }
func (d *database) Bans(context.Context, string) ([]Ban, error)         { return nil, nil }
func (d *database) Decisions(context.Context, string, int64, int) ([]Decision, error) {
	return nil, errors.ErrUnsupported
}
func (d *database) Person(context.Context, string, string) (Person, error) {
	return Person{}, errors.ErrUnsupported
}
func (d *database) EachComment(context.Context, string, string, func(Comment) error) error {
	return errors.ErrUnsupported
}
func (d *database) UserOf(context.Context, string, string) (string, error) {
	return "", errors.ErrUnsupported
}
func (d *database) OpinionsOf(context.Context, string, string) ([]Opinion, error) {
	return nil, errors.ErrUnsupported
}
func (d *database) Erase(context.Context, string, string, Decision) (int, error) {
	return 0, errors.ErrUnsupported
}
func (d *database) Import(context.Context, string, []Comment, bool) (int, error) {
	return 0, errors.ErrUnsupported
}
func (d *database) Purge(context.Context, string, time.Time) (int, error) {
	return 0, errors.ErrUnsupported
}
func (d *database) Hooks(context.Context, time.Time, time.Duration, int) ([]Hook, error) {
	return nil, nil
}
func (d *database) HookDone(context.Context, int64) error { return errors.ErrUnsupported }
func (d *database) HookFailed(context.Context, int64, time.Time, string) error {
	return errors.ErrUnsupported
}
func (d *database) Backup(context.Context, string) error { return errors.ErrUnsupported }
