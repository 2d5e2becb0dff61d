import { CLAIM_FIELDS } from '../job-fields.ts'
import { ENDING, PRELUDE } from './prelude.ts'

/** Tasks that one command modifies. */
const GROUP = 500

/**
 * Replaces BullMQ's `moveToActive` and `moveToFinished` for tasks that need no other features of them.
 * Commands that these scripts run once per task run once for several tasks here. Leaves all other tasks to
 * the scripts, and every task if the scripts differ from those that it was compared with.
 */
const FAST_PATH: string = `
local meta = rcall('HMGET', p .. 'meta', 'paused', 'concurrency', 'max', 'duration', 'opts.maxLenEvents')

-- Finishes completed tasks that are active and have no parent, no children and no deduplication key. Ignores
-- the token of the worker: a completed task counts. Arguments: index of the first argument of the first task,
-- number of tasks. Each task has 3 arguments: id, token, at. Returns a table with the indexes of the finished
-- tasks as keys.
local function finishFast(first, count)
  local finished = {}
  if not HAS_FAST_PATH or count == 0 or not meta[5] then return finished end
  local last = first + (math.min(count, ${GROUP}) - 1) * 3
  local children = {}
  for place = first, last, 3 do
    local key = p .. ARGV[place]
    children[#children + 1] = key .. ':dependencies'
    children[#children + 1] = key .. ':unsuccessful'
  end
  if rcall('EXISTS', unpack(children)) > 0 then return finished end
  local ids, keys = {}, {}
  for place = first, last, 3 do
    local id = ARGV[place]
    local key = p .. id
    local fields = rcall('HMGET', key, 'name', 'finishedOn', 'parentKey', 'parent', 'deid')
    local isPlain = fields[1] and not (fields[2] or fields[3] or fields[4] or fields[5])
    -- A task that is passed twice is in the list once.
    if isPlain and rcall('LREM', p .. 'active', -1, id) == 1 then
      if #ids == 0 then rcall('XTRIM', p .. 'events', 'MAXLEN', '~', meta[5]) end
      say('completed', id, 'returnvalue', 'null', 'prev', 'active')
      finished[place] = true
      ids[#ids + 1] = id
      for _, suffix in ipairs({ '', ':lock', ':logs', ':dependencies', ':processed', ':failed', ':unsuccessful' }) do
        keys[#keys + 1] = key .. suffix
      end
    end
  end
  if #ids > 0 then
    rcall('DEL', unpack(keys))
    rcall('SREM', p .. 'stalled', unpack(ids))
    if not hasReady() and rcall('LLEN', p .. 'active') == 0 then rcall('XADD', p .. 'events', '*', 'event', 'drained') end
  end
  return finished
end

-- Claims tasks by priority. Jobs without a priority come first: BullMQ claims those, and all jobs of a queue
-- that is paused or has a limit.
local function claimFast(claims, want, token, lease)
  if not HAS_FAST_PATH or meta[1] or meta[2] or meta[3] or meta[4] or rcall('LLEN', p .. 'wait') > 0 then return end
  local asked, popped
  repeat
    asked = math.min(want - #claims, ${GROUP})
    popped = rcall('ZPOPMIN', p .. 'prioritized', asked)
    local ids = {}
    for index = 1, #popped, 2 do
      local id = popped[index]
      local key = p .. id
      local claim = claimOf(id)
      if claim then
        rcall('SET', key .. ':lock', token, 'PX', lease)
        say('active', id, 'prev', 'waiting')
        claim[2] = tostring((tonumber(claim[2]) or 0) + 1)
        rcall('HSET', key, 'processedOn', ARGV[2], 'pb', token, 'ats', claim[2])
        ids[#ids + 1] = id
        claims[#claims + 1] = claim
      else
        -- The job was deleted externally, but not its id in the queue.
        rcall('DEL', key)
      end
    end
    if #ids > 0 then
      rcall('LPUSH', p .. 'active', unpack(ids))
      rcall('ZADD', p .. 'marker', 0, '0')
    end
  until #claims == want or #popped < 2 * asked
end
`

/** Number of arguments per outcome. */
const OUTCOME_WIDTH = 14
const PLAIN_WIDTH = 3

/** How long the reply to a step is stored, in case it was lost. */
const ANSWER_MS = 600_000
/** Maximum number of jobs that become ready per call. */
const PROMOTED = 1_000

const CLAIM = `
-- A claim of a job: its id, and the fields that a worker reads. \`false\` if the job does not exist. A job that
-- BullMQ added has options instead of settings.
local function claimOf(id)
  local claim = rcall('HMGET', p .. id, 'name', ${CLAIM_FIELDS.map((name) => `'${name}'`).join(', ')})
  if not claim[1] then return false end
  claim[1] = id
  if not claim[${CLAIM_FIELDS.indexOf('s:settings') + 2}] then claim[#claim + 1] = rcall('HGET', p .. id, 'opts') end
  return claim
end
`

