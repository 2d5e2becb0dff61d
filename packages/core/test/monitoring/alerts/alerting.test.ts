import { describe, expect, it } from 'vitest'
import { AlertBook, alertKey } from '../../../src/monitoring/alerts/alert-book.ts'
import { type ThresholdRule, ThresholdWatch } from '../../../src/monitoring/alerts/alerting.ts'
import { type MetricTypeOptions, MetricTypes } from '../../../src/monitoring/metrics/metric-type.ts'
import { ManualClock } from '../manual-clock.ts'

function open(thresholds: MetricTypeOptions, rule: Partial<ThresholdRule> = {}) {
  const clock = new ManualClock()
  const book = new AlertBook(clock, () => {})
  const watch = new ThresholdWatch(book, clock, () => ({
    forMs: 0,
    clearMs: 60_000,
    ...rule,
  }))
  const types = new MetricTypes()
  const see = (value: number, afterMs = 0, options = thresholds) => {
    clock.advance(afterMs)
    watch.see({ type: types.register('load', options), source: 'a', key: alertKey('load', 'a') }, value)
    const [alert] = book.active(1)
    return alert && `${alert.severity} ${alert.threshold}`
  }
  const message = () => book.active(1)[0]?.message
  const idle = (afterMs: number) => {
    clock.advance(afterMs)
    watch.idle('load', 'a')
    return book.active(1).length
  }
  return { see, message, idle, book, watch }
}

const both = { warning: 70, critical: 90 }

