package public

import (
	"embed"
	"io/fs"
)

//go:embed pages
var pages embed.FS

// htmlScript builds what comments say; the page of moderators uses it too.
//
//go:embed comments/html.js
var htmlScript []byte

// DemoRules returns the relay rules of the pages under demos/, as a configuration file has
// them: all there is of them on the server.
func DemoRules() []byte {
	text, err := pages.ReadFile("pages/demos/relay.yaml")
	if err != nil {
		panic("public: the embedded pages have no rules: " + err.Error()) // a constant path cannot be invalid
	}
	return text
}

// Pages returns the files of Sockeye's own pages as they are in the source tree:
// index.html, chat.html, playground.html, 404.html, favicon.svg, notifications/, demos/
// and assets/. Their engine path is the default one; a Site fills in the configured one.
func Pages() fs.FS {
	sub, err := fs.Sub(pages, "pages")
	if err != nil {
		panic("public: the embedded pages have no root: " + err.Error()) // a constant path cannot be invalid
	}
	return sub
}
