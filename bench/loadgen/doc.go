// Command loadgen puts one kind of work on a running server of the relay
// contract and prints what came of it. See the package load for what it does
// and refuses.
//
//	go run ./bench/loadgen -url http://127.0.0.1:3000 -pid 4711 -work fanout -clients 500 -window 32
package main
