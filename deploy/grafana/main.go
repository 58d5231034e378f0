package main

import (
	"encoding/json"
	"io"
	"log"
	"os"
)

func main() {
	if err := write(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// write writes the dashboard.
func write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(dashboard())
}

// object is a piece of the JSON model of Grafana.
type object map[string]any

// schemaVersion is that of the dashboard's JSON. Grafana migrates older ones by itself.
const schemaVersion = 39

var source = object{"type": "prometheus", "uid": "${datasource}"}

func dashboard() object {
	return object{
		"uid": "sockeye", "title": "Sockeye", "tags": []string{"sockeye", "socket.io"},
		"schemaVersion": schemaVersion, "editable": true, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
		"time":       object{"from": "now-1h", "to": "now"},
		"templating": object{"list": []object{datasource(), variable("job", "sockeye_build_info"), variable("instance", `sockeye_build_info{job=~"$job"}`)}},
		"annotations": object{"list": []object{{
			"name": "Restarts", "enable": true, "datasource": source, "iconColor": "blue",
			"expr": `changes(` + of("process_start_time_seconds") + `[1m]) > 0`,
		}}},
		"panels": panels(),
	}
}

func datasource() object {
	return object{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
}

// variable lets one choose among the values of a label.
func variable(name, of string) object {
	return object{
		"name": name, "type": "query", "datasource": source, "refresh": 2, "sort": 1,
		"query":      object{"query": "label_values(" + of + ", " + name + ")", "refId": name},
		"includeAll": true, "multi": true, "allValue": ".*", "current": object{"text": "All", "value": "$__all"},
	}
}

// The grid of Grafana is 24 wide.
const (
	gridWidth   = 24
	panelHeight = 8
)

// panels lays the rows out, each panel beside the one before it while there is room.
func panels() []object {
	var all []object
	y := 0
	for _, r := range rows() {
		all = append(all, object{
			"id": len(all) + 1, "type": "row", "title": r.title, "collapsed": false, "panels": []object{},
			"gridPos": object{"x": 0, "y": y, "w": gridWidth, "h": 1},
		})
		y++
		x := 0
		for _, p := range r.panels {
			if x+p.width > gridWidth {
				x, y = 0, y+panelHeight
			}
			all = append(all, p.model(len(all)+1, x, y))
			x += p.width
		}
		y += panelHeight
	}
	return all
}

// model is the panel in the words of Grafana.
func (p *panel) model(id, x, y int) object {
	var targets []object
	for i, q := range p.queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "datasource": source, "expr": q.expr, "legendFormat": q.legend,
			"editorMode": "code", "range": true,
		})
	}
	custom := object{"lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false}
	if p.stacked {
		custom["stacking"] = object{"mode": "normal", "group": "A"}
	}
	return object{
		"id": id, "type": "timeseries", "title": p.title, "description": p.about, "datasource": source, "targets": targets,
		"gridPos":     object{"x": x, "y": y, "w": p.width, "h": panelHeight},
		"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0, "custom": custom}, "overrides": []object{}},
		"options": object{
			"legend":  object{"displayMode": "table", "placement": "bottom", "calcs": []string{"lastNotNull", "max"}},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		},
	}
}
