// Package guard says what is held for a moderator, and what is refused.
//
// It is part of package comments, which asks it about each comment before that is stored, and
// about whatever else a user does. It looks at, in this order:
//
//	length        refused: too_long, empty
//	honeypot      rejected: the field that people do not see was filled in
//	time          refused: too_fast, for who has not had the page open for long enough
//	duplicates    refused: the author has said the same within a day
//	lists         rejected or held: words, links and patterns of the site; held: too many links
//	moderation    held: everything, or what is of authors who are new
//
// What is rejected or held is stored, and moderators see why. What moderators say passes all but
// the first.
//
// # Words
//
// Words are found whole, without regard to case, in the text without markup and in the addresses that it leads
// to. Text and list are brought into one form first: NFKC, which makes one letter of its many widths and
// styles, no characters that cannot be seen, no marks over letters beyond what Unicode composes, and in words of
// mixed scripts Cyrillic and Greek letters are the Latin ones that they look like. An entry of several words
// is found where they follow each other; one in a script without spaces also within others.
//
// # Rates
//
// A user may post 6 times a minute (5 at once), edit 12 (10), flag 12 (20), preview 60 (30), and vote or
// react 60 (60); an address four times as much, for the people who share it. An address may try to sign in 12 times a
// minute (10).
//
// # Settings
//
// Validate keeps them within bounds: comments of 20,000 characters, 1000 words and 1000 hosts a list, 50
// patterns of 500 bytes a list, which compile to 5000 instructions together, 12 reactions of one emoji each.
//
// # Concurrency
//
// Everything may be called from any goroutine. A Guard serves all sites; what it keeps of addresses and
// users is bounded. With Options.Shared its limits are those of all nodes together, and while that
// is away, those of each node by itself.
//
// It refuses to store anything, and to know what clients are told.
package guard
