// Package staff is moderators who sign in with a password: one-time links, passwords and sessions.
//
// It is part of package comments, beside its HTTP side, and keeps everything in a store.Staff. Of
// secrets only hashes are kept: SHA-256 of links and sessions, which are 32 random bytes, and
// Argon2id of passwords.
//
// Its methods may be called from any goroutine. Hashing a password takes 32 MiB and a
// part of a second, so only a few are hashed at the same time; more wait, and too many are
// refused with ErrBusy.
//
// It refuses to say which of name and password was wrong, in words or by the time that it takes.
package staff
