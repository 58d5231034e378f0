package telemetry_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(redistest.Main(m))
}

type object = map[string]any

// who are whom clients of these tests can be, by their token.
var who = map[string]*auth.Principal{
	"boiler":   {ID: "key:1", Publish: auth.Patterns{"device:boiler-1"}, Scopes: []auth.Scope{auth.ScopePublish}, Method: auth.MethodKey},
	"gateway":  {ID: "key:2", Publish: auth.Patterns{"device:plant-*"}, Scopes: []auth.Scope{auth.ScopePublish}, Method: auth.MethodKey},
	"engineer": {ID: "eng", Join: auth.Patterns{"device:boiler-*"}, Method: auth.MethodToken},
	"all":      {ID: "all", Join: auth.Everything(), Publish: auth.Everything(), Method: auth.MethodToken},
	"operator": {ID: "ops", Join: auth.Everything(), Roles: []string{"admin"}, Method: auth.MethodToken},
}

// node is a server with telemetry.
type node struct {
	url  string
	io   *socketio.Server
	tele *telemetry.Telemetry
}

// serve starts a server with telemetry.
func serve(t *testing.T, o telemetry.Options) *node {
	t.Helper()
	return serveOn(t, memory.New(), o)
}

func serveOn(t *testing.T, adapter socketio.AdapterFactory, o telemetry.Options) *node {
	t.Helper()
	srv, err := socketio.New(&socketio.Options{
		Adapter: adapter,
		Admit: func(_ context.Context, s *socketio.Socket) error {
			var a struct{ Token string }
			if err := s.Handshake().Auth.Decode(&a); err == nil && a.Token != "" {
				s.SetIdentity(who[a.Token])
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	tele, err := telemetry.Mount(srv, o)
	if err != nil {
		t.Fatalf("mount: %v", err)
	}
	r := gin.New()
	r.Any("/socket.io/", gin.WrapH(srv))
	web := httptest.NewServer(r)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		web.Close()
	})
	return &node{url: web.URL, io: srv, tele: tele}
}

// come connects as somebody; "" is anonymous.
func (n *node) come(t *testing.T, token string) *rawclient.Client {
	t.Helper()
	return rawclient.Dial(t, n.url, telemetry.Namespace, object{"token": token})
}

// ingest has a request of somebody taken, and returns the status and the answer.
func (n *node) ingest(device string, lines bool, token, body string) (status int, a answer) {
	p := who[token]
	if p == nil {
		p = auth.Anonymous()
	}
	status = http.StatusOK
	got, err := n.tele.Ingest(p, device, lines, []byte(body))
	if err != nil {
		told := problem.Of(err)
		got, status = told, told.Status
	}
	text, err := json.Marshal(got)
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		panic(err)
	}
	return status, a
}

// answer is an ack, or the answer to a request.
type answer struct {
	Accepted, Late int
	Readings       []telemetry.Reading
	Alerts         []telemetry.Alert
	Devices        []string
	Points         [][]json.RawMessage
	Error          struct{ Code, Message, Field string }
}

func ask(t *testing.T, c *rawclient.Client, event string, args ...any) answer {
	t.Helper()
	return decoded[answer](t, c.Call(event, args...))
}

func decoded[T any](t *testing.T, args []json.RawMessage) T {
	t.Helper()
	var v T
	if len(args) != 1 {
		t.Fatalf("%d arguments, want one: %s", len(args), args)
	}
	if err := json.Unmarshal(args[0], &v); err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	return v
}

// values are readings by device and metric.
func values(all []telemetry.Reading) map[string]string {
	out := make(map[string]string)
	for _, r := range all {
		text, _ := r.Value.MarshalJSON()
		out[r.Device+" "+r.Metric] = string(text)
	}
	return out
}
