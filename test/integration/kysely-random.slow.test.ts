import { createSluice, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { withSluice } from '@sluice/kysely'
import knex, { type Knex } from 'knex'
import { CompiledQuery, Kysely, sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { TEST_MS } from '../support/patience.ts'
import { Random } from '../support/random.ts'
import { RANDOM_TABLES, RandomBuilders } from '../support/random-builders.ts'

const SEEDS = [1, 2, 3, 4]
const STEPS = 150

type Db = Kysely<Record<string, Record<string, unknown>>>

/** Lookups that several calls of one tick can share. */
const LOOKUPS: readonly ((db: Db, id: number) => Promise<unknown>)[] = [
  (db, id) => db.selectFrom('item').selectAll().where('id', '=', id).executeTakeFirst(),
  (db, id) => db.selectFrom('item').select('name').where('id', '=', id).limit(1).execute(),
  (db, id) =>
    db
      .selectFrom('seat')
      .select(['name', 'num'])
      .where('row_no', '=', id)
      .orderBy('num')
      .orderBy('name')
      .execute(),
  (db, id) =>
    db.selectFrom('item').selectAll().where('parent_id', '=', id).where('n', '>', 1).orderBy('id').execute(),
  (db, id) =>
    db
      .selectFrom('seat')
      .select((eb) => eb.fn.countAll().as('c'))
      .where('row_no', '=', id)
      .execute(),
  (db, id) =>
    db
      .selectFrom('seat')
      .select(['name', 'n'])
      .where('num', '=', id % 3)
      .where('row_no', '=', id)
      .executeTakeFirst(),
  (db, id) =>
    db
      .selectFrom('item')
      .select(({ fn }) => [fn.sum('n').as('s'), fn.count('name').distinct().as('d'), fn.max('id').as('m')])
      .where('parent_id', '=', id)
      .where('n', '<', 6)
      .executeTakeFirst(),
  (db, id) =>
    db
      .selectFrom('doc')
      .select(({ lit }) => lit(1).as('e'))
      .where('item_id', '=', id)
      .limit(1)
      .execute(),
  (db, id) =>
    db.selectFrom('item').selectAll().where('parent_id', '=', id).orderBy('id', 'desc').limit(1).execute(),
  (db, id) =>
    db.selectFrom('seat').select(['name', 'n']).where('row_no', '=', id).orderBy('n').limit(2).execute(),
  (db, id) =>
    db
      .selectFrom('seat as s')
      .leftJoin('item as i', (join) => join.onRef('i.id', '=', 's.item_id').on('i.n', '>', 2))
      .select(['s.name', 'i.name as of', 'i.n'])
      .where('s.row_no', '=', id)
      .orderBy('s.num')
      .execute(),
  (db, id) =>
    db
      .selectFrom('item')
      .innerJoin('item as p', 'p.id', 'item.parent_id')
      .selectAll('p')
      .where('item.id', '=', id)
      .executeTakeFirst(),
  (db, id) => sql`select n, id from item where id = ${id}`.execute(db),
]

class Run {
  readonly db: Db
  /** Another client of the same Sluice, which writes. */
  readonly peer: Db
  readonly bare: Db
  readonly #make: RandomBuilders
  readonly #keep: (() => CompiledQuery)[] = []

  private constructor(
    private readonly random: Random,
    private readonly builders: Knex,
    database: Database,
    readonly sluice: Sluice,
  ) {
    const open = () => kyselyDialect(database)
    this.db = new Kysely({ dialect: withSluice(open(), sluice) })
    this.peer = new Kysely({ dialect: withSluice(open(), sluice) })
    this.bare = new Kysely({ dialect: open() })
    this.#make = new RandomBuilders(builders, database.dialect, random)
  }

  static async open(database: Database, seed: number): Promise<Run> {
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 60 } })
    const run = new Run(new Random(seed), knex(database.knexConfig()), database, sluice)
    for (const row of run.#make.rows()) await run.#execute(run.bare, row)
    for (let tries = 0; !hostOf(sluice).catalogs.isKnown() && tries < 500; tries += 1) {
      await run.db.selectFrom('item').selectAll().where('id', '=', 1).execute()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return run
  }

  async step(): Promise<void> {
    const { random } = this
    const kind = random.below(10)
    if (kind < 3) await this.#execute(random.pick([this.db, this.peer]), this.#make.write())
    else if (kind === 3) await this.#transaction()
    else if (kind === 4) await this.#loop()
    else if (kind < 7) await this.#lookups()
    else this.#keepRead()
    await this.#compareKept()
  }

  async close(): Promise<void> {
    await Promise.all([this.db.destroy(), this.peer.destroy(), this.bare.destroy(), this.builders.destroy()])
    await this.sluice.close()
  }

  #keepRead(): void {
    const query = compiled(this.#make.read())
    this.#keep.push(() => CompiledQuery.raw(query.sql, [...query.parameters]))
    if (this.#keep.length > 12) this.#keep.shift()
  }

  /** The reads before, in parallel. */
  async #compareKept(reader: Db = this.db): Promise<void> {
    await this.#same((db) => Promise.all(this.#keep.map((read) => rowsOf(db, read()))), reader)
  }

  async #lookups(): Promise<void> {
    const ids = Array.from({ length: 6 }, () => this.random.below(9))
    const asked = ids.map((id) => [this.random.pick(LOOKUPS), id] as const)
    await this.#same((db) => Promise.all(asked.map(([lookup, id]) => lookup(db, id))))
  }

  async #loop(): Promise<void> {
    const lookup = this.random.pick(LOOKUPS)
    await this.#same(async (db) => {
      const found: unknown[] = []
      for (const { id } of await db.selectFrom('item').select('id').orderBy('id').execute())
        found.push(await lookup(db, Number(id)))
      return found
    })
  }

  async #transaction(): Promise<void> {
    const { random, db } = this
    const [writes, isKept] = [[this.#make.write(), this.#make.write()], random.chance(0.5)]
    const transaction = await db.startTransaction().execute()
    try {
      for (const write of writes) await this.#execute(transaction as unknown as Db, write, true)
      // Others do not see it. SQLite has one connection for each client.
      await this.#compareKept(this.peer)
      await transaction.selectFrom('item').selectAll().where('id', '=', random.below(9)).execute()
    } catch {
      await transaction.rollback().execute()
      return
    }
    await (isKept ? transaction.commit() : transaction.rollback()).execute()
  }

  /** Runs a statement that may fail, as keys may exist. */
  async #execute(db: Db, statement: Knex.QueryBuilder | Knex.Raw, mayThrow = false): Promise<void> {
    try {
      await db.executeQuery(compiled(statement))
    } catch (error) {
      if (mayThrow) throw error
    }
  }

  async #same(read: (db: Db) => Promise<unknown>, reader: Db = this.db): Promise<void> {
    const expected = await outcome(() => read(this.bare))
    const found = await this.sluice.run(() => outcome(() => read(reader)))
    expect(found).toEqual(expected)
  }
}

