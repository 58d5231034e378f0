package server

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// validateHistory checks that what rooms keep can be kept.
func (c *Config) validateHistory() []error {
	errs := []error{c.History.Validate()}
	if c.History.On() && c.AdapterName() == adapterRedis {
		return append(errs, errors.New("history: --adapter redis is classic Pub/Sub, which keeps nothing: use --adapter redis-streams on all nodes"))
	}
	for _, key := range slices.Sorted(maps.Keys(c.History.Namespaces)) {
		if c.Recovery.Duration == 0 && c.RelayConfig.Recovery[key] == 0 && !slices.Contains(reservedNamespaces, key) {
			errs = append(errs, fmt.Errorf("history.namespaces[%q]: history has the offsets of recovery, which is off here: set --recovery, such as --recovery 2m", key))
		}
	}
	return errs
}
