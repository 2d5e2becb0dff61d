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
