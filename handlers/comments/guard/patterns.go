package guard

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

const (
	// maxPattern is how long a pattern may be, in bytes.
	maxPattern = 500
	// maxProgram is how many instructions the patterns of a list may have together: the time that they take is at
	// most the length of a text for each of them.
	maxProgram = 5000
)

// pattern compiles a regular expression of a list, and says how many instructions it has.
func pattern(s string) (*regexp.Regexp, int, error) {
	if len(s) > maxPattern {
		return nil, 0, fmt.Errorf("this has %d bytes, and a pattern has at most %d", len(s), maxPattern)
	}
	parsed, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, 0, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, 0, errors.New("this is no regular expression: " + err.Error())
	}
	if n := len(program.Inst); n > maxProgram {
		return nil, n, fmt.Errorf("this takes %d steps, and all patterns of a list take at most %d: repeat less in it", n, maxProgram)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, 0, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if re.MatchString("") {
		return nil, 0, errors.New("this is in every text: it matches where there is nothing")
	}
	return re, len(program.Inst), nil
}
