package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/staff"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server"
	"github.com/sockeye-io/sockeye/server/origin"
)

// commentsAddress is where readers and moderators reach the server.
type commentsAddress struct {
	URL string `env:"SOCKEYE_URL" placeholder:"URL" help:"Where browsers reach the server, such as https://comments.example.com. Default: where it listens here."`
}

// base is the address without a slash at the end.
func (a *commentsAddress) base(c *server.Config) (string, error) {
	if a.URL == "" {
		return listening(c), nil
	}
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("--url: %q is no URL such as https://comments.example.com", a.URL)
	}
	return strings.TrimRight(a.URL, "/"), nil
}

// listening is where a browser on this machine reaches a server of this configuration.
func listening(c *server.Config) string {
	scheme := "http"
	if len(c.TLSCert) > 0 {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return scheme + "://" + c.Listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// thisMachine is said of links where nobody has said where others reach the server.
const thisMachine = "This address is for this machine. Where others reach the server, say so: --url https://comments.example.com"

// linkLife is how long a one-time link holds.
const linkLife = 24 * time.Hour

// link makes a one-time link. Its secret is in the fragment, which no log of a server or proxy has.
func (a *commentsAddress) link(ctx context.Context, c *server.Config, db store.Store, site, name string) (string, error) {
	base, err := a.base(c)
	if err != nil {
		return "", err
	}
	secret, err := staff.New(db).Invite(ctx, site, name, linkLife)
	if err != nil {
		return "", err
	}
	return base + "/comments/setup?site=" + site + "#" + secret, nil
}

type commentsInitCommand struct {
	Site       string   `required:"" placeholder:"NAME" help:"Name of the site: lower-case letters, digits and hyphens."`
	Origin     []string `required:"" sep:"," placeholder:"ORIGIN" help:"Where its pages are, such as https://blog.example.com, or https://*.example.com for all below; can be repeated."`
	Guests     bool     `help:"Readers may write without an account of the site."`
	Moderation string   `enum:"post,pre,trusted-first" default:"post" placeholder:"WHEN" help:"When a comment is seen: post (at once), pre (after a moderator) or trusted-first (after a moderator until one was published)."`

	commentsAddress `embed:""`
}

var siteName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// Run makes a site and says what to do with it.
func (c *commentsInitCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	if err := c.run(s, kctx, file, all); err != nil {
		return fmt.Errorf("comments init: %w", err)
	}
	return nil
}

func (c *commentsInitCommand) run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	if !siteName.MatchString(c.Site) {
		return fmt.Errorf("--site: %q is no name: write 1 to 64 lower-case letters, digits and hyphens, such as blog", c.Site)
	}
	origins, err := siteOrigins(c.Origin)
	if err != nil {
		return fmt.Errorf("--origin: %w", err)
	}
	if _, err := c.base(&all.Config); err != nil {
		return err
	}
	site := store.Site{
		Name: c.Site, Origins: origins, Secret: newSiteSecret(), Created: time.Now(),
		Settings: newSettings(),
	}
	site.Settings.Guests, site.Settings.Moderation = c.Guests, store.Moderating(c.Moderation)
	if err := guard.Validate(site.Settings); err != nil {
		return err
	}
	return all.inDatabase(s, kctx, file, true, func(ctx context.Context, db store.Store) error {
		err := db.CreateSite(ctx, site)
		if errors.Is(err, store.ErrExists) {
			return fmt.Errorf("there is a site %q in %s already, and it stays as it is.\n"+
				"To see it:      sockeye comments site %[1]s\n"+
				"To change it:   sockeye comments site %[1]s --add-origin https://… --set guests=on\n"+
				"Another link:   sockeye comments invite %[1]s\n"+
				"To begin anew:  sockeye comments remove %[1]s", c.Site, shownDatabase(&all.Config))
		}
		if err != nil {
			return err
		}
		link, err := c.link(ctx, &all.Config, db, c.Site, "")
		if err != nil {
			return fmt.Errorf("the site is made, but there is no link for its moderator: %w\nTry: sockeye comments invite %s", err, c.Site)
		}
		return c.tell(s, &all.Config, &site, link)
	})
}

// newSettings are those of a new site beside what its flags say. They are kept with it, so that its owner sees and
// changes them.
func newSettings() store.Settings {
	return store.Settings{
		Reactions: []string{"👍", "❤️", "😄", "🎉", "🤔"}, EditWindow: 15 * 60, MinTime: 3, FlagThreshold: 3, MaxLinks: 5,
	}
}

// tell prints what to do next.
func (c *commentsInitCommand) tell(s streams, config *server.Config, site *store.Site, link string) error {
	base, err := c.base(config)
	if err != nil {
		return err
	}
	who := "Readers with a token that your site signs may write (see 4); guests may not: --set guests=on lets them."
	if c.Guests {
		who = "Everybody may write, as a guest or with a token that your site signs (see 4)."
	}
	note, again := "", serveFlags(config)
	if c.URL != "" {
		again += " --url " + base
	} else {
		note = "\n\n   " + thisMachine
	}
	_, err = fmt.Fprintf(s.out, `The site %[1]q is made in %[2]s, for pages of %[3]s.
%[4]s

1. Start the server, unless it runs: it notices the site within seconds.

     sockeye serve%[5]s

   One that was started before %[2]s was there has to be started again.

2. Open this link within 24 hours, once, and choose a name and a password as moderator:

     %[6]s

   A new link: sockeye comments invite %[1]s%[10]s

3. Paste this where comments shall be, with the path of each page as data-page. Without data-page the path of
   the page's own address counts, so that one template may serve all pages:

     <script src="%[7]s/comments.js" data-site="%[1]s" data-page="/post-1" async></script>%[8]s

4. Where readers have accounts on your site, its backend signs a token for each (JSON Web Token, HS256) with
   this secret:

     %[9]s

   Keep it where the backend keeps its passwords: not in a page and not in a repository. Whoever has it can write
   as anybody. It is not shown again; sockeye comments site %[1]s --rotate-secret makes another.
`, site.Name, shownDatabase(config), strings.Join(site.Origins, ", "), who, serveFlags(config), link, base, note, site.Secret, again)
	return err
}

// serveFlags are what a server needs to know of a database that is not where it looks by itself.
func serveFlags(c *server.Config) string {
	if name := c.CommentsDB; !isURL(name) && name != "sockeye-comments.db" {
		return " --comments-db " + name
	}
	return ""
}

// shownDatabase names the database without its password.
func shownDatabase(c *server.Config) string {
	if u, err := url.Parse(c.CommentsDB); err == nil && isURL(c.CommentsDB) {
		return u.Redacted()
	}
	return c.CommentsDB
}

// newSiteSecret is 32 random bytes as text.
func newSiteSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// siteOrigins are origins as they are kept: without a slash at the end, in lower case, each once.
func siteOrigins(list []string) ([]string, error) {
	var kept []string
	for _, o := range list {
		o = strings.ToLower(strings.TrimRight(strings.TrimSpace(o), "/"))
		if o == "*" {
			return nil, errors.New("* would be every page of the web: name the origins of the site")
		}
		if !strings.HasPrefix(o, "http://") && !strings.HasPrefix(o, "https://") {
			return nil, fmt.Errorf("%q is no origin of pages: write it as in https://blog.example.com", o)
		}
		if _, err := origin.Parse([]string{o}); err != nil {
			return nil, err
		}
		if !slices.Contains(kept, o) {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 {
		return nil, errors.New("there is none: name where the site's pages are, such as https://blog.example.com")
	}
	return kept, nil
}
