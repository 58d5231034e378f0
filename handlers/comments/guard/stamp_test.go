package guard

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestAStampSaysOnAnyNodeSinceWhenAPageIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := blog(store.Settings{})
		opened := time.Now()
		stamp := open().Stamp(site, opened)
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble, where time passes when all wait
		if got := open().Since(site, stamp); !got.Equal(opened) {
			t.Errorf("got %v, want %v", got, opened)
		}
		time.Sleep(stampLife) //nolint:forbidigo // in a bubble
		if got := open().Since(site, stamp); !got.Equal(time.Now()) {
			t.Errorf("a stamp of more than a month ago: %v", got)
		}
	})
}

func TestAStampThatIsNoneIsAsOldAsNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open()
		site, shop, renewed := blog(store.Settings{}), blog(store.Settings{}), blog(store.Settings{})
		shop.Name, renewed.Secret = "shop", "another secret, since the first was known to somebody"
		past := time.Now().Add(-time.Hour)
		good := d.Stamp(site, past)
		flipped := []byte(good)
		flipped[3] ^= 1
		for name, stamp := range map[string]string{
			"none": "", "text": "hello", "short": good[1:], "long": good + "A", "flipped": string(flipped), "not Base64": "!" + good[1:],
			"another site's": d.Stamp(shop, past), "of another secret": d.Stamp(renewed, past),
			"of the future": d.Stamp(site, time.Now().Add(time.Hour)), "of long ago": d.Stamp(site, time.Unix(0, 0)), "before all time": d.Stamp(site, time.Unix(-1<<40, 0)),
		} {
			if got := d.Since(site, stamp); !got.Equal(time.Now()) {
				t.Errorf("%s: %v", name, got)
			}
		}
		if got := d.Since(site, good); got.UnixMilli() != past.UnixMilli() {
			t.Errorf("a good one: %v", got)
		}
	})
}

func FuzzSince(f *testing.F) {
	g := open()
	site := blog(store.Settings{})
	f.Add(g.Stamp(site, time.Now().Add(-time.Hour)))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add(strings.Repeat("\n", 32)) // what base64 passes over
	f.Add("AAAA" + strings.Repeat("\r", 28))
	f.Fuzz(func(t *testing.T, stamp string) {
		before := time.Now()
		if got := g.Since(site, stamp); got.Before(before) && g.Stamp(site, got) != stamp {
			t.Errorf("%q says %v", stamp, got)
		}
	})
}
