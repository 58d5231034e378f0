package doors

// Terms is how many sockets have a timer.
func (k *Keeper) Terms() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.terms)
}
