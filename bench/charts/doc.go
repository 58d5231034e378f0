// Package charts draws the figures of the benches as SVG pictures: bars that compare
// servers by row, and lines that show how a cost grows.
//
// Bars and Lines are values: nothing is kept, everything may be used by several
// goroutines at once. The same value always gives the same bytes, so that a picture in
// the repository changes only with its figures. A picture has a background of its own,
// because it is shown on light and on dark pages, and says its figures again in its
// desc, for those who cannot see it. It knows nothing of what was measured.
package charts
