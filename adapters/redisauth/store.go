package redisauth

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/server/auth"
)

const (
	// readEvery is how often everything is read although nobody told of a change.
	readEvery = 10 * time.Second
	// lingers is how long a block that is over is left to nodes whose clocks are behind.
	lingers = time.Minute
	// complainEvery is how often an entry that cannot be read is logged.
	complainEvery = 10 * time.Minute
	// hashLength is that of an API key's SHA-256 in hex.
	hashLength = 64
)

// Store is API keys and blocks in Redis.
type Store struct {
	client               redis.UniversalClient
	keys, blocks, change string
	log                  *slog.Logger
	complain             rate.Sometimes
}

var _ auth.Backend = (*Store)(nil)

// New returns the store of a prefix. The client is the caller's, who closes it last.
func New(client redis.UniversalClient, prefix string, log *slog.Logger) *Store {
	tag := "{" + prefix + "}:auth" // one slot of a Redis Cluster
	return &Store{
		client: client, keys: tag + ":keys", blocks: tag + ":blocks", change: prefix + ":auth",
		log: log, complain: rate.Sometimes{Interval: complainEvery},
	}
}

// Load reads everything, and removes blocks that are long over.
func (s *Store) Load(ctx context.Context) (*auth.Entries, error) {
	p := s.client.Pipeline()
	keys, blocks := p.HGetAll(ctx, s.keys), p.HGetAll(ctx, s.blocks)
	if _, err := p.Exec(ctx); err != nil {
		return nil, advised(err)
	}
	e, over := s.read(keys.Val(), blocks.Val(), time.Now())
	for id, text := range over {
		// An error is no reason to fail: another Load comes.
		_ = dropIfSame.Run(ctx, s.client, []string{s.blocks}, id, text).Err()
	}
	return e, nil
}

// read makes entries of what Redis has, and finds the blocks that are long over.
func (s *Store) read(keys, blocks map[string]string, now time.Time) (e *auth.Entries, over map[string]string) {
	e, over = &auth.Entries{Keys: make(map[string]auth.APIKey), Blocks: make(map[string]auth.Block)}, make(map[string]string)
	for id, text := range keys {
		var k auth.APIKey
		if json.Unmarshal([]byte(text), &k) != nil || len(k.Hash) != hashLength {
			s.ignored("API key", id)
			continue
		}
		e.Keys[id] = k
	}
	for id, text := range blocks {
		var b auth.Block
		switch {
		case json.Unmarshal([]byte(text), &b) != nil || len(id) > auth.MaxID:
			s.ignored("block", id)
		case b.Over(now.Add(-lingers)):
			over[id] = text
		default:
			e.Blocks[id] = b
		}
	}
	return e, over
}

// dropIfSame removes a field unless it was written again in the meantime.
var dropIfSame = redis.NewScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
	return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0`)

// ignored tells of an entry that somebody else must have written.
func (s *Store) ignored(what, id string) {
	s.complain.Do(func() {
		s.log.Warn("an entry in Redis cannot be read and does not count", "what", what, "id", id[:min(len(id), auth.MaxID)])
	})
}

// PutKey adds or replaces a key.
func (s *Store) PutKey(ctx context.Context, id string, k auth.APIKey) error {
	return s.put(ctx, s.keys, id, k)
}

// PutBlock adds or replaces a block.
func (s *Store) PutBlock(ctx context.Context, id string, b auth.Block) error {
	return s.put(ctx, s.blocks, id, b)
}

func (s *Store) put(ctx context.Context, hash, id string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := s.client.HSet(ctx, hash, id, text).Err(); err != nil {
		return advised(err)
	}
	s.tell(ctx)
	return nil
}

// DeleteKey takes a key out.
func (s *Store) DeleteKey(ctx context.Context, id string) error { return s.take(ctx, s.keys, id) }

// DeleteBlock takes a block out.
func (s *Store) DeleteBlock(ctx context.Context, id string) error { return s.take(ctx, s.blocks, id) }

func (s *Store) take(ctx context.Context, hash, id string) error {
	n, err := s.client.HDel(ctx, hash, id).Result()
	if err != nil {
		return advised(err)
	}
	if n == 0 {
		return auth.ErrNotFound
	}
	s.tell(ctx)
	return nil
}

// advised says of an error of Redis what to do about it, where that is known.
func advised(err error) error {
	if remedy := redisclient.Remedy(err); remedy != "" {
		return fmt.Errorf("redis: %w: %s", err, remedy)
	}
	return fmt.Errorf("redis: %w", err)
}

// tell has all nodes read again. Where that fails they do so by themselves, later.
func (s *Store) tell(ctx context.Context) {
	if err := s.client.Publish(ctx, s.change, "").Err(); err != nil {
		s.log.Warn("the other nodes could not be told of a change of API keys or blocks: they find it within ten seconds", "error", err)
	}
}

// Watch hears of changes, and calls changed also when it may have missed some.
func (s *Store) Watch(ctx context.Context, changed func()) {
	sub := redisclient.Subscribe(s.client) //nolint:contextcheck // it ends by Close
	defer sub.Close()
	err := sub.Add(&redisclient.Topic{
		Channels: []string{s.change},
		Receive:  func(string, []byte) { changed() },
		Up:       func(bool) { changed() },
	})
	if err != nil {
		s.log.Warn("changes of API keys and blocks are heard of late", "error", err)
	}
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			changed()
		}
	}
}
