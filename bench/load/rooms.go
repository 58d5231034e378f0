package load

import (
	"math/rand/v2"
	"strconv"
)

// seating says which clients are in which rooms. A seat is one client's membership
// of one room; clients and rooms are numbered from 0.
//
// With a size, room r has the seats r*size to r*size+size-1, and seat s belongs to
// client s modulo the clients. Without, seat s is in room s modulo the rooms: there
// are as many seats as clients, or as rooms where these are more.
type seating struct{ clients, rooms, size int }

func (w Work) seating() seating { return seating{w.Clients, w.Rooms, w.RoomSize} }

func (s seating) seats() int {
	if s.size > 0 {
		return s.rooms * s.size
	}
	return max(s.clients, s.rooms)
}

func (s seating) room(seat int) int {
	if s.size > 0 {
		return seat / s.size
	}
	return seat % s.rooms
}

// of calls f for the seats of room, in the order in which their holders take turns.
func (s seating) of(room int, f func(seat int) (more bool)) {
	from, to, step := room, s.seats(), s.rooms
	if s.size > 0 {
		from, to, step = room*s.size, (room+1)*s.size, 1
	}
	for seat := from; seat < to; seat += step {
		if !f(seat) {
			return
		}
	}
}

// find returns client's seat in room.
func (s seating) find(client, room int) (seat int, ok bool) {
	switch {
	case s.size > 0:
		nth := (client - room*s.size) % s.clients
		if nth < 0 {
			nth += s.clients
		}
		return room*s.size + nth, nth < s.size
	case s.clients >= s.rooms:
		return client, client%s.rooms == room
	default:
		return room, room%s.clients == client
	}
}

// rooms returns the names of the rooms that client joins.
func (w Work) roomsOf(client int) []string {
	if w.Kind != Fanout {
		return nil
	}
	s := w.seating()
	var names []string
	for seat := client; seat < s.seats(); seat += s.clients {
		names = append(names, w.roomName(s.room(seat)))
	}
	return names
}

func (w Work) roomName(room int) string {
	if w.Rooms == 1 {
		return w.Room
	}
	return w.Room + "-" + strconv.Itoa(room)
}

// stalledOnes picks which clients stop reading: the same in every run of w, and
// spread over the rooms by chance.
func (w Work) stalledOnes() []bool {
	stalled := make([]bool, w.Clients)
	n := int(w.Stalled*float64(w.Clients) + 0.5)
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(w.Clients)[:n] {
		stalled[i] = true
	}
	return stalled
}
