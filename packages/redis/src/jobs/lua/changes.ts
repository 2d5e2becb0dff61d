import { ENDING, PRELUDE } from './prelude.ts'

/** Number of arguments per task. */
const TASK_WIDTH = 11

/**
 * Adds tasks to one queue. Arguments: queue, number of tasks, and for each task: id, creation time,
 * milliseconds from then until it may run, data, order, attempts, unique key, settings, batch, chunk, items.
 * An empty string stands for none. Returns for each task an id, and whether it belongs to an existing task.
 */
export const ADD: string = `${PRELUDE}
rcall('SADD', own .. 'queues', queue)
local wasReady = hasReady()
local isSooner = false
local added = {}

local function firstDelayed()
  return rcall('ZRANGE', p .. 'delayed', 0, 0)[1]
end

local function add(first)
  local id, createdAt, delay, data, order = ARGV[first], ARGV[first + 1], tonumber(ARGV[first + 2]), ARGV[first + 3], ARGV[first + 4]
  local unique, batch = ARGV[first + 6], ARGV[first + 8]
  local key = p .. id
  if rcall('EXISTS', key) == 1 then return id, 1 end
  local options = { attempts = tonumber(ARGV[first + 5]), priority = priorityOf(order), removeOnComplete = true }
  if delay > 0 then options.delay = delay end
  if unique ~= '' then options.de = { id = unique } end
  local known = { [1] = p, [2] = id, [3] = queue, [4] = createdAt }
  if unique ~= '' then known[9] = p .. 'de:' .. unique end
  local given = { cmsgpack.pack(known), data, cmsgpack.pack(options) }
  local there
  if delay > 0 then
    there = addDelayedJob({ p .. 'marker', p .. 'meta', p .. 'id', p .. 'delayed', p .. 'completed', p .. 'events' }, given)
  else
    there = addPrioritizedJob(
      { p .. 'marker', p .. 'meta', p .. 'id', p .. 'prioritized', p .. 'delayed', p .. 'completed', p .. 'active', p .. 'events', p .. 'pc' },
      given)
  end
  if there ~= id then return there, 1 end
  rcall('HSET', key, 's:order', order, 's:settings', ARGV[first + 7])
  if delay == 0 then rcall('ZADD', p .. 'prioritized', scoreOf(order), id) end
  if batch ~= '' then
    rcall('HSET', key, 's:batch', batch, 's:chunk', ARGV[first + 9], 's:items', ARGV[first + 10])
    if rcall('EXISTS', own .. 'batch:' .. batch) == 1 then
      rcall('ZADD', own .. 'batch:' .. batch .. ':parts', ARGV[first + 9], queue .. ':' .. id)
    end
  end
  if delay > 0 and firstDelayed() == id then isSooner = true end
  return id, 0
end

for index = 0, tonumber(ARGV[2]) - 1 do
  added[#added + 1], added[#added + 2] = add(3 + index * ${TASK_WIDTH})
end
-- Workers that wait for tasks found the queue empty.
if isSooner or (not wasReady and hasReady()) then tell({ queue = queue }) end
return added
`

/** Parts of a batch, or dead-lettered tasks, that are processed per call. */
const GROUP = 500

/**
 * Renews claims. Arguments: no queue, lease, and for each claim: queue, id, token. Returns the indexes of
 * lost claims, and those of canceled ones.
 */
export const RENEW: string = `${PRELUDE}
local lost, cancelled = {}, {}
for first = 3, #ARGV, 3 do
  enter(ARGV[first])
  local id, token = ARGV[first + 1], ARGV[first + 2]
  local key, place = p .. id, (first - 3) / 3
  local lock = rcall('GET', key .. ':lock')
  local isHeld = lock == token
  -- The lease has expired, and no process has reassigned the task yet.
  if not lock and rcall('HGET', key, 'pb') == token and rcall('LPOS', p .. 'active', id) then isHeld = true end
  if isHeld then
    rcall('SET', key .. ':lock', token, 'PX', ARGV[2])
    if rcall('HEXISTS', key, 's:cancel') == 1 then cancelled[#cancelled + 1] = place end
  else
    lost[#lost + 1] = place
  end
end
return { lost, cancelled }
`

/**
 * Cancels a task. Arguments: queue, id, time. Returns the state of the canceled task, `waiting` or `running`,
 * or `false`, and batches that have ended.
 */
export const CANCEL: string = `${PRELUDE}${ENDING}
local id = ARGV[2]
local fields = rcall('HMGET', p .. id, 'name', 'finishedOn')
if not fields[1] or fields[2] then return { false, ended } end
if rcall('LPOS', p .. 'active', id) then
  rcall('HSET', p .. id, 's:cancel', '1')
  tell({ cancel = id })
  return { 'running', ended }
end
cancelWaiting(id, ARGV[3])
return { 'waiting', ended }
`

/**
 * Cancels some parts of a batch. Arguments: no queue, batch, time, index of the first part. Returns whether
 * there is an unfinished batch, the number of parts processed, and batches that have ended.
 */
export const CANCEL_BATCH: string = `${PRELUDE}${ENDING}
local batch, at = ARGV[2], ARGV[3]
local key = batchKey(batch)
if rcall('EXISTS', key) == 0 or rcall('HEXISTS', key, 'endedAt') == 1 then return { 0, 0, ended } end
rcall('HSET', key, 'isCancelled', '1')
local parts = rcall('ZRANGE', key .. ':parts', ARGV[4], ARGV[4] + ${GROUP - 1}, 'WITHSCORES')
for index = 1, #parts, 2 do
  local name, id = string.match(parts[index], '^(.-):(.*)$')
  enter(name)
  local fields = rcall('HMGET', p .. id, 'name', 'finishedOn')
  if not fields[1] then
    -- It was deleted externally: count it as finished, if it is not counted yet.
    countChunk(batch, parts[index + 1], at)
  elseif not fields[2] then
    if rcall('LPOS', p .. 'active', id) then
      rcall('HSET', p .. id, 's:cancel', '1')
      tell({ cancel = id })
    else
      cancelWaiting(id, at)
    end
  end
end
return { 1, #parts / 2, ended }
`

