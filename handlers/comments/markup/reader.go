package markup

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	// maxNesting is how many quotes and lists are within each other.
	maxNesting = 8
	// maxMarks is how many marks of one text are looked at. Pairs of them are looked for
	// in time that grows with the square of their number.
	maxMarks = 2000
)

// reader reads the subset. It has no HTML, no references, and no indented code, which people
// mostly do not mean.
var reader = parser.NewParser(
	parser.WithBlockParsers(
		util.Prioritized(shallow{parser.NewListParser()}, 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(shallow{parser.NewBlockquoteParser()}, 800),
		util.Prioritized(anywhere{parser.NewParagraphParser()}, 1000),
	),
	parser.WithInlineParsers(
		util.Prioritized(counted{parser.NewCodeSpanParser()}, 100),
		util.Prioritized(closing{counted{parser.NewLinkParser()}}, 200),
		util.Prioritized(counted{parser.NewAutoLinkParser()}, 300),
		util.Prioritized(counted{parser.NewEmphasisParser()}, 500),
		util.Prioritized(counted{extension.NewStrikethroughParser()}, 500),
		util.Prioritized(counted{extension.NewLinkifyParser(
			extension.WithLinkifyAllowedProtocols([]string{"http:", "https:"}),
		)}, 999),
	),
)

// shallow opens no more of its blocks within others than may be.
type shallow struct{ parser.BlockParser }

// Open opens a block, or leaves the line to others.
func (s shallow) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for n := parent; n != nil; n = n.Parent() {
		if k := n.Kind(); k == ast.KindBlockquote || k == ast.KindList {
			depth++
		}
	}
	if depth >= maxNesting {
		return nil, parser.NoChildren
	}
	return s.BlockParser.Open(parent, reader, pc)
}

// anywhere begins also far to the right, where else there would be code.
type anywhere struct{ parser.BlockParser }

// CanAcceptIndentedLine is true.
func (anywhere) CanAcceptIndentedLine() bool { return true }

// counted looks at as many marks as may be.
type counted struct{ parser.InlineParser }

var marksKey = parser.NewContextKey()

// Parse reads from a mark on. Spaces are no marks, but where an address may begin.
func (c counted) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	left, _ := pc.ComputeIfAbsent(marksKey, func() any { n := maxMarks; return &n }).(*int)
	if *left <= 0 {
		return nil
	}
	if block.Peek() != ' ' {
		*left--
	}
	return c.InlineParser.Parse(parent, block, pc)
}

// closing is a counted parser that is told of the end of a block, as the one in it wants to be.
type closing struct{ counted }

// CloseBlock takes back what was opened and not closed.
func (c closing) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if p, ok := c.InlineParser.(parser.CloseBlocker); ok {
		p.CloseBlock(parent, block, pc)
	}
}
