import type { Finding } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import type { RecordedRequest } from '../../src/recorder/recorded-request.ts'
import { RouteTable } from '../../src/recorder/route-stats.ts'

let sequence = 0

function request(more: Partial<RecordedRequest> = {}): RecordedRequest {
  sequence += 1
  const counts = { operations: 4, queries: 4, batched: 0, prefetched: 0, cacheHits: 0, databaseMs: 8 }
  const head = {
    id: `r${sequence}`,
    sequence,
    name: 'GET /a',
    mode: 'observe',
    statusCode: 200,
    failed: false,
    startedAt: 0,
    durationMs: 10,
  } as const
  return { ...head, ...counts, findings: [], rows: [], omittedRows: 0, ticks: [], bytes: 100, ...more }
}

const finding = { code: 'N_PLUS_ONE', queries: 12, queriesPossible: 2 } as Finding

describe('route statistics', () => {
  it('are means of the last requests, with their number', () => {
    const table = new RouteTable()
    table.add(request({ queries: 2, databaseMs: 4, cacheHits: 2, operations: 4 }), 0)
    table.add(
      request({ queries: 12, databaseMs: 8, operations: 12, findings: [finding], statusCode: 503 }),
      0,
    )
    const [row] = table.rows(0)
    expect(row).toMatchObject({
      requests: 2,
      errors: 1,
      sample: 2,
      queries: 7,
      databaseMs: 6,
      repeats: 5,
      flags: ['N_PLUS_ONE'],
    })
    expect(row?.cacheShare).toBeCloseTo(2 / 16)
  })

  it('cover the last 128 requests', () => {
    const table = new RouteTable()
    for (let at = 0; at < 200; at += 1) table.add(request({ durationMs: at < 72 ? 5_000 : 10 }), 0)
    expect(table.rows(0)[0]).toMatchObject({ requests: 200, sample: 128, p99: 10 })
  })

  it('contain the rate of the last 10 seconds, which drops to 0 later', () => {
    const table = new RouteTable()
    for (let at = 0; at < 50; at += 1) table.add(request(), 100_000 + at * 200)
    expect(table.rows(110_000)[0]?.perSecond).toBeCloseTo(4.5, 0)
    expect(table.rows(130_000)[0]?.perSecond).toBe(0)
  })

  it('use a budget that was set before or after the first request', () => {
    const table = new RouteTable()
    table.setBudget('GET /a', 3)
    table.add(request({ queries: 4 }), 0)
    table.add(request({ queries: 2 }), 0)
    expect(table.rows(0)[0]).toMatchObject({ budget: 3, overBudget: 1 })
    table.setBudget('GET /a', null)
    expect(table.rows(0)[0]).toMatchObject({ budget: null, overBudget: 0 })
  })

  it('are limited to 300 names, evict the least recently used, and report it once', () => {
    const table = new RouteTable()
    for (let at = 0; at < 300; at += 1) table.add(request({ name: `GET /${at}` }), 0)
    table.add(request({ name: 'GET /0' }), 0)
    table.add(request({ name: 'GET /new' }), 0)
    expect(table.rows(0)).toHaveLength(300)
    expect(table.takeRemoved()).toEqual(['GET /1'])
    expect(table.takeRemoved()).toEqual([])
  })
})
