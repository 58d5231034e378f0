package cluster

import "strconv"

// RoomNumber reports whether a room's name is how JavaScript writes a number, so that a
// Node server, which tells 5 from "5", may have it as one. A driver writes the rooms of
// a target in both ways then.
func RoomNumber(room string) (float64, bool) {
	if room == "" || len(room) > 24 || room[0] != '-' && (room[0] < '0' || room[0] > '9') {
		return 0, false
	}
	v, err := strconv.ParseFloat(room, 64)
	if err != nil {
		return 0, false
	}
	// Names that are not written as JavaScript would are only names.
	abs := max(v, -v)
	if abs >= 1e21 || abs != 0 && abs < 1e-6 || strconv.FormatFloat(v, 'f', -1, 64) != room || room == "-0" {
		return 0, false
	}
	return v, true
}
