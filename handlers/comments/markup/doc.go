// Package markup makes HTML that is safe to show of the Markdown that people write.
//
// It is part of package comments and knows nothing of sites or users. Text goes through
// three steps, each of which is enough to keep script out: goldmark reads a subset of
// Markdown that has no HTML, a writer here writes the few tags below and nothing else, and
// bluemonday lets only those pass.
//
// # The subset of Markdown
//
// Paragraphs, in which each line break counts; *emphasis*, **strong**, ~~struck out~~,
// `code`, fenced code, > quotes, lists, [links](https://example.com) and addresses that are
// links by themselves. Headings become paragraphs in bold. HTML, tables, footnotes, references and
// everything else is text as it was typed. Images become links, unless Options.Images.
//
// # The subset of HTML
//
// Whoever shows Document.HTML may rely on this, and need know nothing else:
//
//	p br strong em del code pre blockquote ul li      no attributes
//	ol                                                start, a whole number, where it is not 1
//	a                                                 href, rel="nofollow ugc noopener", target="_blank": always these three
//	img                                               src, alt, loading="lazy", referrerpolicy="no-referrer": always these four
//
// Tags and attributes are in lower case, attributes stand in this order and in double quotes, and
// nothing is within a tag but them. Every element but br and img has its end tag, elements
// are closed in the order in which they were opened, none has more than MaxDepth around it, and
// no a is within an a. pre has one child, a code. The entities are &amp; &lt; &gt; &quot; &#39; and no other, and
// these five characters never stand for themselves outside of tags. There are no comments, and no
// control characters but line feeds and, within pre, tabs. An href begins with http://, https:// or mailto:, a src with https://; they
// are ASCII, at most 2048 bytes.
//
// # Bounds
//
// Time and memory grow with the length of the text, whatever is in it: of a text only the first
// MaxText bytes are read, quotes and lists nest eight deep at most, after
// 200 links and images the rest of them are text, and so are, after 2000 of them, stars, brackets and backticks. Everything may be called from any
// goroutine.
//
// It refuses to guess: an address that is not whole is text, and no link is made of it.
package markup
