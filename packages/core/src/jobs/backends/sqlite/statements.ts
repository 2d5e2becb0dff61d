import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts'

/** Statements of a database, each prepared once. */
export class Statements {
  readonly #prepared = new Map<string, SqliteStatement>()

  constructor(private readonly database: SqliteDatabase) {}

  all<T>(sql: string, ...values: readonly unknown[]): readonly T[] {
    return this.#get(sql).all(...values) as readonly T[]
  }

  get<T>(sql: string, ...values: readonly unknown[]): T | undefined {
    return this.#get(sql).get(...values) as T | undefined
  }

  /** @returns How many rows were changed. */
  run(sql: string, ...values: readonly unknown[]): number {
    return this.#get(sql).run(...values).changes
  }

  #get(sql: string): SqliteStatement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.database.prepare(sql)
      // An app may have all numbers of its database as `bigint`.
      statement.safeIntegers(false)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}
