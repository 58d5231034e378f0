package staff

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestALinkThenAPasswordThenASession(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	a, err := o.SetUp(ctx, "blog", o.link(t, "blog", ""), "  Ann   Bell ", password)
	if err != nil || a.Name != "Ann Bell" || a.Site != "blog" || !regexp.MustCompile(`^m_[0-9a-f]{16}$`).MatchString(a.ID) {
		t.Fatalf("%+v, %v", a, err)
	}
	secret, session, err := o.SignIn(ctx, "blog", "Ann Bell", password)
	if err != nil || session.Account != a.ID || session.Name != "Ann Bell" || session.Site != "blog" {
		t.Fatalf("%+v, %v", session, err)
	}
	again, err := o.Session(ctx, secret)
	if err != nil || again.Account != a.ID || again.Site != "blog" {
		t.Fatalf("%+v, %v", again, err)
	}
	if err := o.SignOut(ctx, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Session(ctx, secret); !errors.Is(err, ErrWrong) {
		t.Errorf("a session that was ended: %v", err)
	}
	for _, gone := range []string{secret, "", "no secret", newSecret()} {
		if err := o.SignOut(ctx, gone); err != nil {
			t.Errorf("signing out again: %v", err)
		}
	}
}

func TestALinkHoldsOnceInTimeAndForItsSite(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	used := o.link(t, "blog", "Ann")
	if _, err := o.SetUp(ctx, "blog", used, "", password); err != nil {
		t.Fatal(err)
	}
	late, err := o.Invite(ctx, "blog", "Ben", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	o.clock = o.clock.Add(2 * time.Hour)
	for name, secret := range map[string]string{
		"used": used, "late": late, "another site's": o.link(t, "shop", "Eve"), "made up": newSecret(), "none": "", "not whole": used[1:],
		"not Base64": strings.Repeat("!", len(used)), "not exact": used[:len(used)-1] + "B",
	} {
		if a, err := o.SetUp(ctx, "blog", secret, "Eve", password); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if accounts, err := o.db.Accounts(ctx, "blog"); err != nil || len(accounts) != 1 {
		t.Errorf("%+v, %v", accounts, err)
	}
}

func TestWhatIsWrongWithANameOrAPasswordIsSaidAndTheLinkHoldsOn(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	o.ann(t)
	secret := o.link(t, "blog", "")
	for _, c := range []struct{ name, password, field string }{
		{"", password, "name"},
		{" \t ", password, "name"},
		{"Ann", password, "name"}, // taken
		{strings.Repeat("b", 65), password, "name"},
		{strings.Repeat("b", 1e6), password, "name"},
		{"B\u200ben", password, "name"},
		{"B\xffen", password, "name"},
		{"Ben", "", "password"},
		{"Ben", "ninechars", "password"},
		{"Ben", "aaaaaaaaaaaaaaaa", "password"},
		{"Ben Benjamin", "BEN BENJAMIN", "password"},
		{"Ben", strings.Repeat("correct ", 33), "password"},
		{"Ben", strings.Repeat("a", 1e6), "password"},
		{"Ben", "correct\xffhorse", "password"},
	} {
		var wrong *Invalid
		if _, err := o.SetUp(ctx, "blog", secret, c.name, c.password); !errors.As(err, &wrong) || wrong.Field != c.field || wrong.Error() == "" {
			t.Errorf("%.40q, %.40q: %v", c.name, c.password, err)
		}
	}
	if a, err := o.SetUp(ctx, "blog", secret, "Ben", strings.Repeat("señor ", 42)); err != nil || a.Name != "Ben" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAnInvitationForANameNobodyMayHave(t *testing.T) {
	t.Parallel()
	o := open(t)
	var wrong *Invalid
	if _, err := o.Invite(t.Context(), "blog", "\u202e", 0); !errors.As(err, &wrong) {
		t.Errorf("%v", err)
	}
	if _, err := o.Invite(t.Context(), "nowhere", "Ann", 0); err == nil {
		t.Error("a link of no site")
	}
}

func TestASecondLinkReplacesThePasswordAndEndsSessions(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	first := o.ann(t)
	before, _, err := o.SignIn(ctx, "blog", "Ann", password)
	if err != nil {
		t.Fatal(err)
	}
	again, err := o.SetUp(ctx, "blog", o.link(t, "blog", "Ann"), "Eve", "another one altogether")
	if err != nil || again.ID != first.ID || again.Name != "Ann" {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := o.Session(ctx, before); !errors.Is(err, ErrWrong) {
		t.Errorf("a session of the old password: %v", err)
	}
	if _, _, err := o.SignIn(ctx, "blog", "Ann", password); !errors.Is(err, ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
	if _, _, err := o.SignIn(ctx, "blog", "Ann", "another one altogether"); err != nil {
		t.Error(err)
	}
}

func TestWhoSignsIn(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	if _, err := o.SetUp(ctx, "blog", o.link(t, "blog", "Zoë"), "", "très secret é"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		site, name, password string
		right                bool
	}{
		{"blog", "Zoë", "très secret é", true},
		{"blog", " Zoe\u0308 ", "tre\u0300s secret e\u0301", true}, // as another keyboard writes it
		{"blog", "Zoë", "Très secret é", false},
		{"blog", "Zoë", "", false},
		{"blog", "Zoë", "très secret é ", false},
		{"blog", "Zoe", "très secret é", false},
		{"shop", "Zoë", "très secret é", false},
		{"nowhere", "Zoë", "très secret é", false},
		{"blog", "", "très secret é", false},
		{"blog", "Zoë", strings.Repeat("x", 1e6), false},
		{"blog", "\xff", "\xff", false},
	} {
		_, _, err := o.SignIn(ctx, c.site, c.name, c.password)
		if c.right && err != nil || !c.right && !errors.Is(err, ErrWrong) {
			t.Errorf("%s, %q, %.20q: %v", c.site, c.name, c.password, err)
		}
	}
}

// Names that are there and names that are not take the same work.
func TestUnknownNamesTakeAsLong(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.ann(t)
	for _, name := range []string{"Ann", "Ben", "", "\xff", strings.Repeat("n", 1000)} {
		before := o.hashes.runs.Load()
		if _, _, err := o.SignIn(t.Context(), "blog", name, "wrong, and long enough"); !errors.Is(err, ErrWrong) {
			t.Errorf("%.20q: %v", name, err)
		}
		if n := o.hashes.runs.Load() - before; n != 1 {
			t.Errorf("%.20q: %d passwords were hashed", name, n)
		}
	}
}

func TestASessionEndsInTime(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	o.ann(t)
	secret, session, err := o.SignIn(ctx, "blog", "Ann", password)
	if err != nil || !session.Expires.Equal(o.clock.Add(SessionLife)) {
		t.Fatalf("%+v, %v", session, err)
	}
	o.clock = o.clock.Add(SessionLife - time.Minute)
	if _, err := o.Session(ctx, secret); err != nil {
		t.Error(err)
	}
	o.clock = o.clock.Add(2 * time.Minute)
	for _, s := range []string{secret, "", newSecret(), secret + "x"} {
		if _, err := o.Session(ctx, s); !errors.Is(err, ErrWrong) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// kept notes what is stored.
type kept struct {
	store.Staff
	said []string
}

func (k *kept) AddLink(_ context.Context, l store.Link) error {
	k.said = append(k.said, l.Hash, l.Name)
	return nil
}

func (k *kept) UseLink(_ context.Context, hash string, a store.Account, _ time.Time) (store.Account, error) {
	k.said = append(k.said, hash, a.Password)
	return a, nil
}

func (k *kept) Account(_ context.Context, site, name string) (store.Account, error) {
	return store.Account{Site: site, Name: name, ID: "m_1", Password: k.said[3]}, nil
}

func (k *kept) AddSession(_ context.Context, s store.Session) error {
	k.said = append(k.said, s.Hash)
	return nil
}

func TestNoSecretIsStored(t *testing.T) {
	t.Parallel()
	k := &kept{}
	s := New(k)
	s.hashes = newHasher(weak)
	link, err := s.Invite(t.Context(), "blog", "Ann", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetUp(t.Context(), "blog", link, "", password); err != nil {
		t.Fatal(err)
	}
	session, _, err := s.SignIn(t.Context(), "blog", "Ann", password)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(k.said, "\n")
	for _, secret := range []string{link, session, password} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is stored", secret)
		}
	}
	if len(k.said) != 5 || k.said[0] != k.said[2] {
		t.Errorf("stored: %q", k.said)
	}
}

func TestWhereTheStoreFailsThatIsSaid(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.ann(t)
	secret, _, err := o.SignIn(t.Context(), "blog", "Ann", password)
	if err != nil {
		t.Fatal(err)
	}
	link := o.link(t, "blog", "Ben")
	o.store = broken{}
	_, invited := o.Invite(t.Context(), "blog", "Ann", 0)
	_, set := o.SetUp(t.Context(), "blog", link, "", password)
	_, _, signed := o.SignIn(t.Context(), "blog", "Ann", password)
	_, held := o.Session(t.Context(), secret)
	for i, err := range []error{invited, set, signed, held, o.SignOut(t.Context(), secret)} {
		if !errors.Is(err, errBroken) || errors.Is(err, ErrWrong) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

var errBroken = errors.New("the disk is full")

type broken struct{ store.Staff }

func (broken) AddLink(context.Context, store.Link) error { return errBroken }
func (broken) Account(context.Context, string, string) (store.Account, error) {
	return store.Account{}, errBroken
}

func (broken) Session(context.Context, string, time.Time) (store.Session, error) {
	return store.Session{}, errBroken
}
func (broken) RemoveSession(context.Context, string) error { return errBroken }
func (broken) UseLink(context.Context, string, store.Account, time.Time) (store.Account, error) {
	return store.Account{}, errBroken
}
