package markup

import (
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/text"
)

const (
	// MaxText is how many bytes of a text are read; the longest that settings allow is shorter.
	MaxText = 80 << 10
	// MaxDepth is how many elements are around another one at most.
	MaxDepth = 32
)

// Options say what is allowed beyond the subset that always is.
type Options struct {
	Images bool // shown, and not as links
}

// Document is a text that was read.
type Document struct {
	HTML  string   // sanitised; "" where nothing is left to see
	Plain string   // without markup, for filters and feeds
	Links []string // where it leads to, images as well; absolute addresses, each once
}

// Render reads Markdown.
func Render(markdown string, o Options) Document {
	source := []byte(clean(cut(markdown)))
	w := writer{source: source, images: o.Images}
	w.block(reader.Parse(text.NewReader(source)), 0)

	if !w.seen {
		w.asTyped()
	}
	d := Document{Plain: strings.TrimSpace(w.plain.String()), Links: w.links}
	if w.seen {
		d.HTML = sanitise(w.html.String())
	}
	return d
}

// cut takes what is too much off, and no half character.
func cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	end := MaxText
	for end > MaxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
