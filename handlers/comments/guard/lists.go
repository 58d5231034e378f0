package guard

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

const (
	// keptSites is for how many sites lists are kept compiled.
	keptSites = 1000
	// maxReasons is how many reasons moderators are told.
	maxReasons = 10
)

// lists are those of a site, ready to be looked up.
type lists struct {
	of           store.Settings // what they were made of
	reject, hold list
	maxLinks     int
}

// list is what is rejected, or held.
type list struct {
	words    []entry
	hosts    []string
	patterns []*regexp.Regexp
	written  []string // the patterns as they were written
}

// entry is a word, or several.
type entry struct{ form, written string }

// listsOf returns the lists of a site, which are compiled anew when they have changed.
func (g *Guard) listsOf(s *store.Site) *lists {
	g.mu.Lock()
	l := g.lists[s.Name]
	g.mu.Unlock()
	if l != nil && l.are(&s.Settings) {
		return l
	}
	l = compile(&s.Settings)
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lists) >= keptSites {
		clear(g.lists)
	}
	g.lists[s.Name] = l
	return l
}

// are reports whether the lists are still those of settings.
func (l *lists) are(s *store.Settings) bool {
	return l.maxLinks == s.MaxLinks &&
		slices.Equal(l.of.HoldWords, s.HoldWords) && slices.Equal(l.of.RejectWords, s.RejectWords) &&
		slices.Equal(l.of.HoldLinks, s.HoldLinks) && slices.Equal(l.of.RejectLinks, s.RejectLinks) &&
		slices.Equal(l.of.HoldPatterns, s.HoldPatterns) && slices.Equal(l.of.RejectPattern, s.RejectPattern)
}

// compile makes lists of settings. What Validate would not let through is left out.
func compile(s *store.Settings) *lists {
	l := &lists{
		maxLinks: s.MaxLinks,
		of: store.Settings{
			HoldWords: slices.Clone(s.HoldWords), RejectWords: slices.Clone(s.RejectWords),
			HoldLinks: slices.Clone(s.HoldLinks), RejectLinks: slices.Clone(s.RejectLinks),
			HoldPatterns: slices.Clone(s.HoldPatterns), RejectPattern: slices.Clone(s.RejectPattern),
		},
	}
	l.reject = newList(s.RejectWords, s.RejectLinks, s.RejectPattern)
	l.hold = newList(s.HoldWords, s.HoldLinks, s.HoldPatterns)
	return l
}

func newList(wordsOf, links, patterns []string) (l list) {
	for _, w := range wordsOf {
		if form := words(w); form != " " {
			if withoutSpaces(form) {
				form = strings.TrimSpace(form)
			}
			l.words = append(l.words, entry{form, w})
		}
	}
	for _, h := range links {
		if host, err := hostOf(h); err == nil {
			l.hosts = append(l.hosts, host)
		}
	}
	size := 0
	for _, p := range patterns {
		re, n, err := pattern(p)
		if size += n; err == nil && size <= maxProgram {
			l.patterns, l.written = append(l.patterns, re), append(l.written, p)
		}
	}
	return l
}

// look says what is in a comment that is rejected, or else held.
func (l *lists) look(s *Submission) (rejected, held []string) {
	found := &findings{s: s}
	if rejected = found.of(&l.reject); len(rejected) > 0 {
		return rejected, nil
	}
	held = found.of(&l.hold)
	if n := len(s.Document.Links); l.maxLinks > 0 && n > l.maxLinks {
		held = append(held, fmt.Sprintf("links: %d, at most %d", n, l.maxLinks))
	}
	return nil, held
}

// findings looks into a comment, and at nothing twice.
type findings struct {
	s     *Submission
	words string
	hosts []string
}

func (f *findings) of(l *list) (why []string) {
	if len(l.words) > 0 && f.words == "" {
		f.words = words(f.s.Document.Plain + "\n" + strings.Join(f.s.Document.Links, "\n"))
	}
	for _, w := range l.words {
		if strings.Contains(f.words, w.form) {
			why = append(why, "word: "+w.written)
		}
	}
	if len(l.hosts) > 0 && f.hosts == nil {
		f.hosts = hostsIn(&f.s.Document)
	}
	for _, h := range l.hosts {
		if slices.ContainsFunc(f.hosts, func(in string) bool { return in == h || strings.HasSuffix(in, "."+h) }) {
			why = append(why, "link: "+h)
		}
	}
	for i, p := range l.patterns {
		if p.MatchString(f.s.Text) || p.MatchString(f.s.Document.Plain) {
			why = append(why, "pattern "+strconv.Itoa(i+1)+": "+l.written[i])
		}
	}
	if len(why) > maxReasons {
		why = append(why[:maxReasons], fmt.Sprintf("and %d more", len(why)-maxReasons))
	}
	return why
}
