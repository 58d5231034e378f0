package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server"
	"github.com/sockeye-io/sockeye/server/processor"
)

// streams is what a command may write to, and the context that ends it.
type streams struct {
	ctx      context.Context //nolint:containedctx // handed from run to one command
	out, err io.Writer
}

type serveCommand struct {
	options `embed:""`
}

// secondSignal is the status of a program that was told twice to stop.
const secondSignal = exitStatus(130)

// Run serves until SIGTERM or SIGINT, then stops in order; only SIGTERM, of those who
// run services, drains. A second signal ends the process at once.
func (c *serveCommand) Run(s streams, kctx *kong.Context, file *fileResolver) error {
	if err := c.complete(kctx, file); err != nil {
		return err
	}
	log := newLogger(s.err, &c.Config)
	app, err := server.New(&c.Config, log, version())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	reload := make(chan os.Signal, 1)
	if len(c.Config.TLSCert) > 0 {
		signal.Notify(reload, syscall.SIGHUP) // otherwise it ends the program, as ever
		defer signal.Stop(reload)
	}

	defer keepProcessors(ctx, log)()

	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	for stopping := false; ; {
		select {
		case err := <-ended:
			return err
		case <-reload:
			log.Info("the certificates are looked at", "signal", syscall.SIGHUP.String())
			app.ReloadCertificates()
		case sig := <-signals:
			if stopping {
				log.Warn("second signal: exiting at once", "signal", sig.String())
				return secondSignal
			}
			stopping = true
			drain, cause := c.Config.Drain, error(nil)
			if sig == os.Interrupt {
				drain, cause = 0, server.ErrAtOnce // somebody waits for the end
			}
			log.Info("stopping", "signal", sig.String(), "at_most", (drain + c.Config.ShutdownTimeout).String())
			cancel(cause)
		}
	}
}

// keepProcessors has Go use as few processors as the load needs, unless the environment says
// how many, until the returned function is called, which waits.
func keepProcessors(ctx context.Context, log *slog.Logger) (stop func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		(&processor.Keeper{Logger: log}).Run(ctx)
		close(done)
	}()
	return func() {
		cancel()
		<-done
	}
}

func newLogger(w io.Writer, c *server.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // the flag's enum admits no other words
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
