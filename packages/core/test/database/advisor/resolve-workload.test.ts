import { expect, it } from 'vitest'
import { resolveWorkload } from '../../../src/database/advisor/resolve-workload.ts'
import type { WorkloadEntry } from '../../../src/database/workload/workload-record.ts'
import { testSnapshot } from '../test-snapshot.ts'

const snapshot = testSnapshot('postgresql', { city: 'id integer!, name text' })
const entry = (sql: string): WorkloadEntry => {
  const counts = { calls: 1, totalMs: 1, maxMs: 1, rows: 1, firstSeenAt: 0, lastSeenAt: 0 }
  return {
    fingerprint: sql.slice(0, 20),
    dialect: 'postgresql',
    sql,
    kind: 'read',
    callSites: [],
    samples: [],
    source: 'app',
    ...counts,
  }
}
const read = 'select name from city where id = $1'

/** Runs a function with half of the stack left: compiled code takes less of it than interpreted code. */
function deepInStack<T>(run: () => T, frames = 5_000): T {
  return frames === 0 ? run() : deepInStack(run, frames - 1)
}

it('readWorkload skips statements that are too long or too deep, and reads the others', () => {
  const chain = Array.from(
    { length: 1_450 },
    (_, at) => `q${at} as (select id from ${at === 0 ? 'city' : `q${at - 1}`})`,
  )
  const deep = `with ${chain.join(', ')} select id from q1449`
  const long = `select id from city where id in (${Array.from({ length: 20_000 }, (_, at) => at).join()})`
  const { statements, left } = deepInStack(() => resolveWorkload([deep, long, read].map(entry), snapshot))
  expect(left.map(({ kind, why }) => [kind, why])).toEqual([
    ['unreadable', 'Its queries are nested too deeply.'],
    ['unreadable', 'It is longer than 50,000 characters.'],
  ])
  expect(statements.map(({ entry: { sql } }) => sql)).toEqual([read])
})
