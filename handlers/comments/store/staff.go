package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AddLink implements Staff. Links that hold no more are forgotten.
func (d *database) AddLink(ctx context.Context, l Link) error {
	return d.write(ctx, l.Site, func(ctx context.Context, x *tx) error {
		if _, err := x.exec(ctx, "DELETE FROM links WHERE site = $1 AND expires <= $2", l.Site, time.Now().UnixMilli()); err != nil {
			return err
		}
		_, err := x.exec(ctx, "INSERT INTO links (hash, site, name, expires) VALUES ($1, $2, $3, $4)", l.Hash, l.Site, l.Name, millis(l.Expires))
		return err
	})
}

// UseLink implements Staff. A link of another site does not hold here. Where neither it nor the account
// has a name it is ErrNotFound, and the link holds on.
func (d *database) UseLink(ctx context.Context, hash string, a Account, now time.Time) (account Account, err error) {
	err = d.write(ctx, "", func(ctx context.Context, x *tx) error {
		account = a
		var name string
		err := x.one(ctx, "DELETE FROM links WHERE hash = $1 AND expires > $2 AND site = $3 RETURNING name", []any{hash, millis(now), a.Site}, &name)
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("this link: %w", ErrExpired)
		}
		if err != nil {
			return err
		}
		if name != "" {
			account.Name = name
		}
		if account.Name == "" {
			return fmt.Errorf("an account without a name: %w", ErrNotFound)
		}
		earlier, err := x.account(ctx, account.Site, account.Name)
		switch {
		case errors.Is(err, ErrNotFound):
			if account.Created.IsZero() {
				account.Created = now
			}
			account.Created = timeOf(millis(account.Created))
			_, err = x.exec(ctx, "INSERT INTO accounts (site, name, id, password, created) VALUES ($1, $2, $3, $4, $5)",
				account.Site, account.Name, account.ID, account.Password, millis(account.Created))
			return err
		case err != nil:
			return err
		case name == "": // whoever may choose a name may not choose somebody else's
			return fmt.Errorf("account %q: %w", account.Name, ErrExists)
		}
		account.ID, account.Created = earlier.ID, earlier.Created
		if _, err := x.exec(ctx, "UPDATE accounts SET password = $3 WHERE site = $1 AND name = $2", account.Site, account.Name, account.Password); err != nil {
			return err
		}
		_, err = x.exec(ctx, "DELETE FROM sessions WHERE site = $1 AND name = $2", account.Site, account.Name)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	return account, nil
}

func (r runner) accounts(ctx context.Context, where string, args ...any) (accounts []Account, err error) {
	err = r.each(ctx, "SELECT site, name, id, password, created FROM accounts "+where, args, func(scan func(...any) error) error {
		var a Account
		var created int64
		err := scan(&a.Site, &a.Name, &a.ID, &a.Password, &created)
		a.Created = timeOf(created)
		accounts = append(accounts, a)
		return err
	})
	return accounts, err
}

func (r runner) account(ctx context.Context, site, name string) (Account, error) {
	accounts, err := r.accounts(ctx, "WHERE site = $1 AND name = $2", site, name)
	if err == nil && len(accounts) == 0 {
		err = fmt.Errorf("account %q: %w", name, ErrNotFound)
	}
	if err != nil {
		return Account{}, err
	}
	return accounts[0], nil
}

// Account implements Staff.
func (d *database) Account(ctx context.Context, site, name string) (Account, error) {
	return d.reader.account(ctx, site, name)
}

// Accounts implements Staff.
func (d *database) Accounts(ctx context.Context, site string) ([]Account, error) {
	return d.reader.accounts(ctx, "WHERE site = $1 ORDER BY name", site)
}

// RemoveAccount implements Staff.
func (d *database) RemoveAccount(ctx context.Context, site, name string) error {
	return d.write(ctx, site, func(ctx context.Context, x *tx) error {
		n, err := x.exec(ctx, "DELETE FROM accounts WHERE site = $1 AND name = $2", site, name)
		if err == nil && n == 0 {
			return fmt.Errorf("account %q: %w", name, ErrNotFound)
		}
		return err
	})
}

// AddSession implements Staff. Sessions that hold no more are forgotten.
func (d *database) AddSession(ctx context.Context, s Session) error {
	return d.write(ctx, s.Site, func(ctx context.Context, x *tx) error {
		if _, err := x.account(ctx, s.Site, s.Name); err != nil {
			return err
		}
		if _, err := x.exec(ctx, "DELETE FROM sessions WHERE site = $1 AND expires <= $2", s.Site, time.Now().UnixMilli()); err != nil {
			return err
		}
		_, err := x.exec(ctx, "INSERT INTO sessions (hash, site, name, account, expires) VALUES ($1, $2, $3, $4, $5)",
			s.Hash, s.Site, s.Name, s.Account, millis(s.Expires))
		return err
	})
}

// Session implements Staff.
func (d *database) Session(ctx context.Context, hash string, now time.Time) (s Session, err error) {
	var expires int64
	err = d.reader.one(ctx, "SELECT hash, site, name, account, expires FROM sessions WHERE hash = $1 AND expires > $2", []any{hash, millis(now)},
		&s.Hash, &s.Site, &s.Name, &s.Account, &expires)
	if err != nil {
		return Session{}, fmt.Errorf("session: %w", err)
	}
	s.Expires = timeOf(expires)
	return s, nil
}

// RemoveSession implements Staff.
func (d *database) RemoveSession(ctx context.Context, hash string) error {
	return d.write(ctx, "", func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, "DELETE FROM sessions WHERE hash = $1", hash)
		return err
	})
}
