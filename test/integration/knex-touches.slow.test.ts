import { analyzeSql, createSluice, type Dialect } from '@sluice/core'
import {
  canonicalKey,
  effectOfStatement,
  isRefusal,
  type TableId,
  type WriteEffect,
} from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import knex, { type Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { StatementPlans } from '../../packages/core/src/adapter/statement-plan.ts'
import { clientOf } from '../../packages/knex/src/internals/client.ts'
import type { BuilderInternals } from '../../packages/knex/src/internals/types.ts'
import { KnexOperation } from '../../packages/knex/src/knex-operation.ts'
import { CachedReads, type KnownRead } from '../support/cached-reads.ts'
import { readStillCatalog } from '../support/catalog-read.ts'
import { type ChangeLog, createChangeLog } from '../support/change-log.ts'
import { type Database, knexDatabases } from '../support/databases.ts'
import { missedRows, tablesOf } from '../support/missed-rows.ts'
import { Random } from '../support/random.ts'
import { RANDOM_TABLES, RandomBuilders } from '../support/random-builders.ts'

const SOURCE = 'knex'

interface Compiled {
  readonly sql: string
  readonly bindings: readonly unknown[]
}

/** A Knex instance without Sluice, and everything that Sluice would derive from its statements. */
class Bench {
  readonly host = hostOf(createSluice({ mode: 'optimize' }))

  private constructor(
    readonly dialect: Dialect,
    private readonly database: Database,
    readonly db: Knex,
    readonly log: ChangeLog,
  ) {}

  static async open(dialect: Dialect, connect: () => Promise<Database>): Promise<Bench> {
    const database = await connect()
    await database.exec(RANDOM_TABLES[dialect])
    const catalog = await readStillCatalog({ dialect, query: (sql, params) => database.query(sql, params) })
    const log = await createChangeLog(database, catalog)
    const bench = new Bench(dialect, database, knex(database.knexConfig()), log)
    bench.host.catalogs.set(SOURCE, catalog)
    return bench
  }

  read(builder: Knex.QueryBuilder): KnownRead | undefined {
    const client = clientOf(this.db)
    if (client === undefined) throw new Error('Expected to know the client.')
    const context = {
      source: { id: SOURCE, orm: 'knex', dialect: this.dialect, seesStatements: true } as const,
      host: this.host,
      runRaw: () => Promise.resolve([]),
      conversions: { current: () => '', shared: () => '' },
      plans: new StatementPlans({
        sourceId: SOURCE,
        dialect: this.dialect,
        catalogs: this.host.catalogs,
        fix: undefined,
        seen() {},
        areShared: () => true,
        sharedVersion: () => 0,
      }),
      isMigrationTable: () => false,
      gainOf: () => undefined,
      mayRewrite: () => false,
      lookupOf: () => ({ refused: 'not asked' }),
      readsOf: () => undefined,
      rowSourceOf: () => undefined,
    }
    const operation = new KnexOperation(context, client, builder as unknown as BuilderInternals, () =>
      Promise.resolve(),
    )
    const request = operation.cacheRequest()
    if (isRefusal(request)) return undefined
    const { sql, bindings } = builder.toSQL()
    const name = `${sql} ${canonicalKey(bindings)}`
    return {
      tables: request.tables,
      rows: request.rows,
      isComplete: (value) => request.isComplete?.(value) === true,
      name,
      isOrdered: name.includes('order by'),
      ask: async () => this.#plain(await builder.clone()),
    }
  }

  /** The prediction for the SQL and the bindings as the driver receives them. */
  effectOf({ sql, bindings }: Compiled): WriteEffect {
    const { statement } = analyzeSql(sql, this.dialect)
    return (
      effectOfStatement(statement, SOURCE, this.host.catalogs, bindings) ?? {
        tables: new Set(),
        everything: false,
      }
    )
  }

  /** The rows of Knex and their values, as plain objects. */
  #plain(value: unknown): unknown {
    return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
  }

  async close(): Promise<void> {
    await this.db.destroy()
    await this.database.drop()
  }
}

interface Run {
  readonly missed: string[]
  readonly cached: CachedReads
  readonly written: Set<TableId>
  reads: number
  writes: number
  /** Writes with known rows in a table that they changed. */
  exact: number
}

async function compare(bench: Bench, random: Random, rounds: number): Promise<Run> {
  const run: Run = {
    missed: [],
    cached: new CachedReads(),
    written: new Set(),
    reads: 0,
    writes: 0,
    exact: 0,
  }
  const make = new RandomBuilders(bench.db, bench.dialect, random)
  for (const row of make.rows())
    await row.then(
      () => {},
      () => {},
    )
  await bench.log.drain()
  for (let round = 0; round < rounds; round++) {
    for (const builder of [make.read(), make.read(), make.read()]) {
      const read = bench.read(builder)
      // Values outside a column's range are errors on PostgreSQL.
      if (read !== undefined)
        await run.cached.keep(read).then(
          () => run.reads++,
          () => {},
        )
    }
    const write = make.write()
    const { sql, bindings } = write.toSQL().toNative()
    const effect = bench.effectOf({ sql, bindings })
    const isDone = await write.then(
      () => true,
      () => false,
    )
    const changes = await bench.log.drain()
    const changed = tablesOf(changes)
    if (isDone) run.writes++
    const name = `${sql} ${canonicalKey(bindings)}`
    run.missed.push(
      ...[...changed]
        .filter((table) => !effect.everything && !effect.tables.has(table))
        .map((table) => `${table}: ${name}`),
    )
    run.missed.push(...missedRows(changes, effect).map((row) => `${row}: ${name}`))
    for (const table of changed) run.written.add(table)
    if ([...(effect.rows ?? [])].some(([table, rows]) => rows.size > 0 && changed.has(table))) run.exact++
    await run.cached.written(name, effect, changed)
  }
  return run
}

describe.each(knexDatabases())('touches of builders on $name', ({ dialect, skipped, connect }) => {
  it.skipIf(skipped !== undefined)('include all tables and rows that they read and write', async () => {
    const bench = await Bench.open(dialect, connect)
    try {
      const run = await compare(bench, new Random(20_260_202), 400)
      expect(run.missed).toEqual([])
      expect(run.cached.stale).toEqual([])
      expect(run.written.size).toBe(4)
      expect(run.exact).toBeGreaterThan(25)
      expect(run.cached.pinned).toBeGreaterThan(100)
      expect(run.cached.reruns).toBeGreaterThan(25)
    } finally {
      await bench.close()
    }
  })
})
