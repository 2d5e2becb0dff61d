import { StoreUnavailableError } from '@sluice/core/stores'
import type { RedisStore } from '@sluice/redis'
import { expect } from 'vitest'
import { eventually, Witness } from './witness.ts'

export interface Failover {
  readonly writer: RedisStore
  readonly reader: RedisStore
  /** Keys of entries, which may be on several nodes. */
  readonly keys: readonly string[]
  readonly commandTimeoutMs: number
  /** Settles when the replica has all writes. */
  replicated(): Promise<void>
  /** Ends the master, and waits until the replica is promoted. */
  promote(): Promise<void>
}

/**
 * Checks that the state of the promoted replica is not trusted, that calls fail in time without a master, and
 * that invalidations arrive from the new one.
 */
export async function expectFailover({
  writer,
  reader,
  keys,
  commandTimeoutMs,
  replicated,
  promote,
}: Failover): Promise<void> {
  const witness = new Witness(reader)
  try {
    reader.watch(witness)
    const before = await eventually(() => reader.open(['a']))
    await reader.ping()
    const times = { queriedAt: 0, ttlMs: 60_000, costMs: 1 }
    for (const key of keys) await reader.set(key, { value: key, tags: ['a'], times, ...before }, 60_000)
    await replicated()
    const load = witness.load(4)

    await promote()
    const after = await eventually(() => reader.open(['a']))
    witness.stop()
    await load

    expect(after.epoch).not.toBe(before.epoch)
    // The replica has entries and their stamps; the epoch shows that they are outdated.
    const states = await Promise.all(keys.map((key) => eventually(() => reader.read(['a'], key))))
    expect(states.some(({ entry }) => entry?.epoch === before.epoch)).toBe(true)
    for (const state of states) expect(state.epoch).toBe(after.epoch)
    expect(witness.failures.filter((error) => !(error instanceof StoreUnavailableError))).toEqual([])
    expect(witness.slowestMs).toBeLessThan(commandTimeoutMs + 700)

    await eventually(() => reader.ping().then(() => true))
    expect(witness.losses).toBeGreaterThanOrEqual(2)
    witness.tags.length = 0
    await eventually(() => writer.begin(['a'], 'w').then(() => true))
    await reader.ping()
    expect(witness.tags).toContain('a')
    await writer.end(['a'], 'w')
  } finally {
    witness.stop()
    await Promise.all([writer.close(), reader.close()])
  }
}
