import { PRELUDE } from './prelude.ts'

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
