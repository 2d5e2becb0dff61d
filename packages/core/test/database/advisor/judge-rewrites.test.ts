import { describe, expect, it } from 'vitest'
import type { RewriteTimer } from '../../../src/database/advisor/index-check.ts'
import type { PlannedStatement, SupposedIndex } from '../../../src/database/advisor/what-if-planner.ts'
import type { WorkloadEntry } from '../../../src/database/workload/workload-record.ts'
import { adviceOf, entry, worldSnapshot } from './advisor-world.ts'

const snapshot = worldSnapshot('postgresql', {
  tables: { city: 'id integer!, name text*, region_id integer*, founded_at timestamp*, note text' },
  rows: { city: 100_000 },
  spread: {
    'city.founded_at': { distinct: 90_000, bounds: ['2001-01-01 00:00:00', '2021-01-01 00:00:00'] },
  },
})
const day = entry('SELECT id FROM city WHERE date(founded_at) = $1', { samples: [['2020-02-03']] })

/** A planner that knows the cost of statements by a part of their text. */
function planner(costs: Readonly<Record<string, number>>) {
  return {
    validation: 'scratch' as const,
    answer: async ({ sql }: PlannedStatement, indexes: readonly SupposedIndex[]) => {
      const part = Object.keys(costs).find((text) => sql.includes(text)) ?? ''
      return {
        cost: costs[part] ?? 1_000,
        used: new Set(indexes.map(({ label }) => label)),
        scans: new Map(),
      }
    },
    close: async () => {},
  }
}

async function rewritesOf(
  workload: readonly WorkloadEntry[],
  costs: Readonly<Record<string, number>>,
  rewriteTimer?: RewriteTimer,
) {
  const options = { planner: planner(costs), ...(rewriteTimer === undefined ? {} : { rewriteTimer }) }
  const { rewrites } = await adviceOf(snapshot, workload, options)
  return rewrites.map(({ rewrite, cost, measured }) => ({ rule: rewrite.rule, cost, measured }))
}

describe('judgeRewrites', () => {
  it('reports a rewrite that the planner expects to be cheaper', async () => {
    expect(await rewritesOf([day], { 'founded_at >=': 40 })).toEqual([
      { rule: 'function-to-range', cost: { before: 1_000, after: 40 }, measured: undefined },
    ])
  })

  it.each([900, 1_000, 4_000])('reports no rewrite that costs %d instead of 1,000', async (cost) => {
    expect(await rewritesOf([day], { 'founded_at >=': cost })).toEqual([])
  })

  it('reports a rewrite only if it is also faster on a sample', async () => {
    const timer =
      (after: number): RewriteTimer =>
      async () => ({ before: 2, after, unit: 'ms' })
    const costs = { 'founded_at >=': 40 }
    expect(await rewritesOf([day], costs, timer(1))).toMatchObject([{ measured: { before: 2, after: 1 } }])
    expect(await rewritesOf([day], costs, timer(1.9))).toEqual([])
    expect(await rewritesOf([day], { 'founded_at >=': 1_500 }, timer(1))).toEqual([])
  })

  it('runs both statements with their values, and the index that the rewrite needs', async () => {
    const seen: unknown[] = []
    await rewritesOf([day], { 'founded_at >=': 40 }, async ({ runs, needed, ddl }) => {
      seen.push(runs[0], needed, ddl)
      return undefined
    })
    expect(seen).toEqual([
      {
        before: "SELECT id FROM city WHERE date(founded_at) = '2020-02-03'",
        after:
          "SELECT id FROM city WHERE (founded_at >= '2020-02-03'::date AND founded_at < '2020-02-03'::date + 1)",
      },
      [{ table: 'public.city', keys: [{ column: 'founded_at' }], method: 'btree', isUnique: false }],
      ['CREATE INDEX CONCURRENTLY "city_founded_at_idx" ON "city" ("founded_at")'],
    ])
  })

  it('reports no OR as a union if its order ends the search early', async () => {
    const either = entry('SELECT id FROM city WHERE name = $1 OR region_id = $2 ORDER BY id LIMIT 5')
    expect(await rewritesOf([either], { 'UNION ALL': 400, 'SELECT id': 30 })).toEqual([])
    expect(await rewritesOf([either], { 'UNION ALL': 30 })).toMatchObject([{ rule: 'or-to-union' }])
  })

  it('supposes a page that is far from the first if no OFFSET was observed', async () => {
    const page = entry('SELECT id FROM city ORDER BY id LIMIT $1 OFFSET $2')
    const seen: string[] = []
    const costs = { '"city"."id" >': 2 }
    await rewritesOf([page], costs, async ({ runs }) => {
      seen.push(runs[0]?.before ?? '')
      return undefined
    })
    expect(seen).toEqual(["SELECT id FROM city ORDER BY id LIMIT '20' OFFSET '1000'"])
  })

  it('ignores statements without a relevant part of the time', async () => {
    const other = entry('SELECT name FROM city WHERE region_id = $1', { totalMs: 1_000_000 })
    expect(await rewritesOf([{ ...day, totalMs: 10 }, other], { 'founded_at >=': 40 })).toEqual([])
  })
})
