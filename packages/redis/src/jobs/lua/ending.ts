/** Functions that end a task and count it in its batch. No other code does this. */
export const ENDING: string = `
local ended = {}

local function batchKey(batch)
  return own .. 'batch:' .. batch
end

local function isKept(batch)
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
  if isKept(batch) then
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
  if isKept(batch) then takeOver(id, '@cancel') end
  cancelled(id, at, '@cancel', batch, fields[2])
end
`
