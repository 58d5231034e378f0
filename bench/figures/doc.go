// Package figures is what tables of benches have in common: medians, and numbers as
// people read them. It keeps nothing.
package figures
