package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// web counts HTTP requests.
type web struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newWeb() web {
	return web{
		requests: counters("http_requests_total", "HTTP requests answered, by route and class of status; 1xx is a WebSocket.", "route", "status"),
		took: prometheus.NewHistogramVec(histogramOpts("http_request_seconds", "Time to answer an HTTP request, by route. Polls wait for something to say.",
			1e-3, 5e-3, 25e-3, 100e-3, 500e-3, 1, 2.5, 5, 10, 20, 30, 60), []string{"route"}),
	}
}

func (w *web) collectors() []prometheus.Collector {
	return []prometheus.Collector{w.requests, w.took}
}

// Routes makes the series of routes, so that they are there before the first request.
func (m *Metrics) Routes(routes ...string) {
	for _, route := range routes {
		m.web.took.WithLabelValues(route)
		for class := 1; class <= 5; class++ {
			m.web.requests.WithLabelValues(route, classOf(100*class))
		}
	}
}

// Route is a route whose requests are so many that its series are not looked up for each.
type Route struct {
	m    *Metrics
	name string
	ok   prometheus.Counter
	took prometheus.Observer
}

// Route returns a route, which is one of the program's.
func (m *Metrics) Route(name string) *Route {
	return &Route{m, name, m.web.requests.WithLabelValues(name, classOf(200)), m.web.took.WithLabelValues(name)}
}

// Answered counts a request, as Metrics.Answered does.
func (r *Route) Answered(status int, took time.Duration) {
	if status/100 != 2 {
		r.m.Answered(r.name, status, took)
		return
	}
	r.ok.Inc()
	r.took.Observe(took.Seconds())
}

// Answered counts an HTTP request. route is one of the program's, never a client's path.
func (m *Metrics) Answered(route string, status int, took time.Duration) {
	m.web.requests.WithLabelValues(route, classOf(status)).Inc()
	m.web.took.WithLabelValues(route).Observe(took.Seconds())
}

func classOf(status int) string {
	if status/100 == 2 { // as nearly always
		return "2xx"
	}
	return strconv.Itoa(status/100) + "xx"
}
