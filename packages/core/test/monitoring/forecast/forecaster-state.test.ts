import { describe, expect, it } from 'vitest'
import { LoadForecaster } from '../../../src/monitoring/forecast/load-forecaster.ts'
import { dailyLoad, STEP_MS, timeOf } from './series.ts'

const INVALID = expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT', argument: 'state' })
const load = dailyLoad(4)

function filled(steps: number, model: 'mixture' | 'linear' = 'mixture'): LoadForecaster {
  const forecaster = new LoadForecaster({ stepMs: STEP_MS, model })
  for (let step = 0; step < steps; step += 1) forecaster.add(load[step] ?? 0, timeOf(step))
  return forecaster
}

function forecastsOf(forecaster: LoadForecaster): unknown[] {
  return [5, 10, 15, 60].map((minutes) => forecaster.predict(minutes))
}

describe('LoadForecaster state', () => {
  for (const model of ['mixture', 'linear'] as const) {
    for (const steps of [0, 1, 40, 300, 900]) {
      it(`forecasts restored as saved, then and later, with ${model} after ${steps} samples`, () => {
        const saved = filled(steps, model)
        const restored = LoadForecaster.restore(JSON.parse(JSON.stringify(saved.save())))
        expect(forecastsOf(restored)).toEqual(forecastsOf(saved))
        // The level changes, too, because its detection is part of the state.
        for (let step = steps; step < steps + 200; step += 1) {
          const value = (load[step] ?? 0) * (step > steps + 20 ? 3 : 1)
          for (const forecaster of [saved, restored]) forecaster.add(value, timeOf(step))
          expect(forecastsOf(restored)).toEqual(forecastsOf(saved))
        }
        expect(restored.save()).toEqual(saved.save())
      })
    }
  }

  it('includes a level shift that is not confirmed yet', () => {
    const saved = filled(900)
    // A surge, after which a new level has to last for three values.
    for (let step = 900; step < 950; step += 1)
      saved.add((step < 920 ? 3 : 1) * (load[step] ?? 0), timeOf(step))
    for (const step of [950, 951]) saved.add(3 * (load[step] ?? 0), timeOf(step))
    const restored = LoadForecaster.restore(saved.save())
    for (const forecaster of [saved, restored]) forecaster.add(3 * (load[952] ?? 0), timeOf(952))
    expect(forecastsOf(restored)).toEqual(forecastsOf(saved))
    expect(restored.predict(60)?.value).toBeGreaterThan(2 * (load[952] ?? 0))
  })

  it('is not affected by later samples', () => {
    const forecaster = filled(300)
    const state = forecaster.save()
    const before = forecastsOf(forecaster)
    forecaster.add(5000, timeOf(300))
    expect(forecastsOf(LoadForecaster.restore(state))).toEqual(before)
  })

  it('is rejected if it is invalid', () => {
    const state = filled(50).save()
    const bad: Readonly<Record<string, unknown>> = {
      undefined: undefined,
      null: null,
      'a number': 5,
      'a text': 'state',
      nothing: {},
      'another version': { ...state, version: state.version - 1 },
      'no options': { ...state, options: undefined },
      'wrong options': { ...state, options: { ...state.options, stepMs: 7 } },
      'options of another series': { ...state, options: { ...state.options, stepMs: 60_000 } },
      'no data': { ...state, data: undefined },
      'data that end early': { ...state, data: state.data.slice(0, -8) },
      'data that were changed': {
        ...state,
        data: `${state.data.slice(0, 2000)}wxyz${state.data.slice(2004)}`,
      },
      'another checksum': { ...state, checksum: state.checksum + 1 },
    }
    for (const [name, one] of Object.entries(bad))
      expect(() => LoadForecaster.restore(one), name).toThrow(INVALID)
  })
})