function compiled(statement: Knex.QueryBuilder | Knex.Raw): CompiledQuery {
  const { sql: text, bindings } = statement.toSQL().toNative()
  return CompiledQuery.raw(text, [...bindings])
}

/** The rows of a read; in any order, unless it says one. */
async function rowsOf(db: Db, query: CompiledQuery): Promise<unknown> {
  const answer = await outcome(() => db.executeQuery(query))
  const { value } = answer as { readonly value?: { readonly rows: readonly object[] } }
  if (value === undefined || query.sql.includes('order by')) return answer
  return value.rows.map((row) => JSON.stringify(row)).sort()
}

async function outcome(run: () => Promise<unknown>): Promise<object> {
  try {
    return { value: await run() }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

describe.each(databases())('random programs of Kysely on $name', ({ dialect, connect, skipped }) => {
  it.skipIf(skipped !== undefined).each(SEEDS)(
    'return what they return without Sluice, seed %i',
    { timeout: TEST_MS },
    async (seed) => {
      const database = await connect()
      try {
        await database.exec(RANDOM_TABLES[dialect])
        const run = await Run.open(database, seed)
        try {
          for (let at = 0; at < STEPS; at += 1) await run.step()
          const { cacheHits, batched, prefetched } = run.sluice.queries.getStats()
          expect(cacheHits).toBeGreaterThan(500)
          expect(batched).toBeGreaterThan(5)
          expect(prefetched).toBeGreaterThan(5)
        } finally {
          await run.close()
        }
      } finally {
        await database.drop()
      }
    },
  )
})
