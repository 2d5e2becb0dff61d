import { describe, expect, it } from 'vitest'
import { LoadFreeze } from '../../../../src/monitoring/scaling/control/load-freeze.ts'

/** Records minutes with these loads. */
function lived(loads: readonly number[], freeze = new LoadFreeze(100)) {
  let minute = 0
  const live = (more: readonly number[]) => {
    for (const load of more) {
      minute += 1
      freeze.minute(minute * 60_000, load)
    }
    return freeze.isFrozen(minute * 60_000)
  }
  live(loads)
  return { freeze, live, isFrozen: () => freeze.isFrozen(minute * 60_000) }
}

const times = (count: number, load: number): number[] => Array.from({ length: count }, () => load)

describe('LoadFreeze', () => {
  it('freezes when the load falls below 50% of its usual level', () => {
    expect(lived([...times(30, 1000), 499]).isFrozen()).toBe(true)
    expect(lived([...times(30, 1000), 500]).isFrozen()).toBe(false)
  })

  it('does not freeze when only a recent surge ends', () => {
    expect(lived([...times(40, 1000), ...times(10, 4000), 1100]).isFrozen()).toBe(false)
  })

  it('does not freeze when the load decreases slowly', () => {
    const ebb = Array.from({ length: 40 }, (_, minute) => 1000 * 0.9 ** minute)
    expect(lived([...times(30, 1000), ...ebb]).isFrozen()).toBe(false)
  })

  it('ignores small loads', () => {
    expect(lived([...times(30, 100), 0]).isFrozen()).toBe(false)
    expect(lived([...times(30, 101), 0]).isFrozen()).toBe(true)
  })

  it('lasts until the load was back for 5 consecutive minutes', () => {
    const { live, freeze } = lived([...times(30, 1000), 50, 50])
    expect(freeze.usual).toBe(1000)
    expect(live([...times(4, 800), 799])).toBe(true)
    expect(live(times(4, 800))).toBe(true)
    expect(live([800])).toBe(false)
  })

  it('lasts at most 30 minutes, and does not start again', () => {
    const { live } = lived([...times(60, 1000), 50])
    expect(live(times(29, 50))).toBe(true)
    expect(live([50])).toBe(false)
    expect(live(times(20, 50))).toBe(false)
  })

  it('is neither started nor ended by missing minutes', () => {
    const { live } = lived([...times(30, 1000), Number.NaN])
    expect(live([])).toBe(false)
    expect(live([10, ...times(4, 900), ...times(10, Number.NaN)])).toBe(true)
    expect(live([900])).toBe(false)
  })

  it('has no usual load before the third minute', () => {
    expect(lived([1000, 1000, 0]).isFrozen()).toBe(false)
    expect(lived([1000, 1000, 1000, 0]).isFrozen()).toBe(true)
  })

  it('ends when the clock goes back', () => {
    const { freeze } = lived([...times(30, 1000), 0])
    expect(freeze.isFrozen(60_000)).toBe(false)
  })
})
