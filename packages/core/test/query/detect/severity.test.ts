import { createSluice, type Finding } from '@sluice/core'
import { compareFindings, hostOf, impactOf, severityOf, sumOfImpacts } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { FakeClock, read } from '../../helpers.ts'

const MINUTE = 60_000
const severity = (savedMs: number, seenMs = 0, scopeMs = 0, occurrences = 1) =>
  severityOf(impactOf({ occurrences, savedMs, scopeMs, seenMs }))

describe('severityOf', () => {
  it('is derived from the savings per minute', () => {
    expect([29, 99, 100, 999, 1_000].map((ms) => severity(ms))).toEqual([
      'low',
      'low',
      'medium',
      'medium',
      'high',
    ])
    expect([199, 200, 1_999, 2_000].map((ms) => severity(ms, 2 * MINUTE))).toEqual([
      'low',
      'medium',
      'medium',
      'high',
    ])
  })

  it('counts a shorter time as one minute', () => {
    expect(impactOf({ occurrences: 3, savedMs: 60, scopeMs: 0, seenMs: 1_000 }).savedMsPerMinute).toBe(60)
  })

  it('is high for a frequent finding of 25% of the duration of its scopes', () => {
    expect(severity(100, MINUTE, 400, 20)).toBe('high')
    expect(severity(100, MINUTE, 401, 20)).toBe('medium')
    expect(severity(100, MINUTE, 400, 19)).toBe('medium')
    expect(severity(100, MINUTE - 1, 400, 20)).toBe('medium')
    expect(severity(99, MINUTE, 99, 20)).toBe('low')
    expect(severity(100, MINUTE, 0, 20)).toBe('medium')
  })

  it('adds up the rates of several processes', () => {
    const sum = sumOfImpacts([
      impactOf({ occurrences: 2, savedMs: 600, scopeMs: 700, seenMs: 0 }),
      impactOf({ occurrences: 3, savedMs: 800, scopeMs: 900, seenMs: 2 * MINUTE }),
    ])
    expect(sum).toEqual({
      occurrences: 5,
      savedMs: 1_400,
      scopeMs: 1_600,
      seenMs: 2 * MINUTE,
      savedMsPerMinute: 1_000,
    })
    expect(severityOf(sum)).toBe('high')
  })
})

describe('compareFindings', () => {
  it('orders by severity, then by the savings per minute, then by the count', () => {
    const item = (severity: Finding['severity'], savedMsPerMinute: number, count = 1) => ({
      severity,
      count,
      impact: { savedMsPerMinute },
    })
    const items = [item('low', 90, 5), item('low', 90, 9), item('medium', 900), item('high', 500)]
    expect(items.toSorted(compareFindings)).toEqual([items[3], items[2], items[1], items[0]])
  })
})

describe('the severity of a finding', () => {
  const setUp = () => {
    const clock = new FakeClock()
    const sluice = createSluice({ clock })
    const findings: Finding[] = []
    sluice.on('finding', (finding) => findings.push(finding))
    const request = (ms: number, count = 5, otherMs = 0) =>
      sluice.run(async () => {
        clock.advance(otherMs)
        for (let i = 0; i < count; i += 1)
          await hostOf(sluice).execute(read({ run: async () => clock.advance(ms), label: 'each' }))
      })
    return { clock, sluice, findings, request }
  }

  it('changes with the savings of all scopes', async () => {
    const { findings, request } = setUp()
    // One query instead of 5 of 11.2 ms: each scope saves 40.3 ms.
    for (let i = 0; i < 25; i += 1) await request(11.2)
    expect(findings.map(({ severity }) => severity).join(' ')).toBe(
      [...Array(2).fill('low'), ...Array(22).fill('medium'), 'high'].join(' '),
    )
  })

  it('decreases while other scopes end, and not while the app has no traffic', async () => {
    const { clock, sluice, request } = setUp()
    await request(280)
    const severityNow = () => sluice.queries.getNPlusOnePatterns()[0]?.severity
    expect(severityNow()).toBe('high')
    clock.advance(20 * MINUTE)
    expect(severityNow()).toBe('high')
    await request(1, 1)
    expect(severityNow()).toBe('low')
  })

  it('uses the savings of each scope, not those of the worst one', async () => {
    const { sluice, request } = setUp()
    await request(10, 50, 10)
    for (let i = 0; i < 3; i += 1) await request(1)
    expect(sluice.queries.getNPlusOnePatterns()).toMatchObject([
      {
        count: 50,
        impact: { occurrences: 4, savedMs: expect.closeTo(451.8), scopeMs: 525 },
        severity: 'medium',
      },
    ])
  })
})
