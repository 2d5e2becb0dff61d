import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import type { Knex } from 'knex'
import type pg from 'pg'

type Queryable = Pick<Awaited<ReturnType<SqlDriverAdapterFactory['connect']>>, 'queryRaw' | 'executeRaw'>

const TRANSACTION_CONTROL = /^\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/i

/** Queries of Sluice itself for the catalog. */
const CATALOG = /\b(?:pg_catalog|pg_settings|information_schema|sqlite_schema|pragma_\w+)\b|^\s*PRAGMA\b/i

/** Counts the statements that reach the driver, right before the database, in all ORMs. */
export class StatementCounter {
  #statements = 0

  get statements(): number {
    return this.#statements
  }

  /** Counts what goes through a Prisma driver adapter. */
  adapter(factory: SqlDriverAdapterFactory): SqlDriverAdapterFactory {
    return {
      provider: factory.provider,
      adapterName: factory.adapterName,
      connect: async () => {
        const adapter = this.#counted(await factory.connect())
        const startTransaction = adapter.startTransaction.bind(adapter)
        adapter.startTransaction = async (isolationLevel) =>
          this.#counted(await startTransaction(isolationLevel))
        return adapter
      },
    }
  }

  /** Counts what a Knex instance sends. */
  knex(db: Knex): Knex {
    return db.on('query', ({ sql }: { sql: string }) => this.#count(sql))
  }

  /** Counts what a pool of `pg` sends. */
  pool(pool: pg.Pool): pg.Pool {
    return pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown
      client.query = ((...args: readonly unknown[]) => {
        const [sent] = args as [string | { readonly text?: string } | undefined]
        this.add((typeof sent === 'string' ? sent : sent?.text) ?? '')
        return query(...args)
      }) as typeof client.query
    })
  }

  /** Counts one statement, unless it reads the catalog or controls a transaction. */
  add(sql: string): void {
    if (!CATALOG.test(sql)) this.#count(sql)
  }

  #counted<T extends Queryable>(queryable: T): T {
    const queryRaw = queryable.queryRaw.bind(queryable)
    const executeRaw = queryable.executeRaw.bind(queryable)
    queryable.queryRaw = (query) => {
      this.#count(query.sql)
      return queryRaw(query)
    }
    queryable.executeRaw = (query) => {
      this.#count(query.sql)
      return executeRaw(query)
    }
    return queryable
  }

  #count(sql: string): void {
    if (!TRANSACTION_CONTROL.test(sql)) this.#statements++
  }
}
