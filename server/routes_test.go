package server

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/metrics"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// bare is an App of which only the router is used.
func bare(log io.Writer) *App {
	return &App{metrics: metrics.New("test"), cfg: *defaultConfig(), log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
}

func TestAPanicEndsOneRequestAndIsLoggedWithItsStack(t *testing.T) {
	t.Parallel()
	log := &sockettest.Log{}
	r := bare(log).router()
	r.GET("/panic", func(*gin.Context) { panic("trouble") })
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/panic", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d", w.Code)
	}
	if text := log.String(); !strings.Contains(text, "trouble") || !strings.Contains(text, "routes_test.go") {
		t.Errorf("the log has no stack: %s", text)
	}
}

func TestRequestsAreLoggedAtDebugOnlyAndWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"info", "debug"} {
		log := &sockettest.Log{}
		a := bare(log)
		a.cfg.LogLevel = level
		r := a.router()
		r.GET("/x", func(c *gin.Context) { c.Status(http.StatusOK) })
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x?sid=secret", nil))
		if logged := strings.Contains(log.String(), "path=/x"); logged != (level == "debug") {
			t.Errorf("--log-level %s: logged %v", level, logged)
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the sid is in the log: %s", log)
		}
	}
}

func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	t.Parallel()
	r := bare(io.Discard).router()
	r.Use(bounded(50*time.Millisecond, time.Minute))
	r.POST("/", func(c *gin.Context) { c.Status(http.StatusNotFound) })
	srv := httptest.NewServer(r)
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server still waits for the body")
	}
}

// A header that dribbles in, a byte now and then, is given up in its time; who came in
// the same way and is whole is served meanwhile.
func TestAHeaderThatDribblesHoldsNoConnection(t *testing.T) {
	t.Parallel()
	app := bare(io.Discard)
	web := app.httpServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") }))
	if web.ReadHeaderTimeout != headerTimeout || web.MaxHeaderBytes != maxHeaderBytes {
		t.Errorf("headers are bounded by %v and %d bytes", web.ReadHeaderTimeout, web.MaxHeaderBytes)
	}
	web.ReadHeaderTimeout = 200 * time.Millisecond
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = web
	srv.Start()
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "); err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	drop := time.NewTicker(20 * time.Millisecond)
	defer drop.Stop()
	for limit := time.After(patience); ; {
		select {
		case <-drop.C:
			if _, err := io.WriteString(conn, "x"); err != nil {
				return // the server has closed it
			}
		case <-limit:
			t.Fatal("the server still waits for the header")
		}
	}
}

func TestABoundOfAPageDoesNotOutliveIt(t *testing.T) {
	t.Parallel()
	const bound = 100 * time.Millisecond
	r := bare(io.Discard).router()
	r.GET("/page", bounded(bound, bound), func(c *gin.Context) { c.String(http.StatusOK, "page") })
	r.GET("/poll", unbounded, func(c *gin.Context) {
		<-time.After(3 * bound) // a poll that waits for longer than the page's bound
		if err := c.Request.Context().Err(); err != nil {
			t.Errorf("the poll was given up: %v", err)
		}
		c.String(http.StatusOK, "poll")
	})
	srv := httptest.NewServer(r)
	defer srv.Close()
	for _, path := range []string{"/page", "/poll", "/page", "/poll"} { // on one connection
		res, err := srv.Client().Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || string(body) != path[1:] {
			t.Errorf("%s: %q, %v", path, body, err)
		}
		res.Body.Close()
	}
}
