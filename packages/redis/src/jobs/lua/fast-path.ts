/** Tasks that one command modifies. */
const GROUP = 500

/**
 * Replaces BullMQ's `moveToActive` and `moveToFinished` for tasks that need no other features of them.
 * Commands that these scripts run once per task run once for several tasks here. Leaves all other tasks to
 * the scripts, and every task if the scripts differ from those that it was compared with.
 */
export const FAST_PATH: string = `
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
