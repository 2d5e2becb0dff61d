// A process of its own that times statements: SQLite's cannot be interrupted, but it can be killed.
import openDatabase from 'better-sqlite3'

/** Statements to run first, and one to time; what they change is taken back. */
export interface TimeRequest {
  readonly before: readonly string[]
  readonly sql: string
  readonly samples: readonly (readonly unknown[])[]
  readonly rounds: number
}

const [filename = ''] = process.argv.slice(2)
const file = openDatabase(filename)

process.on('message', ({ before, sql, samples, rounds }: TimeRequest) => {
  file.exec('BEGIN')
  for (const step of before) file.exec(step)
  const statement = file.prepare(sql)
  const times = samples.map((values) =>
    Array.from({ length: rounds + 1 }, () => {
      file.exec('SAVEPOINT timed')
      const startedAt = performance.now()
      if (statement.reader) statement.all(...values)
      else statement.run(...values)
      const ms = performance.now() - startedAt
      file.exec('ROLLBACK TO timed')
      return ms
    }).slice(1),
  )
  file.exec('ROLLBACK')
  process.send?.(times)
})
process.send?.('ready')
