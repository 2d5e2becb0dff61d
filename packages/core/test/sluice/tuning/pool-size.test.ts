import { describe, expect, it, onTestFinished } from 'vitest'
import { PoolMonitor } from '../../../src/database/pool-monitor.ts'
import { PoolSize } from '../../../src/sluice/tuning/pool-size.ts'
import { Tuner } from '../../../src/sluice/tuning/tuner.ts'
import { resolveTuningOptions } from '../../../src/sluice/tuning/tuning-options.ts'
import { ManualClock } from '../../monitoring/manual-clock.ts'
import { seeded } from '../../monitoring/seeded.ts'

const CHECK_MS = 100_000
const TURN_MS = 5_000

/** Queries that arrive at random, and take the connections of a pool. */
function simulated({ limit, cpu = 0 }: { readonly limit?: number; readonly cpu?: number } = {}) {
  const clock = new ManualClock()
  const random = seeded(5)
  const exponential = (mean: number) => -mean * Math.log(1 - random())
  /** When each connection is free, in milliseconds. */
  const freeAt = Array.from({ length: 10 }, () => 0)
  const state = { perSecond: 96, queryMs: (_connections: number) => 100 }
  const pools = new PoolMonitor(clock, (error) => {
    throw error
  })
  pools.attach(
    'db1',
    () => ({ min: 0, max: freeAt.length, used: 0, idle: 0, waiting: 0 }),
    (max) => {
      const now = clock.now()
      while (freeAt.length < max) freeAt.push(now)
      freeAt.length = max
    },
  )
  const setting = new PoolSize('db1', { pools, clock, cpu: () => cpu, poolLimit: () => limit })
  const tuner = new Tuner(
    {
      clock,
      settingsOf: () => [setting],
      onChange: () => {},
      onError: (error) => {
        throw error
      },
    },
    resolveTuningOptions({ poolSize: { min: 5, max: 40 }, checkMs: CHECK_MS, retryMs: 10 * CHECK_MS }),
  )
  onTestFinished(() => tuner.close())
  let arrival = clock.now()
  const run = async (ms: number) => {
    for (let left = ms; left > 0; left -= TURN_MS) {
      await tuner.tick()
      clock.advance(TURN_MS)
      while (arrival < clock.now()) {
        const earliest = freeAt.indexOf(Math.min(...freeAt))
        const start = Math.max(arrival, freeAt[earliest] ?? 0)
        freeAt[earliest] = start + exponential(state.queryMs(freeAt.length))
        pools.waited('db1', start - arrival, start > arrival, 1)
        arrival += exponential(1_000 / state.perSecond)
      }
    }
    await tuner.tick()
  }
  return { tuner, state, run, max: () => freeAt.length, setting }
}

describe('PoolSize', () => {
  it('keeps more connections if these end the waits', async () => {
    const { tuner, run, max } = simulated()
    await run(3 * CHECK_MS)
    expect(tuner.changes).toMatchObject([
      { kind: 'poolSize', setting: 'maximum of pool db1', from: 10, status: 'kept' },
    ])
    const [change] = tuner.changes
    expect(max()).toBe(change?.to)
    expect(change?.to).toBeGreaterThan(10)
    expect(change?.to).toBeLessThanOrEqual(20)
    expect(change?.expected.from).toBeGreaterThan(50)
    expect(change?.expected.to).toBeLessThan((change?.expected.from ?? 0) / 2)
    // These queries arrive independently of the waits.
    expect(change?.measured?.with).toBeLessThan((change?.expected.from ?? 0) / 10)
    expect(change?.text).toMatch(
      /^Raised maximum of pool db1 from 10 to \d+ \(expected: a mean wait of \d.* and kept it: measured: a mean wait of/,
    )
  })

  it('undoes them if the database only answers more slowly', async () => {
    const { tuner, run, max, state } = simulated()
    state.queryMs = (connections) => 10 * connections
    await run(3 * CHECK_MS)
    expect(tuner.changes).toMatchObject([{ from: 10, status: 'undone' }])
    expect(tuner.changes[0]?.measured).toBeDefined()
    expect(max()).toBe(10)
  })

  it('undoes them if there is less traffic to compare with', async () => {
    const { tuner, run, max, state } = simulated()
    await run(CHECK_MS + TURN_MS)
    expect(tuner.changes).toMatchObject([{ status: 'checking' }])
    state.perSecond = 60
    await run(3 * CHECK_MS)
    expect(tuner.changes).toMatchObject([{ status: 'undone' }])
    expect(tuner.changes[0]).not.toHaveProperty('measured')
    expect(max()).toBe(10)
  })

  it('does not exceed the connections of the server', async () => {
    const { run, max, tuner, setting } = simulated({ limit: 12 })
    await run(CHECK_MS - TURN_MS)
    expect(setting.advise()?.to).toBe(12)
    await run(CHECK_MS)
    expect(max()).toBe(12)
    expect(tuner.changes).toMatchObject([{ to: 12 }])
  })

  it.each([
    ['no query waits long', { perSecond: 50 }, {}],
    ['the server has no free connections', {}, { limit: 10 }],
    ['the CPU is busy', {}, { cpu: 80 }],
  ])('changes nothing if %s', async (_what, traffic, parts) => {
    const { run, max, tuner, state } = simulated(parts)
    Object.assign(state, traffic)
    await run(3 * CHECK_MS)
    expect(tuner.changes).toEqual([])
    expect(max()).toBe(10)
  })
})
