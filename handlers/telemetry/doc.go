// Package telemetry takes what devices measure and tells dashboards of it, on the namespace
// "/telemetry": the last value of everything, a bounded history, and alerts.
//
// It is a handler on the road: readings come as events of sockets, or over HTTP (ingest.go);
// it checks them, keeps the last of each key, which is a metric of a device, and emits. It
// knows nothing of transports.
//
// # Readings
//
//	{"device": "boiler-1", "metric": "temperature", "value": 21.5, "unit": "°C", "time": 1764190800000}
//
// value is a number, a text, true, false, {lat, lon} or {x, y}. time is optional, in
// milliseconds since 1970 or as of RFC 3339. device may be left out where the path names it
// or the sender may publish for exactly one. A request or event is taken whole or not at
// all.
//
// # What a client sends
//
//	event        arguments                 ack                                               what happens
//	reading      reading                   {accepted, late?}                                 it is taken
//	readings     [reading]                 {accepted, late?}                                 they are taken, or none
//	subscribe    pattern or [pattern]?     {readings, alerts, devices, interval, time}       what follows is told; instead of what was subscribed to before
//	unsubscribe                            {}
//	series       {device, metric, since?}  {device, metric, unit?, points: [[time, value]]}
//
// Errors are {"error": {"code", "message", "field"?}}; field is a JSON Pointer into what was
// sent. Options.Access is asked about a device as the room device:NAME: to publish there
// for its readings, to join it for seeing them.
//
// # What a client hears
//
//	readings  [reading]  the last of each key that has changed, every Options.Interval at most
//	alert     alert      raised or cleared: {state, name, severity, device, metric, value, unit?, level, since, time}
//
// A dashboard whose connection is not ready hears nothing until it is, and then the last
// state of all that has changed since: it never misses the latest, and nothing is kept for
// it. Dashboards that see the same share one encoded packet.
//
// # Between nodes
//
// Each node tells the others what it has taken, once an interval, in a server-side event;
// each has all last values and histories, judges the thresholds itself, and tells its own
// dashboards. A node that comes, or was cut off, asks the one that knows most for its last
// values. Nothing is kept in Redis. The messages are
//
//	sockeye:telemetry      {"v":1,"n":"NODE","r":[reading]}             this was measured here
//	sockeye:telemetry:ask  {"v":1}                                      how much do you know? ack {"n":"NODE","k":keys}
//	                       {"v":1,"to":"NODE","d":"device","m":"metric"}  what is after this key? ack {"n","k","r":[reading],"more":true}
//
// v is the lowest version that understands the message; unknown fields are ignored.
//
// # Concurrency and memory
//
// One mutex around the board, never held while something is emitted. A timer fires while
// there is something to tell, and one goroutine measures the process once a second. The
// numbers of devices and keys, what is kept of each and in total are bounded by Options.
//
// It refuses to store anything beyond the process, and to calculate more than thresholds.
package telemetry
