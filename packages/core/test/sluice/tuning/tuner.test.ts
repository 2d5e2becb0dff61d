import { describe, expect, it, onTestFinished } from 'vitest'
import type { TuningAdvice, TuningChange } from '../../../src/monitoring/report/advice.ts'
import type { MeasuredEffect, TunedSetting } from '../../../src/sluice/tuning/tuned-setting.ts'
import { Tuner } from '../../../src/sluice/tuning/tuner.ts'
import { resolveTuningOptions, type TuningOptions } from '../../../src/sluice/tuning/tuning-options.ts'
import { ManualClock } from '../../monitoring/manual-clock.ts'

const CHECK_MS = 100_000
const RETRY_MS = 1_000_000

/** A setting whose advice and effect the test sets. */
function simulated(name = 'cache.maxBytes', start = 100) {
  const state = {
    value: start,
    advice: undefined as Partial<TuningAdvice> | undefined,
    effect: undefined as MeasuredEffect | undefined,
    calls: [] as string[],
  }
  const setting: TunedSetting = {
    kind: 'cacheBytes',
    name,
    current: () => state.value,
    advise: () => {
      state.calls.push('advise')
      if (state.advice === undefined) return undefined
      const expected = { measure: 'hitRate', from: 0.5, to: 0.7 } as const
      return {
        kind: 'cacheBytes',
        setting: name,
        from: state.value,
        to: 2 * state.value,
        expected,
        text: '',
        ...state.advice,
      }
    },
    set: (value) => {
      state.calls.push(`set ${value}`)
      state.value = value
    },
    measure: (_from, { from, to }) => {
      state.calls.push(`measure ${from} ${to}`)
      return {
        restart: () => void state.calls.push('restart'),
        result: () => state.effect,
        close: () => void state.calls.push('close'),
      }
    },
  }
  return { setting, state }
}

async function open(settings: readonly TunedSetting[], options: TuningOptions = {}) {
  const clock = new ManualClock()
  const seen: TuningChange[] = []
  const errors: unknown[] = []
  const resolve = (more: TuningOptions) =>
    resolveTuningOptions({ checkMs: CHECK_MS, retryMs: RETRY_MS, ...more })
  const tuner = new Tuner(
    {
      clock,
      settingsOf: () => settings,
      onChange: (change) => seen.push(change),
      onError: (error) => errors.push(error),
    },
    resolve({ cacheBytes: { min: 10, max: 1_000 }, ...options }),
  )
  onTestFinished(() => tuner.close())
  const run = async (ms: number) => {
    for (let left = ms; left > 0; left -= 5_000) {
      clock.advance(5_000)
      await tuner.tick()
    }
  }
  await tuner.tick()
  return {
    tuner,
    clock,
    seen,
    errors,
    run,
    configure: (more: TuningOptions) => tuner.configure(resolve(more)),
  }
}

