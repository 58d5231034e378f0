// Package pgtest starts Debian's PostgreSQL for Go tests, on a free port of the loopback
// address. A test that finds none fails; it is never left out.
//
// The server is shared by all tests of a binary, each of which has databases of its own: Database is one.
// TestMain ends it: goleak.VerifyTestMain(pgtest.Main(m)). Programs that measure have Start.
//
// It keeps nothing on the disk when the machine dies, which only tests may do. PostgreSQL refuses to run as
// root; where the tests are root, it runs as the user postgres, or nobody.
package pgtest
