import {
  type Advice,
  type AdvisorTools,
  adviseDatabase,
  type DatabaseSnapshot,
  type IndexSupposer,
  inspectDatabase,
  type PostgresqlScratch,
  type WorkloadEntry,
} from '@sluice/core/database'
import { openScratchSqlite } from '../../../packages/cli/src/connect/open-sqlite.ts'
import { createPgliteScratch } from '../../../packages/cli/src/scratch/pglite-scratch.ts'
import type { ShopDatabase } from './shop-database.ts'

/** An advisor that is asked about one database, as often as one likes. */
export interface ShopAdvisor {
  /** The database, and who plans for it where that is not always the same. */
  readonly name: string
  readonly database: ShopDatabase
  readonly snapshot: DatabaseSnapshot
  readonly openedMs: number
  /** @param measures - Whether what is chosen is measured on a sample of the rows, where that is done (SQLite). */
  advise(workload: readonly WorkloadEntry[], measures?: boolean): Promise<Advice>
  close(): Promise<void>
}

/** Each way that a database is advised on: PostgreSQL is by a scratch database, and by HypoPG where that is installed. */
export async function* advisorsOf(database: ShopDatabase): AsyncGenerator<ShopAdvisor> {
  const { dialect, connection } = database
  if (dialect !== 'postgresql') {
    yield await openAdvisor(database.name, database)
    return
  }
  yield await openAdvisor('PostgreSQL, scratch', database)
  const [found] = await connection.query(`SELECT 1 FROM pg_available_extensions WHERE name = 'hypopg'`)
  if (found === undefined) return
  await connection.query('CREATE EXTENSION hypopg')
  yield await openAdvisor('PostgreSQL, HypoPG', database)
  await connection.query('DROP EXTENSION hypopg')
}

/** The first database that is asked for is the clone, the second one would hold the sample. */
function onlyTheClone(): NonNullable<AdvisorTools['sqliteScratch']> {
  let isAsked = false
  return async () => {
    if (isAsked) return undefined as never
    isAsked = true
    return openScratchSqlite()
  }
}

export async function openAdvisor(name: string, database: ShopDatabase): Promise<ShopAdvisor> {
  const startedAt = performance.now()
  const { connection } = database
  const snapshot = await inspectDatabase(connection)
  const needsScratch = snapshot.dialect === 'postgresql' && !snapshot.extensions.installed.includes('hypopg')
  const scratch = needsScratch ? new SharedScratch(await createPgliteScratch(snapshot)) : undefined
  return {
    name,
    database,
    snapshot,
    openedMs: performance.now() - startedAt,
    advise(workload, measures = true) {
      const tools: AdvisorTools = {
        sqliteScratch: measures ? openScratchSqlite : onlyTheClone(),
        ...(scratch === undefined ? {} : { postgresqlScratch: async () => scratch.lent() }),
      }
      return adviseDatabase({ connection, snapshot, workload, tools })
    },
    close: async () => scratch?.close(),
  }
}

/** A scratch database for one advice after the other: what one has supposed, the next one does not see. */
class SharedScratch {
  readonly #supposed = new Set<string>()

  constructor(private readonly scratch: PostgresqlScratch) {}

  lent(): PostgresqlScratch {
    const { scratch } = this
    const supposer: IndexSupposer = {
      validation: scratch.supposer.validation,
      suppose: async (index, tables) => {
        const names = await scratch.supposer.suppose(index, tables)
        for (const name of names) this.#supposed.add(name)
        return names
      },
      forget: async (names) => {
        await scratch.supposer.forget(names)
        for (const name of names) this.#supposed.delete(name)
      },
    }
    return { ...scratch, supposer, close: () => supposer.forget([...this.#supposed]) }
  }

  close(): Promise<void> {
    return this.scratch.close()
  }
}
