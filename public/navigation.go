package public

import (
	"bytes"
	"html"
	"strings"
)

// What stands between these is served only where it is wanted; the pages have them around
// what leads there.
const (
	demosMark    = "demos"
	commentsMark = "comments"
	openMark     = "open"
)

// navigationMark is where a page has its links to the others.
const navigationMark = "<!-- navigation -->"

// place is a page that the others lead to.
type place struct {
	name, path string
	wanted     func(SiteOptions) bool // nil: always
}

var places = []place{
	{name: "Chat", path: "chat"},
	{name: "Comments", path: "demos/comments", wanted: func(o SiteOptions) bool { return o.Demos && o.Comments }},
	{name: "Dashboard", path: "dashboard/"},
	{name: "Notifications", path: "notifications/"},
	{name: "Canvas", path: "demos/canvas", wanted: func(o SiteOptions) bool { return o.Demos }},
	{name: "Game", path: "demos/game", wanted: func(o SiteOptions) bool { return o.Demos }},
	{name: "Playground", path: "playground"},
	{name: "API", path: "api/"},
}

// Navigation is the HTML of the links that every page has in its bar: beside each other, or in a menu
// where there is not the room. current is the path of the page that has them, such as
// "/chat"; up leads from it to the root of the site, as in "../" or "/".
func Navigation(o SiteOptions, current, up string) string {
	var b strings.Builder
	b.WriteString(`<button type="button" class="button quiet small menu-button" popovertarget="pages-menu">Pages</button>` +
		"\n      " + `<nav class="pages" id="pages-menu" aria-label="Pages" popover>`)
	for _, p := range places {
		if p.wanted != nil && !p.wanted(o) {
			continue
		}
		here := ""
		if "/"+p.path == current {
			here = ` aria-current="page"`
		}
		b.WriteString("\n        " + `<a href="` + html.EscapeString(up+p.path) + `"` + here + `>` + html.EscapeString(p.name) + `</a>`)
	}
	b.WriteString("\n      </nav>")
	return b.String()
}

// fillPage makes a page from what is in the source tree.
func fillPage(body []byte, name string, o SiteOptions) []byte {
	body = without(body, demosMark, o.Demos)
	body = without(body, commentsMark, o.Comments)
	body = without(body, openMark, o.Open)
	up := strings.Repeat("../", strings.Count(name, "/"))
	if name == absentPage {
		up = "/" // it stands at any depth
	}
	body = bytes.Replace(body, []byte(navigationMark), []byte(Navigation(o, urlOf(name), up)), 1)
	body = bytes.Replace(body, []byte(enginePathMeta), metaOf("sockeye:path", o.EnginePath), 1)
	return bytes.Replace(body, []byte(versionMeta), metaOf("sockeye:version", o.Version), 1)
}

// without takes away what stands between marks, unless it is wanted, and the marks.
func without(body []byte, mark string, wanted bool) []byte {
	begin, end := []byte("<!-- "+mark+" -->"), []byte("<!-- /"+mark+" -->")
	for {
		from := bytes.Index(body, begin)
		to := bytes.Index(body, end)
		if from < 0 || to < from {
			return body
		}
		kept := []byte(nil)
		if wanted {
			kept = bytes.TrimSpace(body[from+len(begin) : to])
		}
		before := bytes.TrimRight(body[:from], " \n")
		after := bytes.TrimLeft(body[to+len(end):], " \n")
		body = bytes.Join([][]byte{before, kept, after}, []byte("\n"))
	}
}

// served reports whether a file of the source tree is wanted.
func served(name string, o SiteOptions) bool {
	switch {
	case strings.HasPrefix(name, demoFolder) && !o.Demos, strings.HasPrefix(name, commentsFolder) && !o.Comments:
		return false
	case strings.HasPrefix(name, demoFolder+"comments"):
		return o.Comments
	}
	return true
}
