package redisstreams

import "github.com/redis/go-redis/v9"

// The log is a stream, as Node's adapter has it, and beside it two kinds of keys in
// the same slot of a Redis Cluster:
//
//	{prefix}:log            hash: epoch, n (entries of Sockeye's so far), trimmed (see trim.go)
//	{prefix}:log:NODE       the sequence number that a node appended last
//
// An entry of Sockeye's has one field more than Node's, x1: the epoch, the entry's
// number in the log, and its number among those of its publisher, with dots between.
// The number 1 is the version of that field.

// appendArgs is how many arguments of appendScript come before the entries, entryArgs how
// many each has, and roomArgs how many more for each room whose history it goes into.
const (
	appendArgs = 8
	entryArgs  = 5
	roomArgs   = 4
)

// appendScript appends entries unless they are there already, so that a call whose
// answer was lost can be made again: the entries of one node are appended in the
// order of their sequence numbers, each once.
//
// An entry goes into the histories of its rooms in the same moment: see keep.go.
//
// KEYS: stream, {prefix}:log, {prefix}:log:NODE, {prefix}:history. ARGV: the epoch the caller knows or
// "", an epoch to begin with if there is none, milliseconds for which the third key is
// kept, the sequence number of the first entry, the one that the log is known to have
// or 0, the epoch and the number of the entry up to which the caller has read, bytes
// that all histories may take; then of each entry uid, nsp, type, data, number of rooms that
// keep it, and of each of those its name and limits (messages, ms, bytes). An entry with an
// empty type is appended without namespace, for which Node's readers ignore it. The answer is the epoch, and then the
// id and the number of each entry, an empty id for one that was there already. If the
// epoch is not the caller's, nothing is appended.
//
// A log that does not have what the caller knows to be in it has lost its end. Its
// numbers would be given out a second time, and readers that were behind would see no
// hole: it gets another epoch, so that everybody starts anew.
var appendScript = redis.NewScript(`local base = KEYS[4]` + keepLib + `
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if not epoch then
  epoch = ARGV[2]
  redis.call('HSET', KEYS[2], 'epoch', epoch, 'n', '0')
end
local answer = {epoch}
if ARGV[1] ~= '' and ARGV[1] ~= epoch then return answer end
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
local n = tonumber(redis.call('HGET', KEYS[2], 'n') or '0')
if last < tonumber(ARGV[5]) or ARGV[6] == epoch and n < tonumber(ARGV[7]) then
  epoch = ARGV[2]
  redis.call('HSET', KEYS[2], 'epoch', epoch, 'n', '0')
  answer = {epoch}
  if ARGV[1] ~= '' then return answer end
end
local seq = tonumber(ARGV[4])
local i = 9
while i <= #ARGV do
  local rooms = tonumber(ARGV[i + 4])
  if seq > last then
    if rooms > 0 then begin(KEYS[1]) end
    local n = string.format('%d', redis.call('HINCRBY', KEYS[2], 'n', 1))
    local mark = epoch .. '.' .. n .. '.' .. string.format('%d', seq)
    local id
    if ARGV[i + 2] == '' then
      id = redis.call('XADD', KEYS[1], '*', 'uid', ARGV[i], 'x1', mark)
    else
      id = redis.call('XADD', KEYS[1], '*', 'uid', ARGV[i], 'nsp', ARGV[i + 1], 'type', ARGV[i + 2], 'data', ARGV[i + 3], 'x1', mark)
    end
    for r = i + 5, i + 1 + 4 * rooms, 4 do
      -- Whatever happens, the log goes on.
      if not pcall(keep, ARGV[r], tonumber(ARGV[r + 1]), tonumber(ARGV[r + 2]), tonumber(ARGV[r + 3]), tonumber(ARGV[8]), id, n, ARGV[i + 3]) then
        touched[ARGV[r]] = touched[ARGV[r]] or {bytes = 512, last = '', due = 0}
        touched[ARGV[r]].gone = pad(id)
      end
    end
    last = seq
    answer[#answer + 1] = id
    answer[#answer + 1] = n
  else
    answer[#answer + 1] = ''
    answer[#answer + 1] = '0'
  end
  seq = seq + 1
  i = i + 5 + 4 * rooms
end
if floor then pcall(save) end
redis.call('SET', KEYS[3], string.format('%d', last), 'PX', ARGV[3])
return answer
`)

