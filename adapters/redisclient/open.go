package redisclient

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Bounds of a single command. A server that does not answer in time counts as away.
const (
	dialTimeout  = 2 * time.Second
	readTimeout  = 3 * time.Second
	writeTimeout = 3 * time.Second
)

// The forms of a Redis that a URL can name.
const (
	formSingle   = ""
	formCluster  = "+cluster"
	formSentinel = "+sentinel"
)

// Open returns a client of the Redis that a URL names, without connecting:
//
//	redis://[user:password@]host[:port][/db]
//	redis+cluster://[user:password@]host[:port],host[:port]
//	redis+sentinel://[user:password@]host[:port],host[:port]/master[/db]
//
// and the same with rediss for TLS. Two parameters are understood:
// sentinel_user and sentinel_password of redis+sentinel. Commands are never sent
// again by themselves: one that failed may have arrived. The error does not repeat
// the password.
func Open(rawURL string) (redis.UniversalClient, error) {
	o, form, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	switch form {
	case formCluster:
		return redis.NewClusterClient(o.Cluster()), nil
	case formSentinel:
		return redis.NewFailoverClient(o.Failover()), nil
	}
	return redis.NewClient(o.Simple()), nil
}

// Check reports what is wrong with a URL that Open would refuse.
func Check(rawURL string) error {
	_, _, err := parse(rawURL)
	return err
}

// Hosts returns the servers or Sentinels that a URL names, each as host:port.
func Hosts(rawURL string) ([]string, error) {
	o, _, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	return o.Addrs, nil
}

// HasPassword reports whether a URL holds one. It may say so of a URL that Open refuses.
func HasPassword(rawURL string) bool {
	o, _, err := parse(rawURL)
	return err == nil && (o.Password != "" || o.SentinelPassword != "") || err != nil && strings.Contains(rawURL, "@")
}

const urlAdvice = "write redis://host:port, redis+cluster://host:port,host:port or redis+sentinel://host:port/master"

func parse(rawURL string) (*redis.UniversalOptions, string, error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	base, form, _ := strings.Cut(scheme, "+")
	if form != "" {
		form = "+" + form
	}
	if !ok || base != "redis" && base != "rediss" || form != formSingle && form != formCluster && form != formSentinel {
		return nil, "", fmt.Errorf("%q is no scheme of Redis: %s", scheme, urlAdvice)
	}
	// A list of hosts is none to net/url: it is cut out before.
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if misplaced(tail, form) {
		return nil, "", errors.New("there is an @ behind the first of / ? #: in a user or password these are written as %2F, %3F and %23")
	}
	user, hosts := "", authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, hosts = authority[:i+1], authority[i+1:]
	}
	u, err := url.Parse("redis://" + user + "host" + tail)
	if err != nil {
		return nil, "", errors.New("the user, password or path cannot be read: characters that mean something in a URL are written as %XX")
	}
	o := &redis.UniversalOptions{
		MaxRetries: -1, DialTimeout: dialTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		ContextTimeoutEnabled: true, DisableIdentity: true,
		// Those who need Redis try again by themselves, and say so.
		DialerRetries:            1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	for h := range strings.SplitSeq(hosts, ",") {
		if h == "" {
			return nil, "", fmt.Errorf("a host is missing: %s", urlAdvice)
		}
		if _, err := url.Parse("redis://" + h); err != nil {
			return nil, "", fmt.Errorf("%q is no host: %s", h, urlAdvice)
		}
		o.Addrs = append(o.Addrs, withPort(h, form))
	}
	if form == formSingle && len(o.Addrs) > 1 {
		return nil, "", errors.New("several hosts are a cluster or sentinels: write redis+cluster:// or redis+sentinel://")
	}
	if u.User != nil {
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	if err := path(o, form, u); err != nil {
		return nil, "", err
	}
	if base == "rediss" {
		host := o.Addrs[0]
		if i := strings.LastIndexByte(host, ':'); i >= 0 && form == formSingle {
			host = strings.Trim(host[:i], "[]")
		} else {
			host = ""
		}
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	}
	return o, form, nil
}

// misplaced reports whether what follows the hosts has an @, so that it is a part of a
// password, which no error may repeat. The passwords of sentinels may have one.
func misplaced(tail, form string) bool {
	at, query := strings.IndexByte(tail, '@'), strings.IndexByte(tail, '?')
	return at >= 0 && (form != formSentinel || tail[0] != '/' || query < 0 || at < query)
}

// path reads what follows the hosts.
func path(o *redis.UniversalOptions, form string, u *url.URL) error {
	parts := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
	if form == formSentinel {
		if len(parts) == 0 {
			return errors.New("the name of the master is missing: write redis+sentinel://host:port/master")
		}
		o.MasterName, parts = parts[0], parts[1:]
	}
	if form == formCluster && len(parts) > 0 {
		return errors.New("a Redis Cluster has no databases: leave out the path")
	}
	if len(parts) > 1 {
		return fmt.Errorf("the path %q is too long: it ends in the number of a database", u.Path)
	}
	if len(parts) == 1 {
		n, err := strconv.Atoi(parts[0])
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no number of a database", parts[0])
		}
		o.DB = n
	}
	for key, values := range u.Query() {
		switch {
		case form == formSentinel && key == "sentinel_user":
			o.SentinelUsername = values[0]
		case form == formSentinel && key == "sentinel_password":
			o.SentinelPassword = values[0]
		default:
			return fmt.Errorf("unknown parameter %q", key)
		}
	}
	return nil
}

func withPort(host, form string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host
	}
	if form == formSentinel {
		return host + ":26379"
	}
	return host + ":6379"
}
