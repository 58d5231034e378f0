package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

var _ = register(&row{
	name: "snapshots",
	about: "The first paint of a page with 200 comments, asked for by 32 browsers without pause, compressed, while 20 comments and 200 reactions a second come in: " +
		"by browsers that have nothing, and by those that have the last answer and send its ETag.",
	measure: measureSnapshots,
})

func measureSnapshots(ctx context.Context, l *lab) (*result, error) {
	r := &result{}
	n, err := startComments(ctx, l)
	if err != nil {
		return r, err
	}
	b := &commentsBench{
		node: n, readers: l.pick(500, 60), guests: l.pick(500, 60),
		span: l.time(10*time.Second, 2*time.Second), talk: 20, reactions: 200,
	}
	if err := b.connect(ctx); err != nil {
		return r, errors.Join(err, b.close())
	}
	if err := b.speak(ctx); err != nil { // so that there is something in a snapshot
		return r, errors.Join(err, b.close())
	}
	var spoke error
	var talking sync.WaitGroup
	talking.Go(func() { spoke = b.speak(ctx) })
	fresh, err := hammer(ctx, n, b.span/2-time.Second/2, false)
	again, errAgain := hammer(ctx, n, b.span/2-time.Second/2, true)
	talking.Wait()
	if err = errors.Join(err, errAgain, spoke, b.close()); err != nil {
		return r, err
	}
	if n := b.refused.Load(); n > 0 {
		r.lose("%d comments or reactions were refused, such as %s", n, b.refusal.Load())
	}
	r.add(figure{name: "snapshots", value: fresh, unit: "answers/s", goal: atLeast(5000)})
	r.add(figure{name: "with ETag", value: again, unit: "answers/s", goal: atLeast(5000)})
	return r, nil
}

// hammer asks for the snapshot on 32 connections and returns how many answers came a second.
func hammer(ctx context.Context, n *node, span time.Duration, etag bool) (float64, error) {
	const browsers = 32
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: browsers, DisableCompression: true}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var answers atomic.Int64
	failures := make(chan error, browsers)
	begun := time.Now()
	for range browsers {
		go func() {
			had := ""
			for time.Since(begun) < span {
				var err error
				if had, err = ask(ctx, client, n, had); err != nil {
					failures <- err
					return
				}
				if !etag {
					had = ""
				}
				answers.Add(1)
			}
			failures <- nil
		}()
	}
	var errs []error
	for range browsers {
		errs = append(errs, <-failures)
	}
	return float64(answers.Load()) / time.Since(begun).Seconds(), errors.Join(errs...)
}

// ask gets the snapshot as a browser does, and returns its ETag.
func ask(ctx context.Context, client *http.Client, n *node, had string) (etag string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url(snapshotPath), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if had != "" {
		req.Header.Set("If-None-Match", had)
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	size, err := io.Copy(io.Discard, res.Body)
	switch {
	case err != nil:
		return "", err
	case res.StatusCode == http.StatusNotModified && had != "":
	case res.StatusCode != http.StatusOK || size == 0:
		return "", fmt.Errorf("a snapshot of %d bytes: %s", size, res.Status)
	}
	return res.Header.Get("Etag"), nil
}

// json gets a path.
func (n *node) json(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url(path), nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
