import { describe, expect, it } from 'vitest'
import { TraceWindow } from '../../../src/sluice/trace/trace-window.ts'
import type { TracedQuery } from '../../../src/yield/trace.ts'

const HEADER = { type: 'trace', schemaVersion: 1, startedAt: 0, ttlMs: 1_000 } as const
const QUERY: TracedQuery = { type: 'query', id: 1, label: 'a' }

describe('a trace window', () => {
  it('contains the last 5,000 events', () => {
    const window = new TraceWindow(HEADER, new Map([[1, QUERY]]))
    for (const line of [HEADER, QUERY]) window.add(line)
    const ids = () => window.read().events.map((event) => ('id' in event ? event.id : 0))
    for (let id = 1; id <= 12_345; id += 1) window.add({ type: 'transaction', id, at: id, end: id })
    expect(ids()).toEqual(Array.from({ length: 5_000 }, (_, at) => 7_346 + at))
    expect(window.read()).toMatchObject({ header: HEADER, queries: new Map([[1, QUERY]]) })
  })
})
