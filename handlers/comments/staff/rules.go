package staff

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of names and passwords, in characters.
const (
	MaxName     = 64
	MinPassword = 10
	MaxPassword = 256
)

// checkName is a name as it is kept, or what is wrong with it.
func checkName(name string) (string, error) {
	if !utf8.ValidString(name) || len(name) > utf8.UTFMax*MaxName {
		return "", &Invalid{"name", fmt.Sprintf("a name has at most %d characters", MaxName)}
	}
	name = strings.Join(strings.Fields(norm.NFC.String(name)), " ")
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", &Invalid{"name", "choose a name"}
	case n > MaxName:
		return "", &Invalid{"name", fmt.Sprintf("a name has at most %d characters, and this one %d", MaxName, n)}
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "", &Invalid{"name", "a name has no characters that cannot be seen"}
	}
	return name, nil
}

// normal is a password as it is hashed: the same on all keyboards.
func normal(password string) string {
	if len(password) > utf8.UTFMax*MaxPassword {
		return "" // it is nobody's
	}
	return norm.NFC.String(password)
}

// checkPassword is a new password as it is hashed, or what is wrong with it.
func checkPassword(password, name string) (string, error) {
	if !utf8.ValidString(password) || len(password) > utf8.UTFMax*MaxPassword {
		return "", &Invalid{"password", fmt.Sprintf("a password has at most %d characters", MaxPassword)}
	}
	password = normal(password)
	n := utf8.RuneCountInString(password)
	different := make(map[rune]bool)
	for _, r := range password {
		different[r] = true
	}
	switch {
	case n < MinPassword:
		return "", &Invalid{"password", fmt.Sprintf("a password has at least %d characters, and this one %d", MinPassword, n)}
	case n > MaxPassword:
		return "", &Invalid{"password", fmt.Sprintf("a password has at most %d characters, and this one %d", MaxPassword, n)}
	case len(different) < 4 || name != "" && strings.EqualFold(password, name):
		return "", &Invalid{"password", "this password is too easy to guess: take several words that have nothing to do with each other"}
	}
	return password, nil
}
