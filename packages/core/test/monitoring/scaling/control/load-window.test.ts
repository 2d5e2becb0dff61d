import { describe, expect, it } from 'vitest'
import { LoadFreeze, LoadWindow } from '../../../../src/monitoring/scaling/control/load-window.ts'

function recorded(seconds: number, arrivals: (second: number) => number, from = 0): LoadWindow {
  const window = new LoadWindow(from)
  for (let second = 1; second <= seconds; second += 1)
    window.record(from + second * 1000, arrivals(second), 0)
  return window
}

describe('LoadWindow', () => {
  it('averages the arrivals of exactly the last seconds', () => {
    const window = recorded(30, (second) => (second <= 24 ? 10 : 100))
    expect(window.rate(30_000, 6)).toBeCloseTo(100)
    expect(window.rate(30_000, 15)).toBeCloseTo((9 * 10 + 6 * 100) / 15)
  })

  it('is undefined until half of the window has passed', () => {
    const window = recorded(7, () => 10)
    expect(window.rate(7000, 15)).toBeUndefined()
    window.record(8000, 10, 0)
    expect(window.rate(8000, 15)).toBeCloseTo(10)
  })

  it('distributes a record over the time since the previous one', () => {
    const window = new LoadWindow(500)
    for (let at = 3000; at <= 33_000; at += 2500) window.record(at + 500, 250, 0)
    expect(window.rate(33_500, 15)).toBeCloseTo(100)
  })

  it('treats seconds without a record as unknown, not as 0', () => {
    const window = recorded(20, () => 50)
    expect(window.rate(25_000, 15)).toBeCloseTo(50)
    expect(window.rate(29_000, 15)).toBeUndefined()
    expect(window.rate(29_000, 6)).toBeUndefined()
  })

  it('treats a record of 0 as 0', () => {
    expect(recorded(20, () => 0).rate(20_000, 15)).toBe(0)
  })

  it('ignores arrivals after a gap, whose time is unknown', () => {
    const window = recorded(20, () => 50)
    expect(window.record(50_000, 90_000, 0)).toBe(false)
    expect(window.rate(50_000, 15)).toBeUndefined()
    for (let second = 51; second <= 58; second += 1) expect(window.record(second * 1000, 20, 0)).toBe(true)
    expect(window.rate(58_000, 15)).toBeCloseTo(20)
  })

  it('is cleared when the clock goes back', () => {
    const window = recorded(30, () => 50, 100_000)
    expect(window.record(9000, 5, 0)).toBe(false)
    expect(window.rate(9000, 15)).toBeUndefined()
    for (let second = 10; second <= 25; second += 1) window.record(second * 1000, 7, 0)
    expect(window.rate(25_000, 15)).toBeCloseTo(7)
  })

  it('adds up records of the same time', () => {
    const window = recorded(15, () => 10)
    window.record(15_000, 150, 0)
    expect(window.rate(15_000, 15)).toBeCloseTo(10)
    window.record(16_000, 10, 0)
    expect(window.rate(16_000, 15)).toBeCloseTo(20)
  })

  it('retains the backlog for 10 s after its last record', () => {
    const window = new LoadWindow(0)
    window.record(1000, 0, 40)
    expect(window.backlog(11_000)).toBe(40)
    expect(window.backlog(11_001)).toBe(0)
  })
})

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
