// Command release makes what make release leaves in dist: one archive for each
// system and processor, and the file of their checksums. The same source, version
// and date give the same bytes, with the same Go, on any machine.
//
// It stands beside the road and calls the go command. It refuses to make an
// archive without the browser client, and one whose licences it cannot find.
package main
