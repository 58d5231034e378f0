package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// repository is where the files are that an archive does not have.
const repository = "https://github.com/sockeye-io/sockeye"

// papers are the pages of the repository that are in every archive.
var papers = []string{"LICENSE", "README.md", "CHANGELOG.md"}

var (
	relativeLink = regexp.MustCompile(`(!?)(\[[^\]]*\]\()([^)#:\s]+)([)#])`)
	released     = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
)

// paper reads a page, with links to what is not beside it in the archive leading to the
// repository as it was at this version, or as it is where the version is no release.
func (r *release) paper(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(r.root, name)) //nolint:gosec // one of the papers
	if err != nil {
		return nil, err
	}
	ref := "main"
	if released.MatchString(r.version) {
		ref = r.version
	}
	return relativeLink.ReplaceAllFunc(text, func(link []byte) []byte {
		part := relativeLink.FindSubmatch(link)
		target := string(part[3])
		if slices.Contains(papers, target) {
			return link
		}
		way := "/blob/"
		if len(part[1]) > 0 { // a picture
			way = "/raw/"
		}
		return []byte(string(part[1]) + string(part[2]) + repository + way + ref + "/" + target + string(part[4]))
	}), nil
}
