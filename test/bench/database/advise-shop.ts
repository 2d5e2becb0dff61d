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
import { openScratchSqlite } from '../../../packages/cli/src/connect/open-connection.ts'
import { createPgliteScratch } from '../../../packages/cli/src/scratch/pglite-scratch.ts'
import type { ShopDatabase } from './shop-database.ts'

/** An advisor for one database, which can be used repeatedly. */
export interface ShopAdvisor {
  /** The database, and its planner if there are several. */
  readonly name: string
  readonly database: ShopDatabase
  readonly snapshot: DatabaseSnapshot
  readonly openedMs: number
  /**
   * @param measures - Whether recommended indexes are measured on a sample of the rows, if that is supported
   * (SQLite).
   */
  advise(workload: readonly WorkloadEntry[], measures?: boolean): Promise<Advice>
  close(): Promise<void>
}

/** Each way to advise on a database: PostgreSQL uses a scratch database, and HypoPG if it is installed. */
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

/** The first requested database is the clone, the second one would contain the sample. */
export function onlyTheClone(): NonNullable<AdvisorTools['sqliteScratch']> {
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

/** A separate scratch database for each advice, so that hypothetical indexes do not affect later advice. */
export class SharedScratch {
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
      without: (names, plan) => scratch.supposer.without?.(names, plan) ?? plan(),
    }
    return { ...scratch, supposer, close: () => supposer.forget([...this.#supposed]) }
  }

  close(): Promise<void> {
    return this.scratch.close()
  }
}