/** Replays a task. Arguments: queue, id. Returns whether it was dead-lettered and can run again. */
export const REPLAY: string = `${PRELUDE}
local id = ARGV[2]
local key = p .. id
if not rcall('ZSCORE', p .. 'failed', id) then return 0 end
local fields = rcall('HMGET', key, 'deid', 's:batch', 's:chunk', 's:items', 's:order')
if fields[1] and not rcall('SET', p .. 'de:' .. fields[1], id, 'NX') then return 0 end
local wasReady = hasReady()
reprocessJob(
  { key, p .. 'events', p .. 'failed', p .. 'wait', p .. 'meta', p .. 'active', p .. 'marker', p .. 'prioritized', p .. 'pc' },
  { id, 'LPUSH', 'failedReason', 'failed', '1', '1' })
rcall('HDEL', key, 'stc', 's:cancel')
if fields[5] then rcall('ZADD', p .. 'prioritized', scoreOf(fields[5]), id) end
if fields[2] then
  local batch = own .. 'batch:' .. fields[2]
  if rcall('EXISTS', batch) == 1 and rcall('SETBIT', batch .. ':over', fields[3], 0) == 1 then
    rcall('HINCRBY', batch, 'chunksDone', -1)
    rcall('HINCRBY', batch, 'failedItems', 0 - fields[4])
    rcall('HDEL', batch, 'endedAt', 'isNotified')
    rcall('ZREM', own .. 'ended', fields[2])
    rcall('ZREM', own .. 'unnotified', fields[2])
  end
end
if not wasReady then tell({ queue = queue }) end
return 1
`

/**
 * Purges dead-lettered tasks that failed before a time: those with the given ids, or some of the queue.
 * Arguments: queue, time, ids. Returns their number.
 */
export const PURGE: string = `${PRELUDE}${ENDING}
local ids = {}
if #ARGV > 2 then
  for index = 3, #ARGV do
    local score = rcall('ZSCORE', p .. 'failed', ARGV[index])
    if score and (ARGV[2] == '+inf' or tonumber(score) < tonumber(ARGV[2])) then ids[#ids + 1] = ARGV[index] end
  end
else
  ids = rcall('ZRANGEBYSCORE', p .. 'failed', '-inf', ARGV[2] == '+inf' and '+inf' or '(' .. ARGV[2], 'LIMIT', 0, ${GROUP})
end
for _, id in ipairs(ids) do
  local fields = rcall('HMGET', p .. id, 's:batch', 'finishedOn')
  if isStored(fields[1] or '') then park(id, fields[2], 'failed') else remove(id) end
end
return #ids
`

/** Pauses or resumes a queue. Arguments: queue, whether it is paused. */
export const PAUSE: string = `${PRELUDE}
rcall('SADD', own .. 'queues', queue)
local from, to = 'wait', 'paused'
if ARGV[2] == '0' then from, to = 'paused', 'wait' end
local keys = { p .. from, p .. to, p .. 'meta', p .. 'prioritized', p .. 'events', p .. 'delayed', p .. 'marker' }
-- An older version of BullMQ may have left jobs in a separate list.
local left = pause(keys, { ARGV[2] == '0' and 'resumed' or 'paused', '1' })
while ARGV[2] == '0' and left > 0 do left = pause(keys, { 'resumed', '0' }) end
if ARGV[2] == '0' then tell({ queue = queue }) end
`

/**
 * Seals a batch whose parts were all added. Arguments: no queue, batch, chunks, items, time. Returns batches
 * that have ended.
 */
export const SEAL: string = `${PRELUDE}${ENDING}
if rcall('EXISTS', batchKey(ARGV[2])) == 0 then return ended end
rcall('HSET', batchKey(ARGV[2]), 'chunks', ARGV[3], 'totalItems', ARGV[4])
endBatch(ARGV[2], ARGV[5])
return ended
`

export const NOTIFIED: string = `${PRELUDE}
rcall('ZREM', own .. 'unnotified', ARGV[2])
if rcall('EXISTS', own .. 'batch:' .. ARGV[2]) == 1 then rcall('HSET', own .. 'batch:' .. ARGV[2], 'isNotified', '1') end
`

/**
 * Deletes a batch, or some of its parts. Dead-lettered tasks remain. Arguments: no queue, batch. Returns
 * whether there is more to delete.
 */
export const FORGET: string = `${PRELUDE}${ENDING}
local key = batchKey(ARGV[2])
-- One of its dead letters is being retried.
if isStored(ARGV[2]) and rcall('HEXISTS', key, 'endedAt') == 0 then return 0 end
local parts = rcall('ZRANGE', key .. ':parts', 0, ${GROUP - 1})
for _, part in ipairs(parts) do
  local name, id = string.match(part, '^(.-):(.*)$')
  enter(name)
  if rcall('ZSCORE', p .. 'completed', id) then remove(id) end
end
if #parts == ${GROUP} then
  rcall('ZREMRANGEBYRANK', key .. ':parts', 0, ${GROUP - 1})
  return 1
end
rcall('DEL', key, key .. ':parts', key .. ':over')
rcall('ZREM', own .. 'ended', ARGV[2])
rcall('ZREM', own .. 'unnotified', ARGV[2])
return 0
`
