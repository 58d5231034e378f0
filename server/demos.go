package server

import (
	"fmt"
	"maps"

	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/public"
)

// demos reports whether the demo pages are served.
func (a *App) demos() bool {
	return a.cfg.Relay == "on" && (a.cfg.Demos == SwitchOn || a.cfg.Demos == SwitchAuto && a.loopback)
}

// relayRules are those of the configuration and, with the demo pages, theirs. A namespace
// that the configuration has rules for keeps them.
func (a *App) relayRules() (relay.Config, error) {
	rules := a.cfg.RelayConfig
	if !a.demos() {
		return rules, nil
	}
	var file struct{ Relay relay.Config }
	if err := yaml.Unmarshal(public.DemoRules(), &file); err != nil {
		return rules, fmt.Errorf("the rules of the demo pages: %w", err)
	}
	demo := file.Relay
	for key := range rules.Namespaces {
		delete(demo.Namespaces, key)
		delete(demo.Recovery, key)
	}
	maps.Copy(demo.Namespaces, rules.Namespaces)
	maps.Copy(demo.Recovery, rules.Recovery)
	rules.Namespaces, rules.Recovery = demo.Namespaces, demo.Recovery
	return rules, nil
}