describe('Tuner', () => {
  it('applies advice, measures its effect in the second half of checkMs, and keeps what helped', async () => {
    const { setting, state } = simulated()
    const { tuner, run, seen, clock } = await open([setting])
    state.advice = {}
    await run(CHECK_MS - 5_000)
    expect(state.value).toBe(100)
    await run(5_000)
    expect(state.value).toBe(200)
    const at = clock.wall()
    expect(tuner.changes).toEqual([
      {
        kind: 'cacheBytes',
        setting: 'cache.maxBytes',
        from: 100,
        to: 200,
        status: 'checking',
        at,
        expected: { measure: 'hitRate', from: 0.5, to: 0.7 },
        text: 'Raised cache.maxBytes from 0.0 MB to 0.0 MB (expected: 70.0% of reads from memory instead of 50.0% of reads from memory). The effect is being measured.',
      },
    ])
    state.calls = []
    state.effect = { without: 0.5, with: 0.65, helped: true }
    await run(CHECK_MS / 2 - 5_000)
    expect(state.calls).toEqual([])
    await run(5_000)
    expect(state.calls).toEqual(['restart'])
    await run(CHECK_MS / 2 - 5_000)
    expect(seen).toHaveLength(1)
    await run(5_000)
    expect(state.value).toBe(200)
    expect(tuner.changes).toMatchObject([
      { status: 'kept', at, checkedAt: at + CHECK_MS, measured: { without: 0.5, with: 0.65 } },
    ])
    expect(seen.map(({ status }) => status)).toEqual(['checking', 'kept'])
    expect(tuner.changes[0]?.text).toContain('and kept it: measured: 65.0% of reads')
  })

  it('undoes what did not help, and leaves the setting unchanged for retryMs', async () => {
    const { setting, state } = simulated()
    const { tuner, run, seen } = await open([setting])
    state.advice = {}
    state.effect = { without: 0.5, with: 0.5, helped: false }
    await run(2 * CHECK_MS)
    expect(state.value).toBe(100)
    expect(tuner.changes).toMatchObject([{ status: 'undone', measured: { without: 0.5, with: 0.5 } }])
    expect(tuner.changes[0]?.text).toContain('and undid it: measured')
    await run(RETRY_MS - 5_000)
    expect(seen).toHaveLength(2)
    await run(5_000)
    expect(seen).toHaveLength(3)
    expect(state.value).toBe(200)
  })

  it('waits for enough traffic, and undoes a change that it cannot measure', async () => {
    const { setting, state } = simulated()
    const { tuner, run } = await open([setting])
    state.advice = {}
    await run(CHECK_MS + 3 * CHECK_MS - 5_000)
    expect(tuner.changes).toMatchObject([{ status: 'checking' }])
    await run(5_000)
    expect(tuner.changes).toMatchObject([{ status: 'undone' }])
    expect(tuner.changes[0]).not.toHaveProperty('measured')
    expect(tuner.changes[0]?.text).toContain('the effect could not be measured')
    expect(state.value).toBe(100)
  })

  it('stays within the range, and expects as much less', async () => {
    const { setting, state } = simulated()
    const { run } = await open([setting], { cacheBytes: { min: 50, max: 150 } })
    state.advice = {}
    await run(CHECK_MS)
    expect(state.value).toBe(150)
    expect(state.calls).toContain('measure 0.5 0.6')
    state.effect = { without: 0.5, with: 0.6, helped: true }
    await run(3 * CHECK_MS)
    expect(state.value).toBe(150)
    state.advice = { to: 10 }
    await run(2 * CHECK_MS)
    expect(state.value).toBe(50)
  })

  it('never exceeds the limit of a setting, not even for the least value of the range', async () => {
    const { setting, state } = simulated()
    const { run } = await open([{ ...setting, limit: () => 170 }], { cacheBytes: { min: 190, max: 1_000 } })
    state.advice = {}
    await run(CHECK_MS)
    expect(state.value).toBe(170)
  })

  it.each([
    ['a range that allows no change', { max: 100 }, {}],
    ['a range that allows only the opposite change', { max: 80 }, {}],
    ['a range that allows only a change below 10%', { max: 109 }, {}],
    ['no known effect', {}, { expected: undefined }],
    ['no value', {}, { to: undefined }],
    ['a former value that is not the present one', {}, { from: 90 }],
  ] as const)('changes nothing for advice with %s', async (_what, range, advice) => {
    const { setting, state } = simulated()
    const { tuner, run } = await open([setting], { cacheBytes: { min: 10, max: 1_000, ...range } })
    state.advice = advice as Partial<TuningAdvice>
    await run(3 * CHECK_MS)
    expect(tuner.changes).toEqual([])
    expect(state.value).toBe(100)
  })

  it('changes one setting at a time', async () => {
    const [one, other] = [simulated('one'), simulated('other')]
    const { tuner, run } = await open([one.setting, other.setting])
    for (const { state } of [one, other]) {
      state.advice = {}
      state.effect = { without: 0.5, with: 0.7, helped: true }
    }
    await run(2 * CHECK_MS - 5_000)
    expect([one.state.value, other.state.value]).toEqual([200, 100])
    await run(10_000)
    expect([one.state.value, other.state.value]).toEqual([200, 200])
    expect(tuner.changes.map(({ setting, status }) => [setting, status])).toEqual([
      ['other', 'checking'],
      ['one', 'kept'],
    ])
  })

  it('undoes a change that is not checked yet when it stops, or when its setting loses its range', async () => {
    for (const stop of [
      ({ tuner }: Awaited<ReturnType<typeof open>>) => tuner.close(),
      ({ configure }: Awaited<ReturnType<typeof open>>) => configure({}),
    ]) {
      const { setting, state } = simulated()
      const of = await open([setting])
      state.advice = {}
      state.effect = { without: 0.5, with: 0.7, helped: true }
      await of.run(CHECK_MS)
      expect(state.value).toBe(200)
      stop(of)
      expect(state.value).toBe(100)
      expect(of.tuner.changes).toMatchObject([{ status: 'undone' }])
      expect(state.calls.at(-2)).toBe('close')
    }
  })

  it('continues a check when its options are replaced, and applies no advice without a range', async () => {
    const { setting, state } = simulated()
    const { run, tuner, configure } = await open([setting])
    state.advice = {}
    state.effect = { without: 0.5, with: 0.7, helped: true }
    await run(CHECK_MS)
    configure({ cacheBytes: { min: 10, max: 300 } })
    await run(CHECK_MS)
    expect(tuner.changes).toMatchObject([{ status: 'kept' }])
    configure({})
    await run(5 * CHECK_MS)
    expect(tuner.changes).toHaveLength(1)
  })

  it('does not overwrite a value that the app has set during the check', async () => {
    const { setting, state } = simulated()
    const { run } = await open([setting])
    state.advice = {}
    state.effect = { without: 0.5, with: 0.5, helped: false }
    await run(CHECK_MS)
    state.value = 500
    await run(CHECK_MS)
    expect(state.value).toBe(500)
  })

  it('reports errors of a setting, and continues', async () => {
    const { setting, state } = simulated()
    const failing = { ...setting, advise: () => Promise.reject(new Error('gone')), name: 'failing' }
    const { run, errors } = await open([failing, setting])
    state.advice = {}
    await run(2 * CHECK_MS - 5_000)
    expect(errors).toEqual([new Error('gone'), new Error('gone')])
    expect(state.value).toBe(200)
  })

  it('undoes a change whose measurement fails', async () => {
    const { setting, state } = simulated()
    const measure: TunedSetting['measure'] = (...args) => ({
      ...setting.measure(...args),
      result: () => Promise.reject(new Error('gone')),
    })
    const { run, errors } = await open([{ ...setting, measure }])
    state.advice = {}
    await run(CHECK_MS)
    expect(state.value).toBe(200)
    await run(3 * CHECK_MS)
    expect(errors).toContainEqual(new Error('gone'))
    expect(state.value).toBe(100)
  })

  it('remembers the last 100 changes', async () => {
    const { setting, state } = simulated()
    const { run, tuner } = await open([setting], { retryMs: 0 })
    state.advice = {}
    state.effect = { without: 0.5, with: 0.5, helped: false }
    await run(210 * CHECK_MS)
    expect(tuner.changes).toHaveLength(100)
  })
})

