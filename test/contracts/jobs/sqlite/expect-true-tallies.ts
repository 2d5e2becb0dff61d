import Sqlite from 'better-sqlite3'
import { expect } from 'vitest'

const TALLIES =
  'SELECT queue, state, tasks, bytes FROM sluice_tallies WHERE tasks <> 0 OR bytes <> 0 ORDER BY queue, state'
const COUNTED = `SELECT queue, state, count(*) AS tasks, sum(iif(state = 7, length(CAST(data AS BLOB)), 0)) AS bytes
  FROM sluice_tasks GROUP BY queue, state ORDER BY queue, state`

/** Checks that the stored counts match the tasks, and that the file is intact. */
export function expectTrueTallies(file: string): void {
  const database = new Sqlite(file, { readonly: true })
  try {
    expect(database.prepare(TALLIES).all()).toEqual(database.prepare(COUNTED).all())
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
  } finally {
    database.close()
  }
}
