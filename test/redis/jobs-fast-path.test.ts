import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadBullmq } from '../../packages/redis/src/jobs/load-bullmq.ts'
import { type ScriptName, scriptsWith } from '../../packages/redis/src/jobs/lua/index.ts'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { Random } from '../support/random.ts'

type Argument = string | number

const SEEDS = 20
const OPERATIONS = 60
const BASE = Date.UTC(2026, 5, 1)
const LONG = 1_000_000_000
const SETTINGS = JSON.stringify([2, 3, 5, 0, 1_000, null])

/** All keys below a root with their values, except for times to live and the ids of events. */
const DUMP = `
local dump = {}
for _, key in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do
  local kind = redis.call('TYPE', key).ok
  local value
  if kind == 'string' then value = redis.call('GET', key)
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then value = redis.call('SMEMBERS', key); table.sort(value)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'hash' then value = redis.call('HGETALL', key)
  else value = redis.call('XRANGE', key, '-', '+') end
  dump[#dump + 1] = { key, kind, value }
end
return dump
`

describe.skipIf(findRedisServer() === undefined)('the fast path of a step', () => {
  let server: RedisServer
  let redis: Redis
  beforeAll(async () => {
    server = await startRedisServer()
    redis = new Redis({ port: server.port, host: '127.0.0.1' })
  })
  afterAll(async () => {
    redis?.disconnect()
    await server?.stop()
  })

  /** Runs scripts and commands on keys below a root. Its results do not contain the root. */
  const sideOf = (root: string, scripts: ReadonlyMap<ScriptName, string>) => {
    const withoutRoot = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(`${root}:`, ''))
    return {
      root,
      run: async (name: ScriptName, ...args: Argument[]) =>
        withoutRoot(await redis.eval(scripts.get(name) as string, 1, `${root}:`, ...args)),
      call: (command: string, name: string, ...args: Argument[]) =>
        redis.call(command, `${root}:q:${name}`, ...args),
      dump: async () =>
        withoutRoot(await redis.eval(DUMP, 1, `${root}:`)) as [key: string, kind: string, value: unknown][],
    }
  }
  type Side = ReturnType<typeof sideOf>
  type Operation = (side: Side) => Promise<unknown>

  /** A random program: each operation is drawn once, and runs on both sides. */
  const programOf = (seed: number) => {
    const random = new Random(seed)
    const ids: string[] = []
    const claims: { readonly id: string; readonly token: string }[] = []
    const deleted = new Set<string>()
    const id = () => (ids.length === 0 ? 'none' : random.pick(ids))
    const add = (at: number, now: number): Operation => {
      const rows = Array.from({ length: 1 + random.below(6) }, (_, index) => {
        const [added, kind] = [`t${at}-${index}`, random.below(8)]
        ids.push(added)
        const delay = kind === 1 ? 1 + random.below(5_000) : 0
        const batch = kind === 0 ? ['b', random.below(100), 1] : ['', 0, 0]
        return [
          added,
          now,
          delay,
          '{}',
          now - random.below(2_000_000),
          4,
          kind === 2 ? 'k' : '',
          SETTINGS,
          ...batch,
        ]
      })
      return (side) => side.run('add', 'q', rows.length, ...rows.flat())
    }
    const step = (at: number, now: number): Operation => {
      const settled = Array.from({ length: claims.length === 0 ? 0 : random.below(6) }, () =>
        random.pick(claims),
      )
      // Some stay, like those of a worker whose reply was lost.
      for (const claim of settled)
        if (random.chance(0.9) && claims.includes(claim)) claims.splice(claims.indexOf(claim), 1)
      const rest = settled.filter(() => random.chance(0.3))
      const plain = settled.filter((claim) => !rest.includes(claim))
      const token = `w:${at}`
      const args = [
        'q',
        now,
        token,
        LONG,
        random.below(6),
        'w.0',
        at,
        LONG,
        plain.length,
        plain.length + rest.length,
        ...plain.flatMap((claim) => [claim.id, claim.token, now]),
        ...rest.flatMap((claim) => {
          const kind = random.pick(['done', 'retry', 'release', 'dead', 'cancelled'])
          const isStored = random.below(2)
          const batch = random.pick(['b', ''])
          return [
            claim.id,
            claim.token,
            kind,
            now,
            now + random.below(3_000),
            isStored,
            1,
            0,
            '',
            'no',
            '[]',
            '[]',
            4,
            batch,
          ]
        }),
      ]
      let isFirst = true
      return async (side) => {
        const reply = await side.run('step', ...args)
        if (isFirst) claims.push(...reply[0].map(([claimed]: [string]) => ({ id: claimed, token })))
        isFirst = false
        return reply
      }
    }
    const command = (...[name, key, ...args]: [string, string, ...Argument[]]): Operation => {
      if (name === 'DEL') deleted.add(key)
      return (side) => side.call(name, key, ...args)
    }
    const foreign = (at: number, now: number): Operation => {
      ids.push(`f${at}`)
      return async (side) => {
        const fields = [
          'name',
          'foreign',
          'data',
          '{}',
          'opts',
          '{"attempts":2}',
          'timestamp',
          now,
          'delay',
          0,
          'priority',
          0,
        ]
        await side.call('HSET', `f${at}`, ...fields)
        await side.call('LPUSH', 'wait', `f${at}`)
      }
    }
    const child = (): Operation => {
      const name = id()
      return async (side) => {
        await side.call(
          'HSET',
          name,
          'parentKey',
          `${side.root}:q:parent`,
          'parent',
          `{"id":"parent","queueKey":"${side.root}:q"}`,
        )
        await side.call('SADD', 'parent:dependencies', `${side.root}:q:${name}`)
      }
    }
    const pause = (): Operation => {
      const isPaused = random.below(2)
      return (side) => side.run('pause', 'q', isPaused)
    }
    const rare = [
      foreign,
      pause,
      () => command('HSET', 'meta', 'concurrency', 2),
      () => command('HSET', 'meta', 'max', 2, 'duration', LONG),
      () => command('HDEL', 'meta', 'concurrency', 'max', 'duration', 'paused'),
      () => command('DEL', '@checked'),
      () => command('DEL', 'marker'),
      () => command('DEL', `${id()}:lock`),
      () => command('SADD', `${id()}:dependencies`, 'child'),
      () => command('HSET', id(), 'finishedOn', 1),
      child,
      () => command('SADD', 'stalled', id()),
      () => command('DEL', id()),
    ]
    const next = (at: number): Operation =>
      random.pick([add, step, step, step, random.pick(rare)])(at, BASE + at * 1_000)
    return { next, deleted }
  }

  it('leaves the same tasks, lists and events as the BullMQ scripts that it replaces', async () => {
    const bullmq = await loadBullmq()
    const scripts = {
      fast: scriptsWith(bullmq, 'PUBLISH'),
      slow: scriptsWith({ ...bullmq, hasFastPath: false }, 'PUBLISH'),
    }
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { next, deleted } = programOf(seed)
      const [fast, slow] = [sideOf(`fast${seed}`, scripts.fast), sideOf(`slow${seed}`, scripts.slow)]
      for (let at = 1; at <= OPERATIONS; at += 1) {
        const operation = next(at)
        const where = `seed ${seed}, operation ${at}`
        expect(await operation(fast), where).toEqual(await operation(slow))
        expect(comparable(await fast.dump(), deleted), where).toEqual(comparable(await slow.dump(), deleted))
      }
      await redis.flushall()
    }
  })
})

/**
 * Without the order of the fields of a job and of the events of different jobs, and without the active event
 * of a deleted job.
 */
function comparable(
  dump: readonly (readonly [key: string, kind: string, value: unknown])[],
  deleted: ReadonlySet<string>,
) {
  return Object.fromEntries(dump.map(([key, kind, value]) => [key, plainValue(kind, value, deleted)]))
}

function plainValue(kind: string, value: unknown, deleted: ReadonlySet<string>): unknown {
  if (kind === 'hash') return pairsOf(value as string[])
  if (kind !== 'stream') return value
  const events = (value as [id: string, fields: string[]][]).map(([, fields]) => pairsOf(fields))
  const compared = events.filter(({ event, jobId = '' }) => event !== 'active' || !deleted.has(jobId))
  // A stable sort: the events of one job stay in their order.
  return compared.sort(
    ({ jobId: left = '' }, { jobId: right = '' }) => Number(left > right) - Number(left < right),
  )
}

function pairsOf(flat: readonly string[]): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at] as string, flat[2 * at + 1] as string]),
  )
}
