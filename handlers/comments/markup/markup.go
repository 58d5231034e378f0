// Package markup makes HTML that is safe to show of the Markdown that people write.
package markup

import "html"

// Options say what is allowed beyond the subset that always is.
type Options struct {
	Images bool // shown, and not as links
}

// Document is a text that was read.
type Document struct {
	HTML  string   // sanitised; "" where nothing is left to see
	Plain string   // without markup, for filters and feeds
	Links []string // where it leads to
}

// Render reads Markdown.
func Render(text string, _ Options) Document {
	return Document{HTML: "<p>" + html.EscapeString(text) + "</p>", Plain: text}
}
