import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Dialect } from '@sluice/core'
import type { Connection } from '@sluice/core/database'
import { median } from '../harness.ts'
import type { Asked } from './shop-workload.ts'
import type { TimeRequest } from './sqlite-timer.ts'

/** Calls that take longer are aborted, and count with this duration. */
const MAX_CALL_MS = 2_000

/** Times statements of one database. Their writes are rolled back. */
export interface StatementTimer {
  /**
   * Milliseconds of one call: the median of some runs for each sample, and the mean of those.
   *
   * @param rounds - Runs of each sample, after one that does not count.
   * @param before - Statements that are in effect meanwhile: of MariaDB only `CREATE INDEX`, `ADD INDEX`,
   * `ALTER INDEX … IGNORED` and `ANALYZE TABLE`.
   */
  ms(asked: Asked, rounds: number, before?: readonly string[]): Promise<number>
  close(): void
}

/**
 * Times statements in a separate session: a session with an aborted statement is no longer in a transaction.
 */
export class SessionTimer implements StatementTimer {
  constructor(private readonly connection: Connection) {}

  async ms({ sql, samples }: Asked, rounds: number, before: readonly string[] = []): Promise<number> {
    const { connection } = this
    const isPostgres = connection.dialect === 'postgresql'
    const limit = isPostgres
      ? `SET statement_timeout = ${MAX_CALL_MS}`
      : `SET max_statement_time = ${MAX_CALL_MS / 1000}`
    // MariaDB cannot roll back a change of the schema.
    const outside = isPostgres ? [] : before
    for (const step of outside) await connection.query(step)
    await connection.query('BEGIN')
    try {
      if (isPostgres) for (const step of before) await connection.query(step)
      await connection.query(limit)
      const medians: number[] = []
      for (const sample of samples) {
        const values = sample.map((value) => runnable(value, connection.dialect))
        const times: number[] = []
        for (let round = -1; round < rounds; round += 1) {
          await connection.query('SAVEPOINT timed')
          const startedAt = performance.now()
          await connection.query(sql, values)
          if (round >= 0) times.push(performance.now() - startedAt)
          await connection.query('ROLLBACK TO SAVEPOINT timed')
        }
        medians.push(median(times))
      }
      return mean(medians)
    } catch (error) {
      if (!/statement timeout|max_statement_time/.test(String(error))) throw error
      return MAX_CALL_MS
    } finally {
      await connection.query('ROLLBACK')
      await connection.query(isPostgres ? 'SET statement_timeout = 0' : 'SET max_statement_time = 0')
      for (const step of outside.flatMap(undoOf)) await connection.query(step)
    }
  }

  close(): void {}
}

export class SqliteTimer implements StatementTimer {
  #child: ChildProcess | undefined

  constructor(private readonly filename: string) {}

  async ms({ sql, samples }: Asked, rounds: number, before: readonly string[] = []): Promise<number> {
    const child = await this.#ready()
    const request: TimeRequest = {
      before,
      sql,
      samples: samples.map((sample) => sample.map((value) => runnable(value, 'sqlite'))),
      rounds,
    }
    child.send(request)
    const times = await this.#answer(child, MAX_CALL_MS * 1.5)
    if (times === undefined) {
      this.close()
      return MAX_CALL_MS
    }
    return mean(times.map((one) => median(one)))
  }

  close(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  async #ready(): Promise<ChildProcess> {
    if (this.#child !== undefined) return this.#child
    const child = fork(join(import.meta.dirname, 'sqlite-timer.ts'), [this.filename])
    this.#child = child
    await new Promise((resolve) => child.once('message', resolve))
    return child
  }

  /** `undefined`: it took too long. */
  #answer(child: ChildProcess, withinMs: number): Promise<number[][] | undefined> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(undefined), withinMs)
      const done = (times: number[][] | undefined) => {
        clearTimeout(timer)
        child.off('message', done).off('exit', failed)
        resolve(times)
      }
      const failed = (code: number | null) => {
        clearTimeout(timer)
        reject(new Error(`The timing process ended with ${code}.`))
      }
      child.on('message', done).on('exit', failed)
    })
  }
}

function undoOf(step: string): string[] {
  const { name, table } =
    /^CREATE INDEX (?<name>\S+) ON (?<table>\S+)/.exec(step)?.groups ??
    /^ALTER TABLE (?<table>\S+) ADD INDEX (?<name>\S+)/.exec(step)?.groups ??
    {}
  if (name !== undefined) return [`DROP INDEX ${name} ON ${table}`]
  return step.endsWith(' IGNORED') ? [step.replace(/ IGNORED$/, ' NOT IGNORED')] : []
}

/** Prisma's adapters convert limits from strings to numbers. */
function runnable(value: unknown, dialect: Dialect): unknown {
  return dialect !== 'postgresql' && typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
