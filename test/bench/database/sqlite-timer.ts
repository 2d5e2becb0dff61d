// A separate process that times statements: SQLite cannot be interrupted, but its process can be killed.
import openDatabase, { type Statement } from 'better-sqlite3'

/** Statements to run first, and one to time; their changes are rolled back. */
export interface TimeRequest {
  readonly before: readonly string[]
  readonly sql: string
  readonly samples: readonly (readonly unknown[])[]
  readonly rounds: number
}

const [filename = ''] = process.argv.slice(2)
const file = openDatabase(filename)

process.on('message', ({ before, sql, samples, rounds }: TimeRequest) => {
  const begin = (): Statement => {
    file.exec('BEGIN')
    for (const step of before) file.exec(step)
    return file.prepare(sql)
  }
  const ms = (statement: Statement, values: readonly unknown[]): number => {
    const startedAt = performance.now()
    if (statement.reader) statement.all(...values)
    else statement.run(...values)
    return performance.now() - startedAt
  }
  // Rolling back a write makes SQLite read the schema again, which must not be timed.
  const times = (values: readonly unknown[], first: Statement): number[] =>
    Array.from({ length: rounds + 1 }, (_, round) => {
      if (first.reader) return ms(first, values)
      const taken = ms(round === 0 ? first : begin(), values)
      file.exec('ROLLBACK')
      return taken
    }).slice(1)
  const all = samples.map((values) => {
    const taken = times(values, begin())
    if (file.inTransaction) file.exec('ROLLBACK')
    return taken
  })
  process.send?.(all)
})
process.send?.('ready')
