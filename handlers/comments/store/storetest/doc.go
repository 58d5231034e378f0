// Package storetest is the suite that every store of comments passes: one promise, one test. A database's own
// test only says where one is.
package storetest
