package server

import "errors"

// validateHistory checks that what rooms keep can be kept.
func (c *Config) validateHistory() []error {
	errs := []error{c.History.Validate()}
	switch {
	case !c.History.On():
	case c.AdapterName() == adapterRedis:
		errs = append(errs, errors.New("history: --adapter redis is classic Pub/Sub, which keeps nothing: use --adapter redis-streams on all nodes"))
	case c.Recovery.Duration == 0:
		errs = append(errs, errors.New("history: it has the offsets of recovery, which is off: set --recovery, such as --recovery 2m"))
	}
	return errs
}
