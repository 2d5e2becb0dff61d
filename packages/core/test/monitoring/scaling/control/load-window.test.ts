import { describe, expect, it } from 'vitest'
import { LoadWindow } from '../../../../src/monitoring/scaling/control/load-window.ts'

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
