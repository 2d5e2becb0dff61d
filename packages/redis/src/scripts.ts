/**
 * All scripts have these keys: epoch, quarantine, intents on everything, writes in flight, then the version
 * (stamp) and the intents of each tag. Their first arguments are the replication id to use if the server does
 * not report one, the command that publishes, the channel, and the message.
 *
 * The epoch is `<replication id>.<random>`, or `!<replication id>` while a writer that modifies everything is
 * active. In that state, it is certain that nothing was lost, and all readers treat the epoch as missing.
 * Intents have no TTL in Redis: a server that is low on memory may evict keys that have one.
 *
 * If its memory is full, a server rejects a script's command that needs memory, unless a command that writes
 * came before it. Therefore, writers start with one that needs no memory, so that other processes are
 * notified anyway.
 */
const prelude = `
local replid = ARGV[1]
local info = redis.pcall('INFO', 'replication')
if type(info) == 'string' then replid = string.match(info, 'master_replid:(%x+)') or replid end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('GET', KEYS[1])
local held = '!' .. replid
local function isLive()
  return epoch and string.sub(epoch, 1, #replid + 1) == replid .. '.'
end
local function tell()
  redis.call(ARGV[2], ARGV[3], ARGV[4])
end
local function liveIntents(key)
  if redis.call('HLEN', key) == 0 then return 0 end
  local live = 0
  local all = redis.call('HGETALL', key)
  for at = 1, #all, 2 do
    if tonumber(all[at + 1]) > now then live = live + 1 else redis.call('HDEL', key, all[at]) end
  end
  return live
end
`

/**
 * Whether it is certain that no intent was lost. If not, a quarantine begins or continues; after it, the
 * epoch is `!<replication id>`.
 */
const certainty = `
local function isCertain(quarantineMs)
  if isLive() or epoch == held then return true end
  local quarantine = redis.call('GET', KEYS[2])
  local known = quarantine and string.sub(quarantine, 1, #replid + 1) == replid .. ':'
  if not known then
    redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[2], replid .. ':' .. string.format('%.0f', now + quarantineMs))
    tell()
    return false
  end
  if now < tonumber(string.sub(quarantine, #replid + 2)) then return false end
  redis.call('DEL', KEYS[2])
  epoch = held
  redis.call('SET', KEYS[1], held)
  return true
end
`

/**
 * Additional arguments: token, lease, whether everything is modified, whether a relay passes the write on:
 * other relays must not pass it back. Returns the replication id.
 */
export const BEGIN: string = `${prelude}
local deadline = string.format('%.0f', now + tonumber(ARGV[6]))
if ARGV[7] == '1' then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[3], ARGV[5], deadline)
  if isLive() or epoch == held then redis.call('SET', KEYS[1], held) end
end
for at = 5, #KEYS, 2 do
  redis.call('DEL', KEYS[at])
  redis.call('HSET', KEYS[at + 1], ARGV[5], deadline)
end
if ARGV[8] ~= '1' then
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now))
  redis.call('ZADD', KEYS[4], deadline, ARGV[4] .. '\\n' .. ARGV[5])
end
tell()
return replid
`

/** Additional arguments: as for `BEGIN`. Returns the replication id, and 1 if all intents existed. */
export const RENEW: string = `${prelude}
local deadline = string.format('%.0f', now + tonumber(ARGV[6]))
local all = 1
local function renew(key)
  local mine = redis.call('HGET', key, ARGV[5])
  if not mine or tonumber(mine) <= now then
    all = 0
    return
  end
  redis.call('HDEL', key, ARGV[5])
  redis.call('HSET', key, ARGV[5], deadline)
end
if ARGV[7] == '1' then renew(KEYS[3]) end
for at = 6, #KEYS, 2 do renew(KEYS[at]) end
if all == 1 and ARGV[8] ~= '1' then redis.call('ZADD', KEYS[4], deadline, ARGV[4] .. '\\n' .. ARGV[5]) end
return { replid, all }
`

/**
 * Additional arguments: token, random string, lifetime of a tag version, whether everything is modified. Has
 * the same result as `OPEN`.
 */
export const END: string = `${prelude}
local isCertain = isLive() or epoch == held
local isComplete = true
local wasGone = false
local function isFree(key)
  local mine = redis.call('HGET', key, ARGV[5])
  local wasLive = mine and tonumber(mine) > now
  if mine then redis.call('HDEL', key, ARGV[5]) end
  if not wasLive then wasGone = true end
  return liveIntents(key) == 0 and wasLive and isCertain
end
if ARGV[8] == '1' then
  if isFree(KEYS[3]) then
    epoch = replid .. '.' .. ARGV[6]
    redis.call('SET', KEYS[1], epoch)
  else
    isComplete = false
    if isCertain then redis.call('SET', KEYS[1], held) end
  end
end
local reply = { replid, epoch }
for at = 5, #KEYS, 2 do
  if isFree(KEYS[at + 1]) then
    local stamp = ARGV[6] .. '.' .. at
    redis.call('SET', KEYS[at], stamp, 'PX', ARGV[7])
    reply[#reply + 1] = stamp
  else
    isComplete = false
    redis.call('DEL', KEYS[at])
  end
end
redis.call('ZREM', KEYS[4], ARGV[4] .. '\\n' .. ARGV[5])
if wasGone then tell() end
if isComplete and isLive() then return reply end
return { replid }
`

/**
 * Additional arguments: random string, lifetime of a tag version, quarantine, number of other regions. Their
 * keys of `Keys.fresh` are the last ones. Returns the replication id and, if the tags are cacheable, the
 * epoch and a version for each tag.
 */
export const OPEN: string = `${prelude}${certainty}
if liveIntents(KEYS[3]) > 0 then return { replid } end
if not isCertain(tonumber(ARGV[7])) then return { replid } end
local last = #KEYS - tonumber(ARGV[8])
for at = last + 1, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 0 then return { replid } end
end
if not isLive() then
  epoch = replid .. '.' .. ARGV[5]
  redis.call('SET', KEYS[1], epoch)
end
local reply = { replid, epoch }
for at = 5, last, 2 do
  local stamp = redis.call('GET', KEYS[at])
  if not stamp then
    if liveIntents(KEYS[at + 1]) > 0 then return { replid } end
    stamp = ARGV[5] .. '.' .. at
    redis.call('SET', KEYS[at], stamp, 'PX', ARGV[6])
  end
  reply[#reply + 1] = stamp
end
return reply
`

/**
 * Additional argument: quarantine. Returns the replication id and, if none can have been lost, a list of the
 * writes in flight: message, line break, token.
 */
export const WRITERS: string = `${prelude}${certainty}
if not isCertain(tonumber(ARGV[5])) then return { replid } end
return { replid, redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. string.format('%.0f', now), '+inf') }
`

/** Deletes the key if it holds the argument. */
export const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`
