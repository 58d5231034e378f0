package comments

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// siteEvent says what the site is, without its secret.
func (r *request) siteEvent(context.Context) (any, error) {
	a := r.site.about.Load()
	origins := a.Origins
	if origins == nil {
		origins = []string{}
	}
	return map[string]any{"name": a.Name, "origins": origins, "settings": a.Settings}, nil
}

// settings changes those that are named.
func (r *request) settings(ctx context.Context) (any, error) {
	var q struct {
		Settings json.RawMessage `json:"settings"`
	}
	if err := r.bind(&q, "{settings}"); err != nil {
		return nil, err
	}
	stored, err := r.c.store.Site(ctx, r.site.name)
	if err != nil {
		return nil, err
	}
	hook := stored.Settings.HookURL
	names, err := change(&stored.Settings, q.Settings)
	if err != nil {
		return nil, err
	}
	if stored.Settings.HookURL != hook && !strings.HasPrefix(r.user.ID, "m_") { // the server's operator has not asked for this person
		return nil, &refusal{code: "forbidden", field: "hookURL", message: "moderators by the role of a token cannot say where comments are told: a moderator with an account can, or sockeye comments site " + stored.Name + " --set hookURL=..."}
	}
	if to := stored.Settings.HookURL; r.c.opts.Open && r.site.name == demoSite && to != "" { // anybody could have requests sent, from here
		return nil, &refusal{code: "forbidden", field: "hookURL", message: "the site of the demo pages, which anybody may moderate, tells no other server"}
	}
	if err = r.c.store.UpdateSite(ctx, stored); err != nil {
		return nil, err
	}
	d := r.decision(strings.Join(names, ", "))
	d.Action = store.SetSettings
	if err = r.c.store.Note(ctx, r.site.name, d); err != nil {
		return nil, err
	}
	s, err := r.c.reload(ctx, r.site.name)
	if err != nil {
		return nil, err
	}
	r.c.nudge(&nodeMessage{Site: r.site.name, Version: s.about.Load().Version, Decided: true})
	r.site.decided()
	return map[string]any{"settings": s.about.Load().Settings}, nil
}

// change writes the settings that are named, and returns their names.
func change(s *store.Settings, text json.RawMessage) (names []string, err error) {
	var named map[string]json.RawMessage
	if json.Unmarshal(text, &named) != nil || named == nil {
		return nil, badRequest("settings", "settings is an object")
	}
	now := *s // lists are replaced as a whole, so that nobody's list is written into
	for name, value := range named {
		one, _ := json.Marshal(map[string]json.RawMessage{name: value}) // what was read can be written
		var fresh store.Settings
		d := json.NewDecoder(bytes.NewReader(one))
		d.DisallowUnknownFields()
		if err := d.Decode(&fresh); err != nil {
			return nil, badRequest(name, "settings: "+strings.TrimPrefix(err.Error(), "json: "))
		}
		clearList(&now, name)
		if err := json.Unmarshal(one, &now); err != nil {
			return nil, badRequest(name, "settings: "+err.Error())
		}
	}
	if err := guard.Validate(now); err != nil {
		field := "settings"
		var wrong *guard.Invalid
		if errors.As(err, &wrong) {
			field = wrong.Key
		}
		return nil, badRequest(field, err.Error())
	}
	*s = now
	return slices.Sorted(maps.Keys(named)), nil
}

// clearList forgets a list, so that another one is not written over it.
func clearList(s *store.Settings, name string) {
	for key, list := range map[string]*[]string{
		"reactions": &s.Reactions, "holdWords": &s.HoldWords, "rejectWords": &s.RejectWords, "holdLinks": &s.HoldLinks,
		"rejectLinks": &s.RejectLinks, "holdPatterns": &s.HoldPatterns, "rejectPatterns": &s.RejectPattern,
	} {
		if strings.EqualFold(key, name) {
			*list = nil
		}
	}
}

// renew reads a site anew, because another node says that it has changed.
func (c *Comments) renew(name string) {
	ctx, cancel := context.WithTimeout(c.ended, patience)
	defer cancel()
	if _, err := c.reload(ctx, name); err != nil && c.ended.Err() == nil {
		c.opts.Logger.Warn("comments: a site that changed could not be read", slog.String("site", name), slog.Any("error", err))
	}
}
