package redisstreams

import "github.com/redis/go-redis/v9"

// What was said in rooms whose history is kept is in the slot of the log as well, ROOM
// being the name of the namespace, in which % and # are %25 and %23, a #, and that of the
// room:
//
//	{prefix}:history:room:ROOM  sorted set: an element for each message, all with score 0
//	{prefix}:history            hash: for each room b:ROOM, the bytes of it, l:ROOM, its last
//	                            message, and f:ROOM, the last that is not kept any more; bytes,
//	                            the sum, floor, which is f of all other rooms, and
//	                            start, which is what floor was first
//	{prefix}:history:due        sorted set of ROOM: when its last message is too old, in ms
//
// An element is the id of the log's entry, in digits of fixed width so that Redis has them
// in order, the number of the entry, and its data, with colons between:
// "00017325000000000000000000:12:{...}". The key of a room expires with its last message.

// keepLib is what the scripts of histories have in common. base is the name of the hash,
// total what all histories may take together.
//
// forget drops a room. keep adds a message, unless it is there or was there and is not kept
// any more, and drops what is then too much of its room, and of all. begin sees to it that
// who asks is not told that anything is complete from before histories were kept.
const keepLib = `
local due = base .. ':due'
local function pad(id)
  local dash = string.find(id, '-', 1, true)
  local ms, seq = string.sub(id, 1, dash - 1), string.sub(id, dash + 1)
  return string.rep('0', 16 - #ms) .. ms .. string.rep('0', 10 - #seq) .. seq
end
local function forget(room)
  local is = redis.call('HMGET', base, 'floor', 'b:' .. room, 'l:' .. room, 'f:' .. room)
  local floor = is[1] or ''
  for i = 3, 4 do
    if is[i] and is[i] > floor then floor = is[i] end
  end
  redis.call('HSET', base, 'floor', floor)
  redis.call('HINCRBY', base, 'bytes', -tonumber(is[2] or '0'))
  redis.call('HDEL', base, 'b:' .. room, 'l:' .. room, 'f:' .. room)
  redis.call('ZREM', due, room)
  redis.call('DEL', base .. ':room:' .. room)
end
local function begin(stream)
  local floor = redis.call('HGET', base, 'floor')
  if floor then return floor end
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  floor = pad(last and last[1] or '0-0')
  redis.call('HSET', base, 'floor', floor, 'start', floor)
  return floor
end
local function drop(room, b, n, most)
  local key, freed, gone = base .. ':room:' .. room, 0, nil
  while n > 0 or b - freed > most do
    local oldest = redis.call('ZPOPMIN', key)[1]
    if not oldest then break end
    n, freed, gone = n - 1, freed + #oldest + 128, string.sub(oldest, 1, 26)
  end
  if gone then
    redis.call('HSET', base, 'f:' .. room, gone)
    redis.call('HINCRBY', base, 'b:' .. room, -freed)
    redis.call('HINCRBY', base, 'bytes', -freed)
  end
end
local function keep(room, length, age, most, total, id, n, data)
  local key, at = base .. ':room:' .. room, pad(id)
  local ms = tonumber(string.sub(at, 1, 16))
  local count = redis.call('ZCARD', key)
  if count == 0 and redis.call('HEXISTS', base, 'l:' .. room) == 1 then forget(room) end
  local is = redis.call('HMGET', base, 'floor', 'f:' .. room, 'l:' .. room)
  if at <= (is[2] or is[1] or '') then return end
  if is[3] and at <= is[3] and redis.call('ZLEXCOUNT', key, '[' .. at .. ':', '(' .. at .. ';') > 0 then return end
  local element = at .. ':' .. n .. ':' .. data
  local size = #element + 128
  redis.call('ZADD', key, 0, element)
  local last = is[3]
  if not is[2] then
    size = size + 512
    redis.call('HSET', base, 'f:' .. room, is[1] or '')
  end
  if not last or at > last then redis.call('HSET', base, 'l:' .. room, at) end
  local b = redis.call('HINCRBY', base, 'b:' .. room, size)
  redis.call('HINCRBY', base, 'bytes', size)
  local old = redis.call('ZLEXCOUNT', key, '-', '(' .. pad(string.format('%d-0', math.max(0, ms - age))))
  drop(room, b, math.max(count + 1 - length, old), most + 512)
  redis.call('ZADD', due, ms + age, room)
  redis.call('PEXPIRE', key, age)
  while tonumber(redis.call('HGET', base, 'bytes')) > total do
    local first = redis.call('ZRANGE', due, 0, 1)
    local other = first[1] == room and first[2] or first[1]
    if not other then break end
    if other == room then
      if redis.call('ZCARD', key) == 0 then break end
      drop(room, 0, 1, 0)
    else
      forget(other)
    end
  end
end
`

