import { PRELUDE } from './prelude.ts'

const STATE = `
-- The state of a job, when it is due, and all its fields.
local function recordOf(id)
  local fields = rcall('HGETALL', p .. id)
  if #fields == 0 then return false end
  local due = rcall('ZSCORE', p .. 'delayed', id)
  if due then return { queue, id, 'delayed', due, fields } end
  local state = 'wait'
  if rcall('ZSCORE', p .. 'failed', id) then state = 'failed'
  elseif rcall('ZSCORE', p .. 'completed', id) then state = 'completed'
  elseif rcall('ZSCORE', p .. 'prioritized', id) then state = 'wait'
  elseif rcall('LPOS', p .. 'active', id) then state = 'active' end
  return { queue, id, state, '0', fields }
end
`

/** Arguments: no queue, then queues and ids. Returns the record of each task, or `false`. */
export const RECORDS: string = `${PRELUDE}${STATE}
local records = {}
for index = 2, #ARGV, 2 do
  enter(ARGV[index])
  records[#records + 1] = recordOf(ARGV[index + 1])
end
return records
`

/** Returns the queue that contains a task, or `false`. Arguments: no queue, id. */
export const FIND: string = `${PRELUDE}
for _, name in ipairs(rcall('SMEMBERS', own .. 'queues')) do
  if rcall('EXISTS', root .. name .. ':' .. ARGV[2]) == 1 then return name end
end
return false
`

/**
 * Argument: queue. Returns the number of delayed tasks, of those among them that are retries, and of ready,
 * running and dead-lettered tasks; whether the queue is paused; and the creation times of the next few tasks.
 */
export const COUNTS: string = `${PRELUDE}
local times = {}
for _, id in ipairs(rcall('LRANGE', p .. 'wait', -10, -1)) do times[#times + 1] = rcall('HGET', p .. id, 'timestamp') end
for _, id in ipairs(rcall('ZRANGE', p .. 'prioritized', 0, 19)) do times[#times + 1] = rcall('HGET', p .. id, 'timestamp') end
return {
  rcall('ZCARD', p .. 'delayed'), rcall('SCARD', p .. '@retry'), rcall('LLEN', p .. 'wait') + rcall('ZCARD', p .. 'prioritized'),
  rcall('LLEN', p .. 'active'), rcall('ZCARD', p .. 'failed'), rcall('HEXISTS', p .. 'meta', 'paused'), times }
`

/**
 * Returns dead-lettered tasks, the oldest first. Arguments: queue, index of the first task, index of the last
 * task. Returns for each task the id, the time of the failure, and the bytes of its data.
 */
export const DEAD: string = `${PRELUDE}
local dead = rcall('ZRANGE', p .. 'failed', ARGV[2], ARGV[3], 'WITHSCORES')
local found = {}
for index = 1, #dead, 2 do found[#found + 1] = { dead[index], dead[index + 1], rcall('HSTRLEN', p .. dead[index], 'data') } end
return found
`

/** Arguments: no queue, ids of batches. Returns the fields of each batch. */
export const BATCHES: string = `${PRELUDE}
local found = {}
for index = 2, #ARGV do found[#found + 1] = rcall('HGETALL', own .. 'batch:' .. ARGV[index]) end
return found
`
