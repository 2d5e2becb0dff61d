import { describe, expect, it } from 'vitest'
import { AlertBook, type AlertSeverity, alertKey } from '../../../src/monitoring/alerts/alert-book.ts'
import { ManualClock } from '../manual-clock.ts'

function open() {
  const clock = new ManualClock()
  const changes: string[] = []
  const book = new AlertBook(clock, ({ metric, status }, change) => changes.push(`${metric} ${change} (${status})`))
  const set = (metric: string, severity: AlertSeverity = 'warning', value = 1, source = 'a') =>
    book.set({ metric, source, severity, message: () => `${metric} ${value}`, value, threshold: value - 1 })
  const idOf = (metric: string) => book.active(100).find((alert) => alert.metric === metric)?.id ?? ''
  return { clock, changes, book, set, idOf }
}

describe('AlertBook', () => {
  it('has the worst first, and of those the newest', () => {
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

  it('keeps when an alert was raised, and when its latest value came', () => {
    const { clock, book, set } = open()
    const raisedAt = clock.wall()
    set('cpu', 'warning', 5)
    clock.advance(2_000)
    set('cpu', 'warning', 7)
    expect(book.active(1)).toMatchObject([{ raisedAt, updatedAt: raisedAt + 2_000, value: 7, threshold: 6, message: 'cpu 7' }])
  })

  it('tells of changes, and not of each value', () => {
    const { book, changes, set, idOf } = open()
    for (const severity of ['warning', 'warning', 'critical', 'critical', 'warning', 'info'] as const) set('cpu', severity)
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

  it('says who acknowledged an alert and when, until it is worse', () => {
    const { clock, book, set, idOf } = open()
    set('cpu', 'critical')
    clock.advance(1_000)
    expect(book.acknowledge(idOf('cpu'), 'ann')).toBe(true)
    set('cpu', 'warning')
    expect(book.active(1)).toMatchObject([{ status: 'acknowledged', acknowledgedBy: 'ann', acknowledgedAt: clock.wall() }])
    set('cpu', 'critical')
    const [alert] = book.active(1)
    expect(alert?.status).toBe('active')
    expect(alert).not.toHaveProperty('acknowledgedBy')
    expect(alert).not.toHaveProperty('acknowledgedAt')
  })

  it('keeps what is over, the newest first, with when and by whom', () => {
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

  it('forgets the oldest of more than 500 that are over', () => {
    const { book, set } = open()
    for (let at = 0; at < 502; at += 1) {
      set(`metric ${at}`)
      book.clear(`metric ${at}`, 'a')
    }
    const resolved = book.resolved(10_000)
    expect(resolved).toHaveLength(500)
    expect([resolved[0]?.metric, resolved.at(-1)?.metric]).toEqual(['metric 501', 'metric 2'])
  })

  it('gives each alert an id of its own, also of one moment', () => {
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

  it('does not take one metric and source for another that reads the same', () => {
    const { book, set } = open()
    set('cpu', 'warning', 1, 'ab')
    set('cpua', 'warning', 1, 'b')
    expect(book.active(100)).toHaveLength(2)
    expect(book.of(alertKey('cpu', 'ab'))).toMatchObject({ severity: 'warning' })
    expect(book.of(alertKey('cpu', 'b'))).toBeUndefined()
  })

  it('gives copies away', () => {
    const { book, set, idOf } = open()
    set('cpu')
    const [before] = book.active(1)
    book.acknowledge(idOf('cpu'), 'ann')
    expect(before?.status).toBe('active')
  })
})