// lastScript answers the id of the last entry, without what is in it, or nothing. KEYS:
// stream.
var lastScript = redis.NewScript(`
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
return last and last[1]
`)

// renameScript gives a log that lost its end another epoch, unless somebody has done so.
// KEYS: {prefix}:log. ARGV: the epoch that it had, another one.
var renameScript = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'n', '0')
end
return 1
`)

// A session is a hash, prefix:session:SID:
//
//	v      1: the version of this shape
//	pid    the client's private id
//	nsp    the namespace
//	node   the node that has the socket; empty once it was cut off
//	prev   the node that had it before: for a claim whose answer was lost
//	data   what Socket.SetData set, as JSON
//	claims how often it was taken over
//	start  the offset at which the session began
//	last   the offset of the last packet handed to the transport, and
//	upto   the offset up to which that is all there was for the client
//	r:ROOM what is known of it in a room: + or - for in or out, then its joins and
//	       leaves, each +AFTER/UNTIL or -AFTER/UNTIL, all with spaces between
//
// The scripts change it only for the node that has it. They answer 1, 0 if there is
// no such session, or -1 if another node has it.

// saveScript sets fields. KEYS: the session. ARGV: node, milliseconds to live or "0" to
// leave that as it is, number of fields to delete, those, then fields and values.
var saveScript = redis.NewScript(`
local node = redis.call('HGET', KEYS[1], 'node')
if not node then return 0 end
if node ~= ARGV[1] then return -1 end
local drop = tonumber(ARGV[3])
for i = 4, 3 + drop do redis.call('HDEL', KEYS[1], ARGV[i]) end
if #ARGV > 3 + drop then redis.call('HSET', KEYS[1], unpack(ARGV, 4 + drop)) end
if ARGV[2] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
`)

// releaseScript sets fields of a session that its node has no socket of any more, unless
// it was claimed again. KEYS: the session. ARGV: node, number of the claim that the node
// knows of, milliseconds to live or "0", then fields and values.
var releaseScript = redis.NewScript(`
local is = redis.call('HMGET', KEYS[1], 'node', 'claims')
if not is[1] then return 0 end
if is[1] ~= ARGV[1] or (is[2] or '0') ~= ARGV[2] then return -1 end
redis.call('HSET', KEYS[1], 'node', '', unpack(ARGV, 4))
if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
`)

// endScript deletes a session. KEYS: the session. ARGV: node.
var endScript = redis.NewScript(`
local node = redis.call('HGET', KEYS[1], 'node')
if not node then return 0 end
if node ~= ARGV[1] then return -1 end
redis.call('DEL', KEYS[1])
return 1
`)

// claimScript takes a session over. KEYS: the session. ARGV: node, private id,
// namespace, milliseconds to live. It answers with the fields as they were and a field
// claim, the number of this claim: of two, the larger one holds. It answers with
// nothing if there is no such session.
var claimScript = redis.NewScript(`
local all = redis.call('HGETALL', KEYS[1])
local is = {}
for i = 1, #all, 2 do is[all[i]] = all[i + 1] end
if is['pid'] ~= ARGV[2] or is['nsp'] ~= ARGV[3] then return {} end
if is['node'] ~= ARGV[1] then redis.call('HSET', KEYS[1], 'node', ARGV[1], 'prev', is['node']) end
local claims = redis.call('HINCRBY', KEYS[1], 'claims', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
all[#all + 1] = 'claim'
all[#all + 1] = string.format('%d', claims)
return all
`)
