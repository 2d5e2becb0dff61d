/** Start of the priority clock. BullMQ has 2^21 priorities: at 10 minutes each, they last until 2065. */
const EPOCH_MS = Date.UTC(2026, 0, 1)
const SLOT_MS = 600_000
const MAX_PRIORITY = 2 ** 21 - 1
/** BullMQ's score of a waiting job is its priority times this number, plus a smaller number. */
const SCORES = 2 ** 32

/**
 * Start of all scripts. The first key is the prefix of all keys, and the first argument is the queue.
 *
 * A task is a BullMQ job. Data without a field in BullMQ is in fields of the same hash whose names begin with
 * `s:`. The field `pb`, in which BullMQ stores the name of the worker, contains the token of the last claim.
 * Keys that belong to no job have the prefix and `@sluice:`.
 *
 * The priority is the time slot of the task's `order`. Within a slot, the score contains the milliseconds,
 * where BullMQ has a counter. Jobs with the same score are in the order of their ids. Older jobs therefore
 * advance without being moved.
 *
 * No JSON of users passes through `cjson`: it rejects half a surrogate pair, and turns `[]` into `{}`.
 */
export const PRELUDE: string = `
local rcall = redis.call
local root = KEYS[1]
local own = root .. '@sluice:'
local queue, p

local function enter(name)
  queue = name
  p = root .. name .. ':'
end
enter(ARGV[1])

local function priorityOf(order)
  return math.min(math.floor(math.max(0, tonumber(order) - ${EPOCH_MS}) / ${SLOT_MS}) + 1, ${MAX_PRIORITY})
end

local function scoreOf(order)
  local priority = priorityOf(order)
  local left = math.max(0, tonumber(order) - ${EPOCH_MS}) - (priority - 1) * ${SLOT_MS}
  return string.format('%.0f', priority * ${SCORES} + math.min(math.floor(left * ${Math.floor(SCORES / SLOT_MS)}), ${SCORES - 1}))
end

local function say(event, id, ...)
  rcall('XADD', p .. 'events', '*', 'event', event, 'jobId', id, ...)
end

local function tell(hint)
  rcall(TELL, own .. 'wake', cjson.encode(hint))
end

local function hasReady()
  return rcall('LLEN', p .. 'wait') + rcall('ZCARD', p .. 'prioritized') > 0
end

-- Adds a job that is in no list to the waiting jobs, at its position.
local function putReady(id)
  local fields = rcall('HMGET', p .. id, 's:order', 'priority')
  local priority = tonumber(fields[2]) or 0
  if fields[1] then rcall('ZADD', p .. 'prioritized', scoreOf(fields[1]), id)
  elseif priority > 0 then rcall('ZADD', p .. 'prioritized', priority * ${SCORES}, id)
  else rcall('RPUSH', p .. 'wait', id) end
end
`

/** Functions that end a task and count it in its batch. No other code does this. */
export const ENDING: string = `
local ended = {}

local function batchKey(batch)
  return own .. 'batch:' .. batch
end

local function isStored(batch)
  return batch ~= '' and rcall('EXISTS', batchKey(batch)) == 1
end

local function endBatch(batch, at)
  local key = batchKey(batch)
  local state = rcall('HMGET', key, 'chunks', 'chunksDone', 'endedAt', 'webhook')
  if not state[1] or state[3] or tonumber(state[2]) < tonumber(state[1]) then return end
  rcall('HSET', key, 'endedAt', at)
  rcall('ZADD', own .. 'ended', at, batch)
  if state[4] then rcall('ZADD', own .. 'unnotified', at, batch) end
  ended[#ended + 1] = rcall('HGETALL', key)
end

local function countItems(batch, done, failed)
  if done ~= '0' then rcall('HINCRBY', batchKey(batch), 'processedItems', done) end
  if failed ~= '0' then rcall('HINCRBY', batchKey(batch), 'failedItems', failed) end
end

local function countChunk(batch, chunk, at)
  if rcall('SETBIT', batchKey(batch) .. ':over', chunk, 1) == 1 then return end
  rcall('HINCRBY', batchKey(batch), 'chunksDone', 1)
  endBatch(batch, at)
end

-- BullMQ can only finish active jobs.
local function takeOver(id, token)
  local key = p .. id
  if not rcall('LPOS', p .. 'active', id) then
    if rcall('ZREM', p .. 'prioritized', id) == 1 then
    elseif rcall('ZREM', p .. 'delayed', id) == 1 then rcall('SREM', p .. '@retry', id)
    elseif rcall('LREM', p .. 'wait', 1, id) == 0 then rcall('LREM', p .. 'paused', 1, id) end
    rcall('LPUSH', p .. 'active', id)
  end
  rcall('SET', key .. ':lock', token, 'PX', 60000)
end

local function finish(id, at, token, target, value, keeps, attempts)
  local options = { token = token, keepJobs = { count = keeps and -1 or 0 }, attempts = attempts, maxMetricsSize = '' }
  moveToFinished(
    { p .. 'wait', p .. 'active', p .. 'prioritized', p .. 'events', p .. 'stalled', p .. 'limiter', p .. 'delayed', p .. 'paused',
      p .. 'meta', p .. 'pc', p .. target, p .. id, p .. 'metrics:' .. target, p .. 'marker' },
    { id, at, target == 'failed' and 'failedReason' or 'returnvalue', value, target, '0', p, cmsgpack.pack(options) })
end

-- The set of failed jobs contains the dead letters. Other unsuccessful chunks of a batch are stored with the
-- completed ones, because their data is needed.
local function park(id, at, status)
  rcall('ZREM', p .. 'failed', id)
  rcall('ZADD', p .. 'completed', at, id)
  rcall('HSET', p .. id, 's:over', status)
end

-- BullMQ does not remove a locked job, nor the job that a job scheduler continues from.
local function remove(id)
  rcall('DEL', p .. id .. ':lock')
  rcall('HDEL', p .. id, 'rjk')
  rcall('SREM', p .. '@retry', id)
  removeJob({ p .. id, p .. 'repeat' }, { id, '0', p })
end

local function cancelled(id, at, token, batch, chunk)
  if isStored(batch) then
    finish(id, at, token, 'failed', 'cancelled', true, 0)
    park(id, at, 'cancelled')
    countChunk(batch, chunk, at)
  else
    remove(id)
  end
end

-- Cancels a waiting job.
local function cancelWaiting(id, at)
  local fields = rcall('HMGET', p .. id, 's:batch', 's:chunk')
  local batch = fields[1] or ''
  if isStored(batch) then takeOver(id, '@cancel') end
  cancelled(id, at, '@cancel', batch, fields[2])
end
`
