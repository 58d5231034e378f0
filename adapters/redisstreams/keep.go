package redisstreams

import "github.com/redis/go-redis/v9"

// What was said in rooms whose history is kept is in the slot of the log as well, ROOM
// being the name of the namespace, in which % and # are %25 and %23, a #, and that of the
// room:
//
//	{prefix}:history:room:ROOM  sorted set: an element for each message, all with score 0
//	{prefix}:history            hash: for each room b:ROOM, what it takes, l:ROOM, its last
//	                            message, f:ROOM, the last that is not kept any more, and
//	                            d:ROOM, as in :due; bytes, the sum, floor, which is f of all
//	                            other rooms, and start, which is what floor was first; read,
//	                            up to where messages of others than Sockeye were kept, and
//	                            gap, before which some were not
//	{prefix}:history:due        sorted set of ROOM: when its last message is too old, in ms,
//	                            or up to 10 s later
//
// An element is the id of the log's entry, in digits of fixed width so that Redis has them
// in order, the number of the entry, and its data, with colons between:
// "00017325000000000000000000:12:{...}". The key of a room expires with its last message.

// keepLib is what the scripts of histories have in common. base is the name of the hash,
// total what all histories may take together. What is known of a room is read once for each
// call of a script, and written by save.
//
// begin sees to it that who asks is not told that anything is complete from before
// histories were kept. keep adds a message, unless it is there or was there and is not kept
// any more, and drops what is then too much of its room, and of all. forget drops a room. A
// room counts 512 bytes beyond its messages, and each of these 128 beyond its text.
const keepLib = `
local due, floor, sum, touched = base .. ':due', nil, nil, {}
local function pad(id)
  local dash = string.find(id, '-', 1, true)
  local ms, seq = string.sub(id, 1, dash - 1), string.sub(id, dash + 1)
  return string.rep('0', 16 - #ms) .. ms .. string.rep('0', 10 - #seq) .. seq
end
local function begin(stream)
  if floor then return end
  local is = redis.call('HMGET', base, 'floor', 'bytes')
  floor, sum = is[1], tonumber(is[2] or '0')
  if floor then return end
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  floor = pad(last and last[1] or '0-0')
  redis.call('HSET', base, 'floor', floor, 'start', floor)
end
local function room(name)
  local r = touched[name]
  if r then return r end
  local is = redis.call('HMGET', base, 'b:' .. name, 'f:' .. name, 'l:' .. name, 'd:' .. name)
  r = {key = base .. ':room:' .. name, count = 0, bytes = tonumber(is[1] or '0'), gone = is[2] or floor, last = is[3] or '', due = tonumber(is[4] or '0')}
  if r.bytes > 0 then r.count = redis.call('ZCARD', r.key) end
  if r.count == 0 and r.bytes > 512 then
    sum, r.bytes, r.gone = sum - r.bytes + 512, 512, r.last -- its key has expired
  end
  touched[name] = r
  return r
end
local function drop(r, n, most)
  while n > 0 or r.bytes > most do
    local oldest = redis.call('ZPOPMIN', r.key)[1]
    if not oldest then break end
    local size = #oldest + 128
    n, sum, r.bytes, r.count, r.gone = n - 1, sum - size, r.bytes - size, r.count - 1, string.sub(oldest, 1, 26)
  end
end
local function forget(name)
  local r = room(name)
  if r.gone > floor then floor = r.gone end
  if r.last > floor then floor = r.last end
  sum = sum - r.bytes
  redis.call('HDEL', base, 'b:' .. name, 'l:' .. name, 'f:' .. name, 'd:' .. name)
  redis.call('ZREM', due, name)
  redis.call('DEL', r.key)
  touched[name] = {key = r.key, count = 0, bytes = 0, gone = floor, last = '', due = 0}
end
local function keep(name, length, age, most, total, id, n, data)
  local r, at = room(name), pad(id)
  if at <= r.gone then return end
  if at <= r.last and redis.call('ZLEXCOUNT', r.key, '[' .. at .. ':', '(' .. at .. ';') > 0 then return end
  local ms, element = tonumber(string.sub(at, 1, 16)), at .. ':' .. n .. ':' .. data
  local size = #element + 128
  if r.bytes == 0 then sum, r.bytes = sum + 512, 512 end
  redis.call('ZADD', r.key, 0, element)
  sum, r.bytes, r.count = sum + size, r.bytes + size, r.count + 1
  if at > r.last then r.last = at end
  local old = r.count - length
  if ms + age > r.due then
    local later = math.min(10000, math.floor(age / 32))
    r.due = ms + age + later
    redis.call('ZADD', due, r.due, name)
    redis.call('PEXPIRE', r.key, age + later)
    old = math.max(old, redis.call('ZLEXCOUNT', r.key, '-', '(' .. pad(string.format('%d-0', math.max(0, ms - age)))))
  end
  drop(r, old, most + 512)
  while sum > total do
    local first = redis.call('ZRANGE', due, 0, 1)
    local other = first[1] == name and first[2] or first[1]
    if other and other ~= name then
      forget(other)
    elseif r.count > 0 then
      drop(r, 1, r.bytes)
    else
      break
    end
  end
end
local function save()
  redis.call('HSET', base, 'floor', floor, 'bytes', string.format('%d', sum))
  for name, r in pairs(touched) do
    if r.bytes > 0 then
      redis.call('HSET', base, 'b:' .. name, string.format('%d', r.bytes), 'f:' .. name, r.gone, 'l:' .. name, r.last, 'd:' .. name, string.format('%d', r.due))
    end
  end
end
`

