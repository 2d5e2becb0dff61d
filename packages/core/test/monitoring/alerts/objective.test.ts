import { InvalidArgumentError, InvalidOptionError } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { AlertBook } from '../../../src/monitoring/alerts/alert-book.ts'
import { BurnRateObjective, type ObjectiveOptions } from '../../../src/monitoring/alerts/objective.ts'
import { ManualClock } from '../manual-clock.ts'

const HOUR = 60

function open(options: ObjectiveOptions = {}) {
  const clock = new ManualClock()
  const book = new AlertBook(clock, () => {})
  const objective = new BurnRateObjective('checkout', options, clock, book)
  /** Records 1,000 events per minute, `bad` of which are bad. */
  const pass = (minutes: number, bad: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      if (bad < 1_000) objective.record(true, 1_000 - bad)
      if (bad > 0) objective.record(false, bad)
      clock.advance(60_000)
    }
  }
  const alert = () => {
    objective.evaluate()
    const [one] = book.active(1)
    return one && `${one.severity} ${one.threshold}`
  }
  const rate = (minutes: number) =>
    objective.burnRates().find(({ windowMs }) => windowMs === minutes * 60_000)
  return { clock, book, objective, pass, alert, rate }
}

describe('BurnRateObjective', () => {
  it('allows 1 bad event in 1,000, and requires 100 events by default', () => {
    const { objective, alert, rate } = open()
    expect(objective.target).toBe(0.999)
    objective.record(false, 99)
    expect(rate(60)).toEqual({ windowMs: 3_600_000, rate: expect.closeTo(1_000, 6), events: 99 })
    expect(alert()).toBeUndefined()
    objective.record(false)
    expect(alert()).toBe('critical 14.4')
  })

  it('computes the burn rate from its target', () => {
    const { objective, rate } = open({ target: 0.9 })
    objective.record(true, 8)
    objective.record(false, 2)
    expect(rate(5)).toMatchObject({ rate: expect.closeTo(2, 9), events: 10 })
  })

  it('has a burn rate of 0 without events', () => {
    const { rate, alert } = open()
    expect(rate(5)).toEqual({ windowMs: 300_000, rate: 0, events: 0 })
    expect(alert()).toBeUndefined()
  })

  it.each([
    // The number of bad events in 1,000 is the multiple of the allowed rate.
    [1 * HOUR, 15, 'critical 14.4'],
    [1 * HOUR, 14, 'critical 6'],
    [6 * HOUR, 7, 'critical 6'],
    [6 * HOUR, 5, 'warning 1'],
    [72 * HOUR, 2, 'warning 1'],
    [72 * HOUR, 0, undefined],
  ])('returns after %i minutes at %i times the allowed rate the alert %s', (minutes, times, expected) => {
    const { pass, alert } = open()
    pass(minutes, times)
    expect(alert()).toBe(expected)
  })

  it('raises an alert when a rate is reached exactly', () => {
    const { pass, alert } = open({ target: 0.5 })
    pass(HOUR, 500)
    expect(alert()).toBe('warning 1')
    pass(HOUR, 499)
    // 0.999 of the allowed rate in total, and 0.998 recently.
    expect(alert()).toBeUndefined()
  })

  it('ignores a short burst, because the long window must burn, too', () => {
    const { pass, alert, rate } = open()
    pass(55, 0)
    pass(5, 15)
    expect(rate(5)?.rate).toBeGreaterThan(14.4)
    expect(rate(60)?.rate).toBeLessThan(14.4)
    expect(alert()).toBe('warning 1')
  })

  it('ignores a past burst, because the short window must burn, too', () => {
    const { pass, alert, rate } = open()
    pass(30, 100)
    expect(alert()).toBe('critical 14.4')
    pass(6, 0)
    expect(rate(60)?.rate).toBeGreaterThan(14.4)
    expect(alert()).toBe('critical 6')
    pass(25, 0)
    expect(rate(360)?.rate).toBeGreaterThan(6)
    expect(alert()).toBe('warning 1')
    pass(6 * HOUR, 0)
    expect(rate(4_320)?.rate).toBeGreaterThan(1)
    expect(alert()).toBeUndefined()
  })

  it('counts all events of a window, and no older ones', () => {
    for (const minutes of [5, 30, 60, 360, 4_320]) {
      const { pass, rate } = open()
      pass(1, 1_000)
      pass(minutes - 2, 0)
      expect(rate(minutes)?.rate).toBeGreaterThan(0)
      // Up to the width of a cell, which is 10 minutes for the longest window.
      pass(12, 0)
      expect(rate(minutes)?.rate).toBe(0)
    }
  })

  it.each([
    // 1 hour has cells of 10 seconds, 6 hours have cells of 1 minute: wider cells would start before the
    // window.
    [60, 72, 65],
    [360, 700, 650],
  ])('counts within a window of %i minutes the events at its beginning', (minutes, atSecond, fromSecond) => {
    const { clock, objective, rate } = open()
    clock.advance(atSecond * 1_000)
    objective.record(false)
    clock.advance((fromSecond + minutes * 60 - atSecond) * 1_000)
    expect(rate(minutes)?.events).toBe(1)
  })

  it('includes the window in its message', () => {
    const { pass, book, alert } = open()
    pass(HOUR, 20)
    alert()
    expect(book.active(1)).toMatchObject([
      {
        message: 'checkout consumes its error budget 20 times as fast as allowed, over the last hour',
        value: 20,
      },
    ])
    const slower = open()
    slower.pass(6 * HOUR, 7)
    slower.alert()
    expect(slower.book.active(1)[0]?.message).toContain('over the last 6 hours')
    const slowest = open()
    slowest.pass(HOUR, 2)
    slowest.alert()
    expect(slowest.book.active(1)[0]?.message).toContain('over the last 3 days')
  })

  it.each<[string, () => unknown, typeof InvalidOptionError | typeof InvalidArgumentError]>([
    ['a target of 0', () => open({ target: 0 }), InvalidOptionError],
    ['a target of 1', () => open({ target: 1 }), InvalidOptionError],
    ['a least number of 0', () => open({ minEvents: 0 }), InvalidOptionError],
    ['half an event', () => open().objective.record(true, 1.5), InvalidArgumentError],
    ['no event', () => open().objective.record(true, 0), InvalidArgumentError],
    ['no name', () => new BurnRateObjective('', {}, new ManualClock(), open().book), InvalidArgumentError],
  ])('throws for %s', (_, run, error) => {
    expect(run).toThrow(error)
  })
})
