import { describe, expect, it } from 'vitest'
import { AlertBook, type AlertSeverity, alertKey } from '../../../src/monitoring/alerts/alert-book.ts'
import { ManualClock } from '../manual-clock.ts'

function open() {
  const clock = new ManualClock()
  const changes: string[] = []
  const book = new AlertBook(clock, ({ metric, status }, change) =>
    changes.push(`${metric} ${change} (${status})`),
  )
  const set = (metric: string, severity: AlertSeverity = 'warning', value = 1, source = 'a') =>
    book.set({ metric, source, severity, message: () => `${metric} ${value}`, value, threshold: value - 1 })
  const idOf = (metric: string) => book.active(100).find((alert) => alert.metric === metric)?.id ?? ''
  return { clock, changes, book, set, idOf }
}

describe('AlertBook', () => {
  it('lists the worst alerts first, and the newest first among equals', () => {
    const { clock, book, set } = open()
    for (const [metric, severity] of [
      ['old warning', 'warning'],
      ['old critical', 'critical'],
      ['info', 'info'],
      ['new critical', 'critical'],
      ['new warning', 'warning'],
    ] as const) {
      set(metric, severity)
      clock.advance(1_000)
    }
    const metrics = (limit: number) => book.active(limit).map(({ metric }) => metric)
    expect(metrics(100)).toEqual(['new critical', 'old critical', 'new warning', 'old warning', 'info'])
    expect(metrics(2)).toEqual(['new critical', 'old critical'])
  })

  it('retains when an alert was raised, and when its latest value was recorded', () => {
    const { clock, book, set } = open()
    const raisedAt = clock.wall()
    set('cpu', 'warning', 5)
    clock.advance(2_000)
    set('cpu', 'warning', 7)
    expect(book.active(1)).toMatchObject([
      { raisedAt, updatedAt: raisedAt + 2_000, value: 7, threshold: 6, message: 'cpu 7' },
    ])
  })

  it('emits changes of an alert, and not every value', () => {
    const { book, changes, set, idOf } = open()
    for (const severity of ['warning', 'warning', 'critical', 'critical', 'warning', 'info'] as const)
      set('cpu', severity)
    book.acknowledge(idOf('cpu'), 'ann')
    book.clear('cpu', 'a')
    book.clear('cpu', 'a')
    expect(changes).toEqual([
      'cpu raised (active)',
      'cpu escalated (active)',
      'cpu downgraded (active)',
      'cpu downgraded (active)',
      'cpu acknowledged (acknowledged)',
      'cpu resolved (resolved)',
    ])
  })

  it('records who acknowledged an alert and when, until it escalates', () => {
    const { clock, book, set, idOf } = open()
    set('cpu', 'critical')
    clock.advance(1_000)
    expect(book.acknowledge(idOf('cpu'), 'ann')).toBe(true)
    set('cpu', 'warning')
    expect(book.active(1)).toMatchObject([
      { status: 'acknowledged', acknowledgedBy: 'ann', acknowledgedAt: clock.wall() },
    ])
    set('cpu', 'critical')
    const [alert] = book.active(1)
    expect(alert?.status).toBe('active')
    expect(alert).not.toHaveProperty('acknowledgedBy')
    expect(alert).not.toHaveProperty('acknowledgedAt')
  })

  it('lists resolved alerts, newest first, with the time and the actor', () => {
    const { clock, book, set, idOf } = open()
    for (const metric of ['first', 'second', 'third']) {
      set(metric)
      clock.advance(1_000)
      book.resolve(idOf(metric), metric === 'second' ? 'ann' : undefined)
    }
    expect(book.resolved(100).map(({ metric }) => metric)).toEqual(['third', 'second', 'first'])
    const [third, second] = book.resolved(2)
    expect(third).toMatchObject({ metric: 'third', resolvedAt: clock.wall() })
    expect(third).not.toHaveProperty('resolvedBy')
    expect(second).toMatchObject({ metric: 'second', resolvedBy: 'ann' })
    expect(book.active(100)).toEqual([])
  })

  it('retains at most 500 resolved alerts', () => {
    const { book, set } = open()
    for (let at = 0; at < 502; at += 1) {
      set(`metric ${at}`)
      book.clear(`metric ${at}`, 'a')
    }
    const resolved = book.resolved(10_000)
    expect(resolved).toHaveLength(500)
    expect([resolved[0]?.metric, resolved.at(-1)?.metric]).toEqual(['metric 501', 'metric 2'])
  })

  it('assigns a unique ID to each alert, even at the same moment', () => {
    const { book, set, idOf } = open()
    set('cpu')
    const first = idOf('cpu')
    set('memory')
    expect(idOf('memory')).not.toBe(first)
    book.clear('cpu', 'a')
    set('cpu')
    expect(idOf('cpu')).not.toBe(first)
    expect(book.resolve(first, undefined)).toBe(false)
  })

  it('distinguishes a metric and source from another pair whose joined names are equal', () => {
    const { book, set } = open()
    set('cpu', 'warning', 1, 'ab')
    set('cpua', 'warning', 1, 'b')
    expect(book.active(100)).toHaveLength(2)
    expect(book.of(alertKey('cpu', 'ab'))).toMatchObject({ severity: 'warning' })
    expect(book.of(alertKey('cpu', 'b'))).toBeUndefined()
  })

  it('returns copies of alerts', () => {
    const { book, set, idOf } = open()
    set('cpu')
    const [before] = book.active(1)
    book.acknowledge(idOf('cpu'), 'ann')
    expect(before?.status).toBe('active')
  })
})