// keepScript keeps messages that others than Sockeye wrote into the log. KEYS:
// {prefix}:history, the stream. ARGV: bytes that all histories may take, and the place up to
// which the caller has read; then for each
// message the room, its limits (messages, ms, bytes), the id and the number of the entry,
// and its data.
var keepScript = redis.NewScript(`local base = KEYS[1]` + keepLib + `
begin(KEYS[2])
for i = 3, #ARGV, 7 do
  keep(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[1]), ARGV[i + 4], ARGV[i + 5], ARGV[i + 6])
end
save()
if (redis.call('HGET', base, 'read') or '') < ARGV[2] then redis.call('HSET', base, 'read', ARGV[2]) end
return 1
`)

// sweepScript drops up to 1000 rooms in which everything is too old. KEYS:
// {prefix}:history, the stream. It answers how many.
var sweepScript = redis.NewScript(`local base = KEYS[1]` + keepLib + `
begin(KEYS[2])
local time = redis.call('TIME')
local rooms = redis.call('ZRANGEBYSCORE', due, '-inf', '(' .. string.format('%d', time[1] * 1000), 'LIMIT', 0, 1000)
for _, name in ipairs(rooms) do forget(name) end
if #rooms > 0 then save() end
return #rooms
`)

// gapScript says that something before a place was not kept. KEYS: {prefix}:history. ARGV:
// the place.
var gapScript = redis.NewScript(`
if (redis.call('HGET', KEYS[1], 'gap') or '') < ARGV[1] then redis.call('HSET', KEYS[1], 'gap', ARGV[1]) end
return 1
`)

// beginScript has the histories begin at a place, unless they did before. KEYS:
// {prefix}:history. ARGV: the place.
var beginScript = redis.NewScript(`
if redis.call('HSETNX', KEYS[1], 'floor', ARGV[1]) == 1 then redis.call('HSET', KEYS[1], 'start', ARGV[1]) end
return 1
`)

// tellScript answers with the place at which histories begin, and for each room with the
// place up to which nothing is known, its messages in a range, up to some number and some
// bytes but at least one, beginning with the oldest, or with the newest; and 1 if there are
// more, else 0. KEYS: {prefix}:history, the stream. ARGV: the place after
// which the range begins or "" for the newest, the place at which it ends, number, bytes;
// then for each room its name and how old a message may be, in ms.
var tellScript = redis.NewScript(`local base = KEYS[1]` + keepLib + `
begin(KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since, hi = ARGV[1], '(' .. ARGV[2] .. ';'
local number, bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local answer = {redis.call('HGET', base, 'start') or floor}
local gap = redis.call('HGET', base, 'gap') or ''
for i = 5, #ARGV, 2 do
  local key = base .. ':room:' .. ARGV[i]
  local is = redis.call('HMGET', base, 'f:' .. ARGV[i], 'l:' .. ARGV[i])
  local unknown = is[1] or floor
  if is[2] and redis.call('EXISTS', key) == 0 then unknown = is[2] end
  local oldest = pad(string.format('%d-0', math.max(0, now - tonumber(ARGV[i + 1]))))
  if redis.call('ZLEXCOUNT', key, since == '' and '-' or '(' .. since .. ';', '(' .. oldest) > 0 then unknown = oldest end
  local lo = '(' .. since .. ';'
  if since < oldest then lo = '[' .. oldest end
  local found, sum, last, cut = {}, 0, hi, 0
  while cut == 0 do
    local some
    if since == '' then
      some = redis.call('ZREVRANGEBYLEX', key, last, lo, 'LIMIT', 0, 20)
    else
      some = redis.call('ZRANGEBYLEX', key, lo, hi, 'LIMIT', 0, 20)
    end
    for _, element in ipairs(some) do
      sum = sum + #element
      if #found > 0 and (#found >= number or sum > bytes) then
        cut = 1
        break
      end
      found[#found + 1] = element
    end
    if #some < 20 then break end
    lo, last = since == '' and lo or '(' .. some[20], '(' .. some[20]
  end
  answer[#answer + 1] = unknown < gap and gap or unknown
  answer[#answer + 1] = found
  answer[#answer + 1] = cut
end
return answer
`)
