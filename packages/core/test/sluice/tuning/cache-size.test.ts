import { createSluice, reportMarkdown, type Sluice, type SluiceOptions } from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { TuningChange } from '../../../src/monitoring/report/advice.ts'
import { ManualClock } from '../../monitoring/manual-clock.ts'
import { seeded } from '../../monitoring/seeded.ts'

const MB = 1_048_576
const CHECK_MS = 600_000
const TURN_MS = CHECK_MS / 20
const range = { min: MB / 4, max: 4 * MB }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A Sluice whose cache can contain about 800 of the values that `run` reads. */
function open(options: SluiceOptions = {}) {
  const clock = new ManualClock()
  const sluice = createSluice({ clock, cache: { maxBytes: MB, tiered: { ttl: 86_400 } }, ...options })
  onTestFinished(() => sluice.close())
  const random = seeded(3)
  let loads = 0
  let scanned = 0
  const load = () => {
    loads += 1
    return 'x'.repeat(800)
  }
  const read = (key: string) => sluice.tiered?.getOrLoad(key, load)
  /** 40 reads per second. */
  const run = async (ms: number, key: () => string) => {
    for (let left = ms; left > 0; left -= TURN_MS) {
      for (let at = 0; at < (TURN_MS / 1_000) * 40; at += 1) await read(key())
      clock.advance(TURN_MS)
      await vi.advanceTimersByTimeAsync(TURN_MS)
    }
  }
  return {
    sluice,
    clock,
    run,
    loads: () => loads,
    /** A working set that fits into twice the memory. */
    working: () => `city ${Math.floor(random() * 1_300)}`,
    /** Every key once. */
    scan: () => {
      scanned += 1
      return `scanned ${scanned}`
    },
  }
}

const bytesOf = (sluice: Sluice) => sluice.cache?.getStats().totalMemory

