package markup

import (
	"bufio"
	"bytes"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	render "github.com/yuin/goldmark/renderer/html"
)

const (
	// maxInline is how many inline elements are within each other: with quotes and lists,
	// which have two tags each, it is below MaxDepth.
	maxInline = 8
	// maxLinks is how many links a text has: each takes much more HTML than it takes text.
	maxLinks = 200
	// maxTree bounds how deep what was read is looked into. Marks are counted, so nothing is deeper.
	maxTree = 2 * (maxMarks + 2*maxNesting)
)

// writer writes what was read as HTML, and as text.
type writer struct {
	source []byte
	images bool

	html   bytes.Buffer
	plain  strings.Builder
	links  []string
	linked int  // how many links there are
	seen   bool // something is to be seen
	inline int  // inline elements around what is written
	inLink bool
}

// block writes a block and what is in it.
func (w *writer) block(n ast.Node, depth int) {
	switch n := n.(type) {
	case *ast.Paragraph:
		w.paragraph(n, "<p>", "</p>")
	case *ast.Heading:
		w.paragraph(n, "<p><strong>", "</strong></p>")
	case *ast.TextBlock:
		w.paragraph(n, "", "")
	case *ast.Blockquote:
		w.within(n, "<blockquote>", "</blockquote>", depth)
	case *ast.List:
		w.list(n, depth)
	case *ast.ListItem:
		w.within(n, "<li>", "</li>", depth)
	case *ast.FencedCodeBlock:
		w.fenced(n)
	default:
		w.within(n, "", "", depth)
	}
}

// asTyped writes a text of which nothing is left to see, such as "42.", as it was typed, where there are letters
// or digits in it.
func (w *writer) asTyped() {
	typed := strings.TrimSpace(string(w.source))
	if !strings.ContainsFunc(resolve([]byte(typed)), func(r rune) bool { return unicode.In(r, unicode.L, unicode.N) && !blank[r] }) {
		return
	}
	w.html.Reset()
	w.plain.Reset()
	w.html.WriteString("<p>")
	for i, line := range strings.Split(typed, "\n") {
		if i > 0 {
			w.html.WriteString("<br>")
			w.plain.WriteByte('\n')
		}
		w.text(cleanInline(line))
	}
	w.html.WriteString("</p>")
}

// within writes the blocks within a block.
func (w *writer) within(n ast.Node, open, end string, depth int) {
	if depth > maxTree {
		return
	}
	w.html.WriteString(open)
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.block(c, depth+1)
	}
	w.html.WriteString(end)
}

func (w *writer) list(n *ast.List, depth int) {
	switch {
	case !n.IsOrdered():
		w.within(n, "<ul>", "</ul>", depth)
	case n.Start == 1:
		w.within(n, "<ol>", "</ol>", depth)
	default:
		w.within(n, `<ol start="`+strconv.Itoa(n.Start)+`">`, "</ol>", depth)
	}
}

// paragraph writes a block of text. One without anything to see is left out.
func (w *writer) paragraph(n ast.Node, open, end string) {
	w.newBlock()
	before, seen := w.html.Len(), w.seen
	w.seen = false
	w.html.WriteString(open)
	w.children(n, 0)
	w.html.WriteString(end)
	if !w.seen {
		w.html.Truncate(before)
	}
	w.seen = w.seen || seen
}

// newBlock begins a line of text.
func (w *writer) newBlock() {
	if w.plain.Len() > 0 {
		w.plain.WriteByte('\n')
	}
}

func (w *writer) fenced(n *ast.FencedCodeBlock) {
	w.newBlock()
	w.html.WriteString("<pre><code>")
	lines := n.Lines()
	for i := range lines.Len() {
		line := lines.At(i)
		w.text(string(line.Value(w.source)))
	}
	w.html.WriteString("</code></pre>")
}

// children writes what is in an inline element.
func (w *writer) children(n ast.Node, depth int) {
	if depth > maxTree {
		return
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.node(c, depth+1)
	}
}

