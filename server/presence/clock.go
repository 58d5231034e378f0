package presence

import (
	"container/heap"
	"time"
)

// appointment is something to be done at a time, under the lock.
type appointment struct {
	at time.Time
	do func(now time.Time)
}

// diary is a heap of appointments, the next one first.
type diary []appointment

var _ heap.Interface = (*diary)(nil)

func (d diary) Len() int           { return len(d) }
func (d diary) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d diary) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is for package heap.
func (d *diary) Push(x any) {
	if a, ok := x.(appointment); ok {
		*d = append(*d, a)
	}
}

// Pop is for package heap.
func (d *diary) Pop() any {
	last := len(*d) - 1
	a := (*d)[last]
	(*d)[last] = appointment{}
	*d = (*d)[:last]
	return a
}

// laterLocked has something done at a time. Nothing is taken back: what is done looks
// whether it is still wanted.
func (p *Presence) laterLocked(at time.Time, do func(now time.Time)) {
	heap.Push(&p.diary, appointment{at, do})
	p.setAlarmLocked()
}

func (p *Presence) setAlarmLocked() {
	if p.closed || len(p.diary) == 0 || !p.alarmAt.IsZero() && !p.diary[0].at.Before(p.alarmAt) {
		return
	}
	p.alarmAt = p.diary[0].at
	wait := max(0, p.alarmAt.Sub(p.now()))
	if p.alarm == nil {
		p.alarm = time.AfterFunc(wait, p.ring)
		return
	}
	p.alarm.Reset(wait)
}

// ring keeps the appointments that are due.
func (p *Presence) ring() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alarmAt = time.Time{}
	now := p.now()
	for !p.closed && len(p.diary) > 0 && !p.diary[0].at.After(now) {
		if a, ok := heap.Pop(&p.diary).(appointment); ok {
			a.do(now)
		}
	}
	p.settleLocked()
	p.setAlarmLocked()
}
