package store

import (
	"context"
	"fmt"
	"time"
)

const siteColumns = "SELECT name, origins, secret, settings, created, version FROM sites"

func scanSite(scan func(...any) error) (Site, error) {
	var s Site
	var origins, settings string
	var created int64
	if err := scan(&s.Name, &origins, &s.Secret, &settings, &created, &s.Version); err != nil {
		return s, err
	}
	s.Created = timeOf(created)
	if err := unpack(origins, &s.Origins); err != nil {
		return s, err
	}
	return s, unpack(settings, &s.Settings)
}

// CreateSite implements Sites.
func (d *database) CreateSite(ctx context.Context, s Site) error {
	if s.Created.IsZero() {
		s.Created = time.Now()
	}
	return d.write(ctx, "", func(ctx context.Context, x *tx) error {
		n, err := x.exec(ctx, `INSERT INTO sites (name, origins, secret, settings, hooked, created, version, seq, tally, floor)
			VALUES ($1, $2, $3, $4, $5, $6, 1, 0, 0, 0) ON CONFLICT DO NOTHING`,
			s.Name, pack(s.Origins), s.Secret, pack(s.Settings), s.Settings.HookURL != "", millis(s.Created))
		if err == nil && n == 0 {
			return fmt.Errorf("site %q: %w", s.Name, ErrExists)
		}
		return err
	})
}

// UpdateSite implements Sites.
func (d *database) UpdateSite(ctx context.Context, s Site) error {
	return d.write(ctx, s.Name, func(ctx context.Context, x *tx) error {
		x.head.hooked = s.Settings.HookURL != ""
		_, err := x.exec(ctx, "UPDATE sites SET origins = $2, secret = $3, settings = $4, hooked = $5, version = version + 1 WHERE name = $1",
			s.Name, pack(s.Origins), s.Secret, pack(s.Settings), x.head.hooked)
		if err != nil || x.head.hooked {
			return err
		}
		_, err = x.exec(ctx, "DELETE FROM hooks WHERE site = $1", s.Name) // there is nobody to tell
		return err
	})
}

// DeleteSite implements Sites.
func (d *database) DeleteSite(ctx context.Context, name string) error {
	return d.write(ctx, name, func(ctx context.Context, x *tx) error {
		if _, err := x.exec(ctx, "DELETE FROM sites WHERE name = $1", name); err != nil {
			return err
		}
		delete(x.heads, name) // for what comes later in the transaction, it is not there
		return nil
	})
}

// Site implements Sites.
func (d *database) Site(ctx context.Context, name string) (site Site, err error) {
	err = ErrNotFound
	problem := d.reader.each(ctx, siteColumns+" WHERE name = $1", []any{name}, func(scan func(...any) error) error {
		site, err = scanSite(scan)
		return err
	})
	if problem != nil {
		err = problem
	}
	if err != nil {
		return Site{}, fmt.Errorf("site %q: %w", name, err)
	}
	return site, nil
}

// ListSites implements Sites.
func (d *database) ListSites(ctx context.Context) (sites []Site, err error) {
	err = d.reader.each(ctx, siteColumns+" ORDER BY name", nil, func(scan func(...any) error) error {
		s, err := scanSite(scan)
		sites = append(sites, s)
		return err
	})
	return sites, err
}

// Heads implements Sites.
func (d *database) Heads(ctx context.Context) (map[string]Head, error) {
	heads := map[string]Head{}
	err := d.reader.each(ctx, "SELECT name, seq, tally, floor, version, created FROM sites", nil, func(scan func(...any) error) error {
		var name string
		var h Head
		var created int64
		err := scan(&name, &h.Seq, &h.Tally, &h.Floor, &h.Version, &created)
		h.Created = timeOf(created)
		heads[name] = h
		return err
	})
	return heads, err
}

const pageColumns = "SELECT site, key, title, url, created, locked, count, seq FROM pages"

func (r runner) pages(ctx context.Context, where string, args ...any) (pages []Page, err error) {
	err = r.each(ctx, pageColumns+where, args, func(scan func(...any) error) error {
		var p Page
		var created int64
		err := scan(&p.Site, &p.Key, &p.Title, &p.URL, &created, &p.Locked, &p.Count, &p.Seq)
		p.Created = timeOf(created)
		pages = append(pages, p)
		return err
	})
	return pages, err
}

// Page implements Sites.
func (d *database) Page(ctx context.Context, site, key string) (Page, error) {
	return d.reader.page(ctx, site, key)
}

func (r runner) page(ctx context.Context, site, key string) (Page, error) {
	pages, err := r.pages(ctx, " WHERE site = $1 AND key = $2", site, key)
	if err != nil || len(pages) == 0 {
		return Page{Site: site, Key: key}, err
	}
	return pages[0], nil
}

// LockPage implements Sites.
func (d *database) LockPage(ctx context.Context, site, key string, locked bool, decision Decision) (page Page, err error) {
	err = d.write(ctx, site, func(ctx context.Context, x *tx) error {
		page, err = x.page(ctx, site, key)
		if err != nil {
			return err
		}
		if page.Locked == locked {
			return errUndo
		}
		_, err := x.exec(ctx, `INSERT INTO pages (site, key, title, url, created, locked, count, seq) VALUES ($1, $2, '', '', 0, $3, 0, $4)
			ON CONFLICT (site, key) DO UPDATE SET locked = excluded.locked, seq = excluded.seq`, site, key, locked, x.nextSeq())
		if err != nil {
			return err
		}
		page.Locked, page.Seq = locked, x.head.seq
		decision.Action, decision.Page = Unlock, key
		if locked {
			decision.Action = Lock
		}
		return x.note(ctx, site, decision)
	})
	return page, err
}

// Counts implements Sites.
func (d *database) Counts(ctx context.Context, site string, keys []string) (map[string]int, error) {
	counts := map[string]int{}
	args := []any{site}
	query := "SELECT key, count FROM pages WHERE site = $1 AND count > 0 AND " + list("key", keys, &args)
	err := d.reader.each(ctx, query, args, func(scan func(...any) error) error {
		var key string
		var n int
		err := scan(&key, &n)
		counts[key] = n
		return err
	})
	return counts, err
}