describe('resolveTuningOptions', () => {
  it('uses defaults for omitted options', () => {
    expect(resolveTuningOptions({})).toEqual({ ranges: new Map(), checkMs: 600_000, retryMs: 21_600_000 })
  })

  it.each([
    [{ cacheBytes: { min: 0, max: 5 } }, 'Option "tune.cacheBytes.min": expected an integer of at least 1'],
    [
      { cacheBytes: { min: 1 } },
      'Option "tune.cacheBytes.max": expected an integer of at least 1 (min), got undefined',
    ],
    [
      { cacheBytes: { max: 5 } },
      'Option "tune.cacheBytes.min": expected an integer of at least 1, got undefined',
    ],
    [
      { cacheBytes: { min: 9, max: 5 } },
      'Option "tune.cacheBytes.max": expected an integer of at least 9 (min), got 5',
    ],
    [{ cacheBytes: { min: 1, max: 5, step: 1 } }, 'tune.cacheBytes.step'],
    [{ cacheBytes: 5 }, 'Option "tune.cacheBytes": expected an object, got 5'],
    [{ checkMs: 999 }, 'Option "tune.checkMs": expected an integer from 1000 to 86400000, got 999'],
    [{ retryMs: -1 }, 'Option "tune.retryMs": expected a number of at least 0, got -1'],
    [{ memory: {} }, 'Unknown option "tune.memory". Known options: cacheBytes, poolSize, concurrency'],
  ])('throws for %o', (options, message) => {
    expect(() => resolveTuningOptions(options as TuningOptions)).toThrow(message)
  })
})
