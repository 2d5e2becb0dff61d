import { createSluice, type TieredCache } from '@sluice/core'
import type { Redis } from 'ioredis'
import { median } from '../harness.ts'
import { countedRedis } from './counted-redis.ts'
import type { CacheFigure } from './figure.ts'
import { openStore } from './open-store.ts'
import { keyOf, rowOf } from './rows.ts'

const INVALIDATED = { keys: 100_000, group: 100 }
const AT_A_TIME = 1_000
const SCAN_COUNT = 1_000

interface Way {
  readonly ms: number[]
  readonly commands: number[]
}

/**
 * Invalidates a group of 100 of 100,000 keys: by its tag, by searching for its keys, and by the counter that
 * other caches put into keys.
 */
export async function measureTagInvalidation(url: string, rounds: number): Promise<CacheFigure[]> {
  const { redis, taken } = countedRedis(url)
  const plain = countedRedis(`${url}/1`)
  const { store } = await openStore('bench-tags', redis)
  const sluice = createSluice({ cache: { store, consistency: 'strict' } })
  const { tiered } = sluice
  if (tiered === undefined) throw new Error('Expected a cache.')
  try {
    await inBatches((index) => read(tiered, index))
    await inBatches((index) =>
      plain.redis.set(`rows:${groupOf(index)}:${index}`, JSON.stringify(rowOf(index))),
    )
    const ways: Readonly<Record<'tag' | 'scan' | 'incr', Way>> = {
      tag: newWay(),
      scan: newWay(),
      incr: newWay(),
    }
    for (let round = -1; round < rounds; round += 1) {
      const group = round + 1
      await time(round, ways.tag, taken, () => tiered.invalidateTags([groupOf(group * INVALIDATED.group)]))
      await time(round, ways.scan, plain.taken, () =>
        scanAndDelete(plain.redis, `rows:${groupOf(group * INVALIDATED.group)}:*`),
      )
      await time(round, ways.incr, plain.taken, () => plain.redis.incr('version'))
      await assertDropped(tiered, group)
    }
    const { tag, scan, incr } = ways
    const peers = (figure: keyof Way) => ({
      'SCAN and UNLINK': median(scan[figure]),
      INCR: median(incr[figure]),
    })
    return [
      {
        name: 'invalidate a tag of 100 of 100k keys: sent',
        value: Math.max(...tag.commands),
        unit: 'round trips',
        target: { atMost: 2 },
        peers: peers('commands'),
      },
      {
        name: 'invalidate a tag of 100 of 100k keys: time',
        value: median(tag.ms),
        unit: 'ms',
        peers: peers('ms'),
      },
    ]
  } finally {
    await sluice.close()
    redis.disconnect()
    plain.redis.disconnect()
  }
}

function newWay(): Way {
  return { ms: [], commands: [] }
}

function groupOf(index: number): string {
  return `group-${Math.floor(index / INVALIDATED.group)}`
}

function read(tiered: TieredCache, index: number): Promise<unknown> {
  return tiered.getOrLoad(keyOf(index), () => rowOf(index), { ttl: 3_600, tags: [groupOf(index)] })
}

async function inBatches(run: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < INVALIDATED.keys; from += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, at) => run(from + at)))
  }
}

/** The first round warms up. */
async function time(
  round: number,
  way: Way,
  taken: () => string[],
  run: () => Promise<unknown>,
): Promise<void> {
  taken()
  const startedAt = performance.now()
  await run()
  const elapsed = performance.now() - startedAt
  const commands = taken().length
  if (round < 0) return
  way.ms.push(elapsed)
  way.commands.push(commands)
}

async function scanAndDelete(redis: Redis, match: string): Promise<void> {
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT)
    cursor = next
    if (keys.length > 0) await redis.unlink(...keys)
  } while (cursor !== '0')
}

/** The group's keys are loaded again, and none of the next one's. */
async function assertDropped(tiered: TieredCache, group: number): Promise<void> {
  const { group: size } = INVALIDATED
  const before = tiered.getStats().loads
  await Promise.all(Array.from({ length: 2 * size }, (_, at) => read(tiered, group * size + at)))
  const loads = tiered.getStats().loads - before
  if (loads !== size) throw new Error(`Expected ${size} keys to be loaded again, got ${loads}.`)
}