/**
 * Records outcomes and claims tasks. Arguments: queue, now, token of the claims, lease, number of tasks
 * wanted, owner, number of this step, milliseconds between two searches for lost workers, number of plain
 * outcomes, number of all outcomes. A plain outcome is `done` and has 3 arguments: id, token, time. Then
 * follow the other outcomes: id, token, kind, time, run at, whether the task is stored, items done, items
 * failed, data, message, failures, stack traces, all attempts, batch. An empty string stands for none.
 *
 * Returns claims, the indexes of outcomes whose claims were lost, batches that have ended, and when the next
 * delayed task is due; or `false` if this step was abandoned.
 */
export const STEP: string = `${PRELUDE}${ENDING}${CLAIM}${FAST_PATH}
local now = tonumber(ARGV[2])
local token, lease, want = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local answerKey = own .. 'step:' .. ARGV[6] .. ':' .. queue
local last = rcall('GET', answerKey)
if last and tonumber(string.match(last, '^%d+')) >= tonumber(ARGV[7]) then return false end

local lost = {}
local events, active, delayed = p .. 'events', p .. 'active', p .. 'delayed'

-- Whether no other worker has the task. An expired lease is renewed, unless the task was reassigned.
local function holds(id, held)
  local lock = rcall('GET', p .. id .. ':lock')
  if lock then return lock == held end
  if rcall('HGET', p .. id, 'pb') ~= held or not rcall('LPOS', active, id) then return false end
  rcall('SET', p .. id .. ':lock', held, 'PX', lease)
  return true
end

local function later(id, held, runAt, skipsAttempt)
  local delay = math.max(0, math.ceil(runAt) - now)
  moveToDelayed(
    { p .. 'marker', active, p .. 'prioritized', delayed, p .. id, events, p .. 'meta', p .. 'stalled', p .. 'wait', p .. 'limiter', p .. 'pc' },
    { p, ARGV[2], id, held, string.format('%.0f', delay), skipsAttempt, '', '0', '' })
end

-- Finishes a completed task that has no other fields, even if another worker has it.
local function settlePlain(id, held, at)
  local fields = rcall('HMGET', p .. id, 'name', 'finishedOn')
  if not fields[1] or fields[2] then return false end
  if rcall('GET', p .. id .. ':lock') ~= held then takeOver(id, held) end
  finish(id, at, held, 'completed', 'null', false, 0)
  return true
end

local function settle(first)
  local id, held, kind, at, runAt = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3], tonumber(ARGV[first + 4])
  local keeps, done, failed, batch = ARGV[first + 5] == '1', ARGV[first + 6], ARGV[first + 7], ARGV[first + 13]
  local key = p .. id
  local fields = rcall('HMGET', key, 'name', 'finishedOn', 's:chunk', 's:cancel', 's:items')
  if not fields[1] or fields[2] then return false end
  if kind == 'done' then
    -- If another worker has processed items meanwhile, fewer are left.
    done = fields[5] or done
    if rcall('GET', key .. ':lock') ~= held then takeOver(id, held) end
  elseif not holds(id, held) then
    return false
  end
  if ARGV[first + 8] ~= '' then rcall('HSET', key, 'data', ARGV[first + 8]) end
  if ARGV[first + 10] ~= '' then
    rcall('HSET', key, 'failedReason', ARGV[first + 9], 's:failures', ARGV[first + 10], 'stacktrace', ARGV[first + 11])
  end
  local inBatch = isStored(batch)
  if inBatch then
    if done ~= '0' then rcall('HINCRBY', key, 's:items', '-' .. done) end
    countItems(batch, done, failed)
  end
  if kind == 'retry' or kind == 'release' then
    if kind == 'release' and runAt <= now then
      moveJobFromActiveToWait(
        { active, p .. 'wait', p .. 'stalled', p .. 'paused', p .. 'meta', p .. 'limiter', p .. 'prioritized', p .. 'marker', events },
        { id, held, key })
      local order = rcall('HGET', key, 's:order')
      if order then rcall('ZADD', p .. 'prioritized', scoreOf(order), id) end
    else
      later(id, held, runAt, kind == 'retry' and '0' or '1')
      if kind == 'retry' then rcall('SADD', p .. '@retry', id) end
    end
    if fields[4] then cancelWaiting(id, at) end
    return true
  end
  if kind == 'cancelled' then
    cancelled(id, at, held, batch, fields[3])
    return true
  end
  if kind == 'done' then
    finish(id, at, held, 'completed', 'null', inBatch, 0)
  else
    if keeps then rcall('HDEL', key, 's:cancel') end
    finish(id, at, held, 'failed', ARGV[first + 9], keeps or inBatch, tonumber(ARGV[first + 12]))
    if inBatch and not keeps then park(id, at, 'failed') end
  end
  if inBatch then countChunk(batch, fields[3], at) end
  return true
end

local plain, all = tonumber(ARGV[9]), tonumber(ARGV[10])
local finished = finishFast(11, plain)
for place = 0, plain - 1 do
  local first = 11 + place * ${PLAIN_WIDTH}
  if not finished[first] and not settlePlain(ARGV[first], ARGV[first + 1], ARGV[first + 2]) then lost[#lost + 1] = place end
end
for place = plain, all - 1 do
  if not settle(11 + plain * ${PLAIN_WIDTH} + (place - plain) * ${OUTCOME_WIDTH}) then lost[#lost + 1] = place end
end

if want > 0 and rcall('SET', p .. '@checked', '1', 'PX', ARGV[8], 'NX') then
  -- BullMQ may have added all jobs of the queue.
  rcall('SADD', own .. 'queues', queue)
  for _, id in ipairs(rcall('LRANGE', active, 0, -1)) do
    if rcall('EXISTS', p .. id .. ':lock') == 0 then
      rcall('LREM', active, 1, id)
      if rcall('HEXISTS', p .. id, 'name') == 0 then
        rcall('DEL', p .. id)
      else
        rcall('HINCRBY', p .. id, 'stc', 1)
        putReady(id)
        say('stalled', id)
        say('waiting', id, 'prev', 'active')
        if rcall('HEXISTS', p .. id, 's:cancel') == 1 then cancelWaiting(id, ARGV[2]) end
      end
    end
  end
end

-- A delayed job that BullMQ promotes itself would move to the front of its slot. The time that is passed to
-- BullMQ prevents this.
local movedAt = ARGV[2]
if want > 0 then
  local due = rcall('ZRANGEBYSCORE', delayed, 0, string.format('%.0f', (now + 1) * 0x1000 - 1), 'WITHSCORES', 'LIMIT', 0, ${PROMOTED + 1})
  for index = 1, #due, 2 do
    if index > ${2 * PROMOTED} then
      movedAt = string.format('%.0f', math.floor(tonumber(due[index + 1]) / 0x1000) - 1)
      break
    end
    local id = due[index]
    rcall('ZREM', delayed, id)
    rcall('SREM', p .. '@retry', id)
    if rcall('HEXISTS', p .. id, 'name') == 1 then
      rcall('HSET', p .. id, 'delay', 0)
      putReady(id)
      say('waiting', id, 'prev', 'delayed')
    end
  end
end

local claims = {}
local nextAt = false
local moveKeys = { p .. 'wait', active, p .. 'prioritized', events, p .. 'stalled', p .. 'limiter', delayed, p .. 'paused', p .. 'meta', p .. 'pc', p .. 'marker' }
local moveArguments = { p, movedAt, cmsgpack.pack({ token = token, lockDuration = lease, name = token }) }
if want > 0 then claimFast(claims, want, token, lease) end
while #claims < want do
  local moved = moveToActive(moveKeys, moveArguments)
  if type(moved[1]) ~= 'table' then
    if moved[4] ~= 0 then nextAt = moved[4] end
    break
  end
  local claim = claimOf(moved[2])
  if claim then
    claims[#claims + 1] = claim
  else
    -- The job was deleted externally, but not its id in the queue.
    rcall('LREM', active, 1, moved[2])
    rcall('DEL', p .. moved[2], p .. moved[2] .. ':lock')
  end
end

if all > 0 or #claims > 0 then
  local over, claimed = {}, {}
  for index, claim in ipairs(claims) do claimed[index] = claim[1] end
  for index, fields in ipairs(ended) do
    for at = 1, #fields, 2 do if fields[at] == 'id' then over[index] = fields[at + 1] end end
  end
  rcall('SET', answerKey, ARGV[7] .. '|' .. cjson.encode({ lost, over, claimed }), 'PX', ${ANSWER_MS})
end
return { claims, lost, ended, nextAt }
`

/**
 * Returns the result of a step whose reply was lost. Arguments: queue, token of its claims, lease, owner,
 * number of the step. Returns claims that are still held, the indexes of outcomes whose claims were lost, and
 * batches that have ended; or `false` if the step was not executed: then it never will be.
 */
export const RECALL: string = `${PRELUDE}${CLAIM}
local answerKey = own .. 'step:' .. ARGV[4] .. ':' .. queue
local last = rcall('GET', answerKey)
local number, answer = string.match(last or '-1|', '^(%-?%d+)|(.*)$')
if tonumber(number) < tonumber(ARGV[5]) or answer == '' then
  rcall('SET', answerKey, ARGV[5] .. '|', 'PX', ${ANSWER_MS})
  return false
end
local known = cjson.decode(answer)
local claims, ended = {}, {}
for _, id in ipairs(known[3]) do
  if rcall('GET', p .. id .. ':lock') == ARGV[2] then
    rcall('SET', p .. id .. ':lock', ARGV[2], 'PX', ARGV[3])
    claims[#claims + 1] = claimOf(id) or nil
  end
end
for _, batch in ipairs(known[2]) do ended[#ended + 1] = rcall('HGETALL', own .. 'batch:' .. batch) end
return { claims, known[1], ended, false }
`