// node writes an inline element, or text.
func (w *writer) node(n ast.Node, depth int) {
	switch n := n.(type) {
	case *ast.Text:
		w.segment(n)
	case *ast.String:
		w.text(cleanInline(string(n.Value)))
	case *ast.CodeSpan:
		w.element("<code>", "</code>", func() { w.code(n) })
	case *ast.Emphasis:
		tag := "em"
		if n.Level > 1 {
			tag = "strong"
		}
		w.element("<"+tag+">", "</"+tag+">", func() { w.children(n, depth) })
	case *east.Strikethrough:
		w.element("<del>", "</del>", func() { w.children(n, depth) })
	case *ast.Link:
		w.link(resolve(n.Destination), func() { w.children(n, depth) })
	case *ast.AutoLink:
		label := cleanInline(string(n.Label(w.source)))
		w.link(autoAddress(n, w.source), func() { w.text(label) })
	case *ast.Image:
		w.image(n)
	default:
		w.children(n, depth)
	}
}

// element writes tags around what f writes, unless there are too many already.
func (w *writer) element(open, end string, f func()) {
	if w.inline >= maxInline {
		f()
		return
	}
	w.inline++
	w.html.WriteString(open)
	f()
	w.html.WriteString(end)
	w.inline--
}

// segment writes text, and the line break after it.
func (w *writer) segment(n *ast.Text) {
	value := n.Segment.Value(w.source)
	if n.IsRaw() {
		w.text(cleanInline(string(value)))
	} else {
		w.text(resolve(value))
	}
	if n.SoftLineBreak() || n.HardLineBreak() {
		w.html.WriteString("<br>")
		w.plain.WriteByte('\n')
	}
}

// code writes what is between backticks. Line breaks in it are spaces.
func (w *writer) code(n *ast.CodeSpan) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			w.text(cleanInline(string(t.Segment.Value(w.source))))
		}
	}
}

// text writes text.
func (w *writer) text(s string) {
	w.seen = w.seen || visible(s)
	w.html.WriteString(html.EscapeString(s))
	w.plain.WriteString(s)
}

// link writes a link around what f writes: what f writes alone, where it leads nowhere, or is
// in a link already; and the address, where f writes nothing that could be seen.
func (w *writer) link(to string, f func()) {
	to, ok := address(to)
	if !ok || w.inLink || w.inline >= maxInline || w.linked >= maxLinks {
		f()
		return
	}
	w.linked++
	w.note(to)
	w.inLink = true
	seen := w.seen
	w.seen = false
	w.element(`<a href="`+html.EscapeString(to)+`" rel="nofollow ugc noopener" target="_blank">`, "</a>", func() {
		f()
		if !w.seen {
			w.text(to)
		}
	})
	w.seen = w.seen || seen
	w.inLink = false
}

// image writes an image, or a link to it.
func (w *writer) image(n *ast.Image) {
	alt := w.alt(n)
	to, ok := address(resolve(n.Destination))
	if !w.images || !ok || !strings.HasPrefix(to, "https://") || w.linked >= maxLinks {
		w.link(to, func() { w.text(alt) })
		return
	}
	w.linked++
	w.note(to)
	w.seen = true
	w.html.WriteString(`<img src="` + html.EscapeString(to) + `" alt="` + html.EscapeString(alt) +
		`" loading="lazy" referrerpolicy="no-referrer">`)
	w.plain.WriteString(alt)
}

// alt is the text that an image has instead.
func (w *writer) alt(n ast.Node) string {
	inner := writer{source: w.source, inline: maxInline}
	inner.children(n, 0)
	return strings.TrimSpace(cleanInline(inner.plain.String()))
}

func (w *writer) note(to string) {
	if !slices.Contains(w.links, to) {
		w.links = append(w.links, to)
	}
}

// resolve is text of which backslashes and entities are taken for what they stand for.
func resolve(source []byte) string {
	var s strings.Builder
	b := bufio.NewWriter(&s)
	render.DefaultWriter.Write(b, source)
	_ = b.Flush() // a Builder takes everything
	return cleanInline(html.UnescapeString(s.String()))
}
