package guard

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Bounds of settings.
const (
	maxDepth      = 20
	maxLength     = 20_000         // characters
	maxEditWindow = 30 * 24 * 3600 // seconds
	maxMinTime    = 3600           // seconds
	maxDays       = 36_500
	maxCount      = 10_000
	maxReactions  = 12
	maxEntries    = 1000 // of words, and of links
	maxEntry      = 100  // characters
	maxPatterns   = 50
	maxURL        = 2048
)

// Invalid is what is wrong with one setting.
type Invalid struct {
	Key     string // as in JSON: "rejectPatterns[2]"
	Message string
}

// Error names the key.
func (i *Invalid) Error() string { return i.Key + ": " + i.Message }

// Invalids are all that is wrong with settings.
type Invalids []*Invalid

// Error names all of them.
func (is Invalids) Error() string {
	all := make([]string, len(is))
	for i, one := range is {
		all[i] = one.Error()
	}
	return strings.Join(all, "; ")
}

// Unwrap returns each.
func (is Invalids) Unwrap() []error {
	errs := make([]error, len(is))
	for i, one := range is {
		errs[i] = one
	}
	return errs
}

// Validate reports what settings cannot be: nil, or Invalids, each with the key that it is about.
func Validate(s store.Settings) error {
	var c checks
	c.choice("moderation", string(s.Moderation), string(store.PostModeration), string(store.PreModeration), string(store.TrustedFirst))
	c.choice("votes", string(s.Votes), string(store.VotesUpDown), string(store.VotesUp), string(store.VotesOff))
	c.number("trustAfter", s.TrustAfter, maxCount)
	c.number("maxDepth", s.MaxDepth, maxDepth)
	c.number("maxLength", s.MaxLength, maxLength)
	c.number("editWindow", s.EditWindow, maxEditWindow)
	c.number("readOnlyAfter", s.ReadOnlyAfter, maxDays)
	c.number("minTime", s.MinTime, maxMinTime)
	c.number("maxLinks", s.MaxLinks, maxCount)
	c.number("flagThreshold", s.FlagThreshold, maxCount)
	c.number("retention", s.Retention, maxDays)
	c.address("signInURL", s.SignInURL)
	c.address("hookURL", s.HookURL)
	c.reactions("reactions", s.Reactions)
	c.each("holdWords", s.HoldWords, maxEntries, checkWord)
	c.each("rejectWords", s.RejectWords, maxEntries, checkWord)
	c.each("holdLinks", s.HoldLinks, maxEntries, checkHost)
	c.each("rejectLinks", s.RejectLinks, maxEntries, checkHost)
	c.patterns("holdPatterns", s.HoldPatterns)
	c.patterns("rejectPatterns", s.RejectPattern)
	if len(c.wrong) > 0 {
		return c.wrong
	}
	return nil
}

// checks collects what is wrong.
type checks struct{ wrong Invalids }

func (c *checks) add(key, format string, args ...any) {
	c.wrong = append(c.wrong, &Invalid{key, fmt.Sprintf(format, args...)})
}

func (c *checks) number(key string, n, most int) {
	if n < 0 || n > most {
		c.add(key, "%d is not between 0 and %d", n, most)
	}
}

func (c *checks) choice(key, value string, choices ...string) {
	for _, one := range choices {
		if value == one || value == "" {
			return
		}
	}
	c.add(key, "%.40q is none of %s", value, strings.Join(choices, ", "))
}

// address is where people or requests are sent.
func (c *checks) address(key, s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	switch {
	case len(s) > maxURL:
		c.add(key, "an address has at most %d bytes, and this one %d", maxURL, len(s))
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		c.add(key, "%.100q is no address with https:// or http:// before it", s)
	case u.User != nil:
		c.add(key, "there is a name or password in it: moderators would see that")
	}
}

func (c *checks) each(key string, list []string, most int, check func(string) error) {
	if len(list) > most {
		c.add(key, "there are %d entries, and at most %d may be", len(list), most)
		return
	}
	for i, entry := range list {
		if err := check(entry); err != nil {
			c.add(fmt.Sprintf("%s[%d]", key, i), "%v", err)
		}
	}
}

func (c *checks) patterns(key string, list []string) {
	size := 0
	c.each(key, list, maxPatterns, func(s string) error {
		_, n, err := pattern(s)
		size += n
		return err
	})
	if size > maxProgram && len(list) > 1 {
		c.add(key, "all of them together take %d steps, and at most %d may be: have fewer, or repeat less in them", size, maxProgram)
	}
}

func (c *checks) reactions(key string, list []string) {
	had := make(map[string]bool)
	c.each(key, list, maxReactions, func(s string) error {
		if !isEmoji(s) {
			return fmt.Errorf("%.20q is not one emoji", s)
		}
		if had[s] {
			return fmt.Errorf("%s is there already", s)
		}
		had[s] = true
		return nil
	})
}

func checkWord(s string) error {
	switch {
	case utf8.RuneCountInString(s) > maxEntry:
		return fmt.Errorf("this has more than %d characters", maxEntry)
	case strings.ContainsFunc(s, notOfWords):
		return errors.New("a word has letters, digits, hyphens and apostrophes: for other characters use a pattern")
	case words(s) == " ":
		return errors.New("there is neither a letter nor a digit in it")
	}
	return nil
}

func notOfWords(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.M) && r != ' ' && r != '-' && r != '\'' && r != '’' && r != '.'
}

func checkHost(s string) error {
	if len(s) > maxURL {
		return fmt.Errorf("this has more than %d bytes", maxURL)
	}
	_, err := hostOf(s)
	return err
}