describe('ThresholdWatch', () => {
  it('raises an alert above a threshold, and not at it', () => {
    const { see } = open(both)
    expect(see(70)).toBeUndefined()
    expect(see(70.1)).toBe('warning 70')
    expect(see(90)).toBe('warning 70')
    expect(see(90.1)).toBe('critical 90')
  })

  it('uses one threshold if only one is set', () => {
    const warningAlone = open({ warning: 70 })
    expect(warningAlone.see(1_000)).toBe('warning 70')
    const criticalAlone = open({ critical: 90 })
    expect(criticalAlone.see(89)).toBeUndefined()
    expect(criticalAlone.see(91)).toBe('critical 90')
    // There is no lower severity that it could change to.
    for (let i = 0; i < 5; i += 1) expect(criticalAlone.see(85, 30_000)).toBe('critical 90')
    criticalAlone.see(80, 1_000)
    expect(criticalAlone.see(80, 60_000)).toBeUndefined()
    expect(open({}).see(1_000)).toBeUndefined()
  })

  it('resolves an alert while there is nothing to measure, after `clearMs`', () => {
    const { see, idle, message, book } = open(both)
    see(80)
    expect([idle(0), idle(59_999)]).toEqual([1, 1])
    expect(see(80)).toBe('warning 70')
    expect([idle(0), idle(59_999), message()]).toEqual([1, 1, 'Load of a is 80, above 70'])
    expect(idle(1)).toBe(0)
    expect(book.resolved(1)).toMatchObject([{ status: 'resolved', message: 'Load of a is 80, above 70' }])
    expect(book.resolved(1)[0]).not.toHaveProperty('resolvedBy')
    expect([idle(1), see(60)]).toEqual([0, undefined])
  })

  it('waits until a value has been above each threshold for `forMs`', () => {
    const { see } = open(both, { forMs: 10_000 })
    expect(see(80)).toBeUndefined()
    expect(see(95, 5_000)).toBeUndefined()
    expect(see(80, 4_999)).toBeUndefined()
    expect(see(95, 1)).toBe('warning 70')
    expect(see(95, 9_999)).toBe('warning 70')
    expect(see(95, 1)).toBe('critical 90')
  })

  it('restarts the wait after a value at the threshold', () => {
    const { see } = open(both, { forMs: 10_000 })
    see(80)
    see(70, 9_000)
    expect(see(80, 5_000)).toBeUndefined()
    expect(see(80, 9_999)).toBeUndefined()
    expect(see(80, 1)).toBe('warning 70')
  })

  it('restarts the wait for the critical threshold, too', () => {
    const { see } = open(both, { forMs: 10_000 })
    see(95)
    see(90, 9_000)
    see(95, 5_000)
    expect(see(95, 9_999)).toBe('warning 70')
    expect(see(95, 1)).toBe('critical 90')
  })

  it('resolves an alert when the value has been below 90% of the threshold for `clearMs`, and not earlier', () => {
    const { see } = open(both)
    see(80)
    expect(see(63, 1_000)).toBe('warning 70')
    // 63 is exactly 90% of the threshold, which is not below it.
    expect(see(63, 60_000)).toBe('warning 70')
    expect(see(62.9, 1_000)).toBe('warning 70')
    expect(see(62.9, 59_999)).toBe('warning 70')
    expect(see(62.9, 1)).toBeUndefined()
  })

  it('restarts the wait for the resolution after a value that is not low enough', () => {
    const { see } = open(both)
    see(80)
    see(10, 1_000)
    see(65, 59_000)
    expect(see(10, 1_000)).toBe('warning 70')
    expect(see(10, 59_999)).toBe('warning 70')
    expect(see(10, 1)).toBeUndefined()
  })

  it('downgrades a critical alert when the value has been below 90% of its threshold for `clearMs`', () => {
    const { see } = open(both)
    see(95)
    expect(see(81, 1_000)).toBe('critical 90')
    expect(see(81, 60_000)).toBe('critical 90')
    expect(see(80, 1_000)).toBe('critical 90')
    expect(see(82, 30_000)).toBe('critical 90')
    expect(see(80, 1_000)).toBe('critical 90')
    expect(see(80, 59_999)).toBe('critical 90')
    expect(see(80, 1)).toBe('warning 70')
  })

  it('resolves an alert with a threshold of 0 at a value of 0', () => {
    const { see } = open({ warning: 0 }, { clearMs: 1_000 })
    expect(see(1)).toBe('warning 0')
    expect(see(0, 1_000)).toBe('warning 0')
    expect(see(0, 1_000)).toBeUndefined()
  })

  it('starts again after a resolved alert', () => {
    const { see } = open(both, { forMs: 10_000, clearMs: 0 })
    see(80)
    expect(see(80, 10_000)).toBe('warning 70')
    expect(see(10, 1_000)).toBeUndefined()
    expect(see(80, 1_000)).toBeUndefined()
    expect(see(80, 10_000)).toBe('warning 70')
  })

  it('resolves the alert of a type whose thresholds were removed, and uses new thresholds immediately', () => {
    const { see } = open(both)
    expect(see(80)).toBe('warning 70')
    expect(see(80, 1_000, { warning: 10, critical: 50 })).toBe('critical 50')
    expect(see(80, 1_000, {})).toBeUndefined()
    expect(see(75, 1_000)).toBe('warning 70')
  })

  it('describes the current and past value in rounded numbers', () => {
    const { see, message } = open({ warning: 70, critical: 1_234, unit: 'ms' })
    see(70.1234)
    expect(message()).toBe('Load of a is 70.1 ms, above 70 ms')
    see(1_234.6)
    expect(message()).toBe('Load of a is 1235 ms, above 1234 ms')
    see(99.96)
    expect(message()).toBe('Load of a was above 1234 ms, and is 100 ms')
    see(123.4)
    expect(message()).toBe('Load of a was above 1234 ms, and is 123 ms')
    const { see: seeShare, message: share } = open({ warning: 70, unit: '%' })
    seeShare(71)
    expect(share()).toBe('Load of a is 71%, above 70%')
    seeShare(65)
    expect(share()).toBe('Load of a was above 70%, and is 65%')
    const { see: seeCount, message: count } = open({ warning: 70 })
    seeCount(71)
    expect(count()).toBe('Load of a is 71, above 70')
  })
})
