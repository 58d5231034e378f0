package chat

import "time"

// user is somebody who is here, with all connections. All fields are guarded by the
// hall's mutex.
type user struct {
	id       string
	nick     string
	compared string // nick as it is compared

	tabs  map[string]*tab // by socket id
	stays map[*room]*stay
	timer *time.Timer // runs out when the grace of the last connection does; nil while there are tabs

	privates []kept // the last private messages sent, for repeats
}

// maxPrivates is how many private messages of a user are known again.
const maxPrivates = 32

type kept struct {
	to, key string
	ack     sent
}

// tab is one connection of a user.
type tab struct {
	user  *user
	rooms map[*room]struct{}
}

func (u *user) shown() User { return User{ID: u.id, Nick: u.nick} }

// repeated finds the private message that was sent to somebody with this key.
func (u *user) repeated(to, key string) (sent, bool) {
	for _, k := range u.privates {
		if key != "" && k.key == key && k.to == to {
			return k.ack, true
		}
	}
	return sent{}, false
}

func (u *user) keep(to, key string, ack sent) {
	if key == "" {
		return
	}
	if len(u.privates) == maxPrivates {
		copy(u.privates, u.privates[1:])
		u.privates = u.privates[:maxPrivates-1]
	}
	u.privates = append(u.privates, kept{to, key, ack})
}