describe('sluice.tune with a range for the cache', () => {
  it('keeps twice the memory for a working set that fits into it', async () => {
    const { sluice, run, working, loads } = open()
    await sluice.tune({ cacheBytes: range, checkMs: CHECK_MS })
    await run(CHECK_MS / 2, working)
    const before = loads()
    await run(CHECK_MS / 4, working)
    const loadsBefore = loads() - before
    await run(2 * CHECK_MS, working)
    expect(sluice.getTuning()).toMatchObject([
      { kind: 'cacheBytes', setting: 'cache.maxBytes', from: MB, to: 2 * MB, status: 'kept' },
    ])
    const [{ expected, measured } = {}] = sluice.getTuning() as [TuningChange]
    expect(expected?.to).toBeGreaterThan(0.95)
    expect(measured?.with).toBeGreaterThan(0.99)
    expect(measured?.without).toBeLessThan(0.8)
    expect(Math.abs((measured?.without ?? 0) - (expected?.from ?? 0))).toBeLessThan(0.05)
    expect(bytesOf(sluice)).toBe(2 * MB)
    const after = loads()
    await run(CHECK_MS / 4, working)
    expect(loads() - after).toBeLessThan(loadsBefore / 100)
  })

  it('undoes it when a scan follows, and does not try again for retryMs', async () => {
    const { sluice, run, working, scan } = open()
    await sluice.tune({ cacheBytes: range, checkMs: CHECK_MS, retryMs: 10 * CHECK_MS })
    while (sluice.getTuning().length === 0) await run(TURN_MS, working)
    expect(bytesOf(sluice)).toBe(2 * MB)
    await run(CHECK_MS, scan)
    expect(sluice.getTuning()).toMatchObject([{ status: 'undone', measured: { without: 0, with: 0 } }])
    expect(bytesOf(sluice)).toBe(MB)
    await run(9 * CHECK_MS, working)
    expect(sluice.getTuning()).toHaveLength(1)
    await run(3 * CHECK_MS, working)
    expect(sluice.getTuning()).toMatchObject([{ from: MB, to: 2 * MB }, { status: 'undone' }])
  })

  it('advises nothing for a scan', async () => {
    const { sluice, run, scan } = open()
    await sluice.tune({ cacheBytes: range, checkMs: CHECK_MS })
    await run(4 * CHECK_MS, scan)
    expect(sluice.getTuning()).toEqual([])
    expect((await sluice.monitor?.getPerformanceReport())?.advice).toEqual([])
  })

  it('lowers a budget that is not needed, and raises nothing beyond the range', async () => {
    const { sluice, run, working } = open({ cache: { maxBytes: 100 * MB, tiered: { ttl: 86_400 } } })
    await sluice.tune({ cacheBytes: { min: 50 * MB, max: 100 * MB }, checkMs: CHECK_MS })
    await run(4 * CHECK_MS, working)
    expect(sluice.getTuning()).toMatchObject([{ from: 100 * MB, to: 50 * MB, status: 'kept' }])
    expect(bytesOf(sluice)).toBe(50 * MB)
  })

  it('emits and logs each step, and the report shows it', async () => {
    const info = vi.fn()
    const logger = { info, warn: vi.fn(), error: vi.fn() }
    const { sluice, run, working } = open({ logger })
    const seen: TuningChange[] = []
    sluice.on('tuning', (change) => seen.push(change))
    await sluice.tune({ cacheBytes: range, checkMs: CHECK_MS })
    await run(4 * CHECK_MS, working)
    expect(seen.map(({ status }) => status)).toEqual(['checking', 'kept'])
    expect(info.mock.calls).toEqual(
      seen.map(({ status, text }) => [
        {
          name: 'sluice',
          tuning: status,
          kind: 'cacheBytes',
          setting: 'cache.maxBytes',
          from: MB,
          to: 2 * MB,
        },
        text,
      ]),
    )
    const report = await sluice.monitor?.getPerformanceReport()
    expect(report?.tuning).toEqual(sluice.getTuning())
    expect(report && reportMarkdown(report)).toMatch(
      /## Tuning\n\n- 2026-11-26T.*Raised cache.maxBytes from 1.0 MB to 2.0 MB .* and kept it: measured/,
    )
  })

  it('changes nothing without a range, and stops with tune({})', async () => {
    const { sluice, run, working } = open()
    await sluice.tune({ checkMs: CHECK_MS })
    await run(4 * CHECK_MS, working)
    expect(sluice.getTuning()).toEqual([])
    await sluice.tune({ cacheBytes: range, checkMs: CHECK_MS })
    while (sluice.getTuning().length === 0) await run(TURN_MS, working)
    await sluice.tune({})
    expect(sluice.getTuning()).toMatchObject([{ status: 'undone' }])
    expect(bytesOf(sluice)).toBe(MB)
    await run(4 * CHECK_MS, working)
    expect(sluice.getTuning()).toHaveLength(1)
  })

  it('stops with the Sluice, and leaves no timer', async () => {
    const { sluice, run, working } = open({ monitor: false })
    await sluice.tune({ cacheBytes: range, checkMs: CHECK_MS })
    while (sluice.getTuning().length === 0) await run(TURN_MS, working)
    await sluice.close()
    expect(sluice.getTuning()).toMatchObject([{ status: 'undone' }])
    expect(vi.getTimerCount()).toBe(0)
    await expect(sluice.tune({})).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
  })

  it('rejects invalid options, and ranges of engines that are off', async () => {
    const { sluice } = open({ cache: false })
    await expect(sluice.tune({ cacheBytes: { min: 9, max: 1 } })).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
      option: 'tune.cacheBytes.max',
    })
    await expect(sluice.tune({ cacheBytes: range })).rejects.toMatchObject({
      code: 'SLUICE_ENGINE_DISABLED',
      message:
        'tune.cacheBytes cannot be applied, because the option "cache" is false. Enable it, or remove tune.cacheBytes.',
    })
    await sluice.tune({})
    const without = open({ database: false, jobs: false }).sluice
    for (const [kind, option] of [
      ['poolSize', 'database'],
      ['concurrency', 'jobs'],
    ])
      await expect(without.tune({ [kind as 'poolSize']: { min: 1, max: 2 } })).rejects.toThrow(
        `the option "${option}" is false`,
      )
  })
})
