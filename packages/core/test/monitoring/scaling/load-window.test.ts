import { describe, expect, it } from 'vitest'
import { LoadWindow } from '../../../src/monitoring/scaling/control/load-window.ts'

function recorded(seconds: number, arrivals: (second: number) => number, from = 0): LoadWindow {
  const window = new LoadWindow(from)
  for (let second = 1; second <= seconds; second += 1) window.record(from + second * 1000, arrivals(second), 0)
  return window
}

describe('LoadWindow', () => {
  it('means the arrivals of the last seconds, and of those alone', () => {
    const window = recorded(30, (second) => (second <= 24 ? 10 : 100))
    expect(window.rate(30_000, 6)).toBeCloseTo(100)
    expect(window.rate(30_000, 15)).toBeCloseTo((9 * 10 + 6 * 100) / 15)
  })

  it('knows nothing before half of the window has passed', () => {
    const window = recorded(7, () => 10)
    expect(window.rate(7000, 15)).toBeUndefined()
    window.record(8000, 10, 0)
    expect(window.rate(8000, 15)).toBeCloseTo(10)
  })

  it('spreads a record over the time since the last one', () => {
    const window = new LoadWindow(500)
    for (let at = 3000; at <= 33_000; at += 2500) window.record(at + 500, 250, 0)
    expect(window.rate(33_500, 15)).toBeCloseTo(100)
  })

  it('takes seconds without a record for unknown, and not for 0', () => {
    const window = recorded(20, () => 50)
    expect(window.rate(25_000, 15)).toBeCloseTo(50)
    expect(window.rate(29_000, 15)).toBeUndefined()
    expect(window.rate(29_000, 6)).toBeUndefined()
  })

  it('takes a record of 0 for 0', () => {
    expect(recorded(20, () => 0).rate(20_000, 15)).toBe(0)
  })

  it('does not count what came after a gap, of which nobody knows when it came', () => {
    const window = recorded(20, () => 50)
    expect(window.record(50_000, 90_000, 0)).toBe(false)
    expect(window.rate(50_000, 15)).toBeUndefined()
    for (let second = 51; second <= 58; second += 1) expect(window.record(second * 1000, 20, 0)).toBe(true)
    expect(window.rate(58_000, 15)).toBeCloseTo(20)
  })

  it('forgets all when the clock goes back', () => {
    const window = recorded(30, () => 50, 100_000)
    expect(window.record(9000, 5, 0)).toBe(false)
    expect(window.rate(9000, 15)).toBeUndefined()
    for (let second = 10; second <= 25; second += 1) window.record(second * 1000, 7, 0)
    expect(window.rate(25_000, 15)).toBeCloseTo(7)
  })

  it('adds up what is recorded at the same time', () => {
    const window = recorded(15, () => 10)
    window.record(15_000, 150, 0)
    expect(window.rate(15_000, 15)).toBeCloseTo(10)
    window.record(16_000, 10, 0)
    expect(window.rate(16_000, 15)).toBeCloseTo(20)
  })

  it('knows the backlog as long as it is heard of', () => {
    const window = new LoadWindow(0)
    window.record(1000, 0, 40)
    expect(window.backlog(11_000)).toBe(40)
    expect(window.backlog(11_001)).toBe(0)
  })
})