// keepScript keeps messages that others than Sockeye wrote into the log. KEYS:
// {prefix}:history, the stream. ARGV: bytes that all histories may take; then for each
// message the room, its limits (messages, ms, bytes), the id and the number of the entry,
// and its data.
var keepScript = redis.NewScript(`local base = KEYS[1]` + keepLib + `
begin(KEYS[2])
for i = 2, #ARGV, 7 do
  keep(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[1]), ARGV[i + 4], ARGV[i + 5], ARGV[i + 6])
end
return 1
`)

// sweepScript drops up to 1000 rooms in which everything is too old. KEYS:
// {prefix}:history. It answers how many.
var sweepScript = redis.NewScript(`local base = KEYS[1]` + keepLib + `
local time = redis.call('TIME')
local rooms = redis.call('ZRANGEBYSCORE', due, '-inf', '(' .. string.format('%d', time[1] * 1000), 'LIMIT', 0, 1000)
for _, room in ipairs(rooms) do forget(room) end
return #rooms
`)

// beginScript has the histories begin at a place, unless they did before. KEYS:
// {prefix}:history. ARGV: the place.
var beginScript = redis.NewScript(`
if redis.call('HSETNX', KEYS[1], 'floor', ARGV[1]) == 1 then redis.call('HSET', KEYS[1], 'start', ARGV[1]) end
return 1
`)

// tellScript answers with the place at which histories begin, and for each room with the place up to which nothing is known, and its
// messages in a range, up to some number and some bytes and one more; beginning with the
// oldest, or with the newest. KEYS: {prefix}:history, the stream. ARGV: the place after
// which the range begins or "" for the newest, the place at which it ends, number, bytes;
// then for each room its name and how old a message may be, in ms.
var tellScript = redis.NewScript(`local base = KEYS[1]` + keepLib + `
local floor = begin(KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since, hi = ARGV[1], '(' .. ARGV[2] .. ';'
local number, bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local answer = {redis.call('HGET', base, 'start') or floor}
for i = 5, #ARGV, 2 do
  local key = base .. ':room:' .. ARGV[i]
  local is = redis.call('HMGET', base, 'f:' .. ARGV[i], 'l:' .. ARGV[i])
  local unknown = is[1] or floor
  if is[2] and redis.call('EXISTS', key) == 0 then unknown = is[2] end
  local oldest = pad(string.format('%d-0', math.max(0, now - tonumber(ARGV[i + 1]))))
  if redis.call('ZLEXCOUNT', key, since == '' and '-' or '(' .. since .. ';', '(' .. oldest) > 0 then unknown = oldest end
  local lo = '(' .. since .. ';'
  if since < oldest then lo = '[' .. oldest end
  local found, sum, last = {}, 0, hi
  while #found <= number and sum <= bytes do
    local some
    if since == '' then
      some = redis.call('ZREVRANGEBYLEX', key, last, lo, 'LIMIT', 0, 20)
    else
      some = redis.call('ZRANGEBYLEX', key, lo, hi, 'LIMIT', 0, 20)
    end
    for _, element in ipairs(some) do
      if #found <= number and sum <= bytes then
        found[#found + 1] = element
        sum = sum + #element
      end
    end
    if #some < 20 then break end
    lo, last = since == '' and lo or '(' .. some[20], '(' .. some[20]
  end
  answer[#answer + 1] = unknown
  answer[#answer + 1] = found
end
return answer
`)
