import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { withSluice } from '@sluice/kysely'
import { CamelCasePlugin, type Dialect, Kysely, type LogEvent, MssqlAdapter, MysqlDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import mysql from 'mysql2'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { TEST_MS } from '../support/patience.ts'

interface Tables {
  city: { id: number; name: string; region_id: number }
}

/** Runs in a scope, and returns its report. */
async function inspect(sluice: Sluice, run: () => Promise<unknown>) {
  const scope = sluice.openScope('test')
  await scope.enter(run)
  return scope.end()
}

const uuid = (nth: number) => `00000000-0000-4000-8000-00000000000${nth}`

const CITIES = `
  CREATE TABLE city (id integer PRIMARY KEY, name varchar(40), region_id integer);
  INSERT INTO city VALUES (1, 'Aarau', 1), (2, 'Bern', 1), (3, 'Chur', 2), (4, 'Davos', 2), (5, 'Elm', 3),
    (6, 'Fully', 4), (7, 'Genf', 4), (8, 'Horgen', 4), (9, 'Ilanz', 4), (10, 'Jona', 4), (11, 'Kloten', 4);`

describe.each(databases())('Kysely on $name', ({ dialect, connect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let database: Database
    const opened: { close(): Promise<unknown> }[] = []

    beforeAll(async () => {
      database = await connect()
      await database.exec(CITIES)
    })
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close()
    })
    afterAll(() => database?.drop())

    /** Kysely with Sluice, whose catalog is known. */
    async function open(options: SluiceOptions, kysely: object = {}): Promise<[Kysely<Tables>, Sluice]> {
      const sluice = createSluice(options)
      const db = new Kysely<Tables>({ dialect: withSluice(kyselyDialect(database), sluice), ...kysely })
      opened.push({ close: () => db.destroy() }, sluice)
      if (options.mode === 'observe') return [db, sluice]
      await vi.waitUntil(async () => {
        await db.selectFrom('city').selectAll().where('id', '=', 1).execute()
        return hostOf(sluice).catalogs.isKnown()
      }, TEST_MS)
      return [db, sluice]
    }

    const optimize = { mode: 'optimize', cache: false } as const
    const byId = (db: Kysely<Tables>, id: number) =>
      db.selectFrom('city').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

    it('logs the queries of each caller, and transactions, as without Sluice', async () => {
      const events: Record<string, string[]> = { bare: [], sluice: [] }
      const log = (name: string) => (event: LogEvent) => void events[name]?.push(event.query.sql)
      const bare = new Kysely<Tables>({ dialect: kyselyDialect(database), log: log('bare') })
      opened.push({ close: () => bare.destroy() })
      const [db, sluice] = await open(optimize, { log: log('sluice') })
      events.sluice = []
      const program = async (on: Kysely<Tables>) => {
        await Promise.all([1, 2, 3].map((id) => byId(on, id)))
        await on.transaction().execute((transaction) => byId(transaction, 4))
      }
      await program(bare)
      const { queries } = await inspect(sluice, () => program(db))
      expect(events.sluice).toEqual(events.bare)
      expect(queries).toBeLessThan(events.bare?.length ?? 0)
    })

    it('maps the rows of each caller with its own plugins', async () => {
      const [db] = await open(optimize)
      const camel = db.withPlugin(new CamelCasePlugin()) as unknown as Kysely<{
        city: { id: number; regionId: number }
      }>
      const found = await Promise.all([
        ...[1, 2].map((id) => byId(db, id)),
        ...[3, 4].map((id) => camel.selectFrom('city').selectAll().where('id', '=', id).execute()),
      ])
      expect(found).toEqual([
        { id: 1, name: 'Aarau', region_id: 1 },
        { id: 2, name: 'Bern', region_id: 1 },
        [{ id: 3, name: 'Chur', regionId: 2 }],
        [{ id: 4, name: 'Davos', regionId: 2 }],
      ])
    })

    const countOf = (db: Kysely<Tables>, region: number) =>
      db
        .selectFrom('city')
        .select(({ fn }) => fn.countAll().as('n'))
        .where('region_id', '=', region)
        .executeTakeFirstOrThrow()

    it('queries one key for the aggregates of keys without rows', async () => {
      const [db, sluice] = await open(optimize)
      const none = await countOf(db, 99)
      const ask = () => Promise.all([97, 98, 99].map((region) => countOf(db, region)))
      const { queries } = await inspect(sluice, async () => expect(await ask()).toEqual([none, none, none]))
      expect(Number(none.n)).toBe(0)
      expect(queries).toBe(2)
    })

    it.skipIf(dialect === 'sqlite')('batches sums that are 0 instead of null', async () => {
      await database.exec(
        'CREATE TABLE sale (id int PRIMARY KEY, owner int, units int, total bigint, price numeric(9, 2))',
      )
      await database.exec(
        'INSERT INTO sale VALUES (1, 1, 2, 9007199254740993, 1.50), (2, 1, 3, 1, 2.50), (3, 2, null, null, null)',
      )
      const bare = new Kysely<Tables>({ dialect: kyselyDialect(database) })
      opened.push({ close: () => bare.destroy() })
      const [db, sluice] = await open(optimize)
      const sums = (on: Kysely<Tables>, column: string, owners: readonly number[]) =>
        Promise.all(
          owners.map((owner) =>
            (on as unknown as Kysely<Record<string, Record<string, unknown>>>)
              .selectFrom('sale')
              .select(({ fn, lit }) => [
                fn.coalesce(fn.sum(column), lit(0)).as('sum'),
                fn.coalesce(fn.max(column), lit(0)).as('most'),
                fn.countAll().as('n'),
              ])
              .where('owner', '=', owner)
              .execute(),
          ),
        )
      for (const [column, owners, sent] of [
        ['units', [1, 2, 3], 1],
        ['total', [3, 2, 1], 1],
        // A batch that shows no result, and one query for the form of the result.
        ['units', [7, 8, 9], 2],
        ['price', [1, 2, 3], 3],
      ] as const) {
        const expected = await sums(bare, column, owners)
        const { queries } = await inspect(sluice, async () =>
          expect(await sums(db, column, owners)).toEqual(expected),
        )
        expect(queries, column).toBe(sent)
      }
    })

    it('batches pages of each key if their order is total', async () => {
      const bare = new Kysely<Tables>({ dialect: kyselyDialect(database) })
      opened.push({ close: () => bare.destroy() })
      const [db, sluice] = await open(optimize)
      const pages = (on: Kysely<Tables>, order: 'id' | 'region_id', offset: number) =>
        Promise.all(
          [1, 2, 3, 4, 9].map((region) =>
            on
              .selectFrom('city')
              .select(['name', 'region_id'])
              .where('region_id', '=', region)
              .orderBy(order, 'desc')
              .limit(2)
              .offset(offset)
              .execute(),
          ),
        )
      for (const offset of [0, 1, 3, 50]) {
        const expected = await pages(bare, 'id', offset)
        const { queries } = await inspect(sluice, async () =>
          expect(await pages(db, 'id', offset)).toEqual(expected),
        )
        expect(queries).toBe(dialect === 'sqlite' ? 5 : 1)
      }
      expect((await inspect(sluice, () => pages(db, 'region_id', 1))).queries).toBe(5)
    })

    it('keeps different offsets apart', async () => {
      const [db, sluice] = await open(optimize)
      const page = (region: number, offset: number) =>
        db
          .selectFrom('city')
          .select('id')
          .where('region_id', '=', region)
          .orderBy('id')
          .limit(1)
          .offset(offset)
          .execute()
      await sluice.run(async () =>
        expect(await Promise.all([page(1, 0), page(1, 1), page(4, 0), page(4, 1)])).toEqual(
          [1, 2, 6, 7].map((id) => [{ id }]),
        ),
      )
    })

    it('compares keys of all types as the individual queries do', async () => {
      const kinds: Readonly<Record<string, string>> = {
        code: 'varchar(9)',
        padded: 'char(5)',
        large: 'bigint',
        small: 'smallint',
        ...(dialect === 'postgresql' ? { ident: 'uuid', mood: 'mood', name: 'name' } : {}),
      }
      const valuesOf = (kind: string) =>
        kind.endsWith('int') ? [1, 2, 3] : kind === 'uuid' ? [1, 2, 3].map(uuid) : ['a', 'b', 'c']
      if (dialect === 'postgresql') await database.exec("CREATE TYPE mood AS ENUM ('a', 'b', 'c')")
      const columns = Object.entries(kinds).map(([name, kind]) => `${name} ${kind}`)
      await database.exec(`CREATE TABLE typed (id integer PRIMARY KEY, flag smallint, ${columns.join()})`)
      for (const id of [1, 2, 3, 4, 5, 6]) {
        const row = Object.values(kinds).map((kind) => `'${valuesOf(kind)[id % 2]}'`)
        await database.exec(`INSERT INTO typed VALUES (${id}, ${id % 2}, ${row.join()})`)
      }
      const bare = new Kysely<Tables>({ dialect: kyselyDialect(database) })
      opened.push({ close: () => bare.destroy() })
      const [db, sluice] = await open(optimize)
      for (const [name, kind] of Object.entries(kinds)) {
        const read = (on: Kysely<Tables>) => {
          const rows = (on as unknown as Kysely<Record<string, Record<string, unknown>>>).selectFrom('typed')
          const by = (value: unknown) => rows.where('flag', '=', 0).where(name, '=', value)
          return Promise.all(
            valuesOf(kind).flatMap((value) => [
              by(value).select('id').orderBy('id').execute(),
              by(value).selectAll().orderBy('id', 'desc').limit(2).execute(),
              by(value)
                .select(({ fn }) => [fn.max('id').as('m')])
                .execute(),
            ]),
          )
        }
        const expected = await read(bare)
        const { queries } = await inspect(sluice, async () => expect(await read(db)).toEqual(expected))
        const isBatched = { sqlite: 5, mysql: 3, postgresql: 3 }[dialect]
        expect(queries, name).toBe(name === 'name' || kind === 'char(5)' ? queries : isBatched)
      }
    })

    it.runIf(dialect === 'mysql')('shows type casts of the driver the columns of the table', async () => {
      await database.exec('CREATE TABLE task (id int PRIMARY KEY, done tinyint(1), kind char(3), owner int)')
      await database.exec("INSERT INTO task VALUES (1, 1, 'a', 1), (2, 0, 'b', 1), (3, 1, 'c', 2)")
      const seen: string[] = []
      const pool = mysql.createPool({
        uri: database.url,
        typeCast: (field, next) => {
          if (field.table === 'task') seen.push(`${field.name} ${field.type} ${field.length}`)
          return field.type === 'TINY' && field.length === 1 ? field.string() === '1' : next()
        },
      })
      const sluice = createSluice(optimize)
      const db = new Kysely<Record<string, Record<string, unknown>>>({
        dialect: withSluice(new MysqlDialect({ pool }), sluice),
      })
      opened.push({ close: () => db.destroy() }, sluice)
      const first = (owner: number) =>
        db.selectFrom('task').selectAll().where('owner', '=', owner).orderBy('id', 'desc').limit(1).execute()
      await vi.waitUntil(async () => (await first(1)) && hostOf(sluice).catalogs.isKnown(), TEST_MS)
      seen.length = 0
      const alone = await Promise.all([first(1), first(2)])
      const types = new Set(seen.splice(0))
      const { queries } = await inspect(sluice, async () =>
        expect(await Promise.all([1, 2].map(first))).toEqual(alone),
      )
      expect(queries).toBe(1)
      expect(alone).toEqual([
        [{ id: 2, done: false, kind: 'b', owner: 1 }],
        [{ id: 3, done: true, kind: 'c', owner: 2 }],
      ])
      expect(new Set(seen)).toEqual(types)
    })

    it('prefetches counts for a loop after its listing', async () => {
      const [db, sluice] = await open(optimize)
      const loop = async () => {
        const found: number[] = []
        for (const { id } of await db.selectFrom('city').select('id').orderBy('id').execute())
          found.push(Number((await countOf(db, id)).n))
        return found
      }
      const counts = [2, 2, 1, 6, 0, 0, 0, 0, 0, 0, 0]
      const { queries } = await inspect(sluice, async () => expect(await loop()).toEqual(counts))
      expect(queries).toBeLessThan(7)
    })

    it('reports the call site of queries that are returned without await', async () => {
      const [db, sluice] = await open({ mode: 'observe' })
      function city(id: number) {
        return db.selectFrom('city').selectAll().where('id', '=', id).execute()
      }
      const { findings } = await inspect(sluice, () => Promise.all([1, 2, 3, 4, 5].map(city)))
      const callSite = { file: import.meta.filename, functionName: 'city' }
      expect(findings).toMatchObject([{ code: 'N_PLUS_ONE', pattern: 'parallel', callSite }])
    })

    it('reports a loop, and the fix runs once', async () => {
      const [db, sluice] = await open({ mode: 'observe' })
      const loop = async () => {
        for (const { id } of await db.selectFrom('city').select('id').execute()) await byId(db, id)
      }
      const { findings } = await inspect(sluice, loop)
      const finding = findings?.find(({ code }) => code === 'N_PLUS_ONE')
      expect(finding?.callSite?.file).toBe(import.meta.filename)
      const run = new Function('db', 'keys', `return ${finding?.fix}`) as (...args: unknown[]) => unknown
      expect(await run(db, [1, 2])).toEqual([
        { id: 1, name: 'Aarau', region_id: 1 },
        { id: 2, name: 'Bern', region_id: 1 },
      ])
    })

    it('runs queries on a held connection in its session', async () => {
      const [db] = await open(optimize)
      const [set, get] = {
        postgresql: [sql`set application_name = 'own'`, sql`select current_setting('application_name') as v`],
        mysql: [sql`set @own = 'own'`, sql`select @own as v`],
        sqlite: [sql`create temp table own as select 'own' as v`, sql`select v from own`],
      }[dialect] as [ReturnType<typeof sql>, ReturnType<typeof sql>]
      await db.connection().execute(async (held) => {
        await byId(held, 1)
        await set.execute(held)
        expect((await get.execute(held)).rows).toEqual([{ v: 'own' }])
        expect(await byId(held, 2)).toMatchObject({ name: 'Bern' })
      })
    })

    it('rejects an aborted query, and continues', async () => {
      const [db] = await open(optimize)
      const controller = new AbortController()
      controller.abort(new Error('Enough.'))
      const { signal } = controller
      await expect(db.selectFrom('city').selectAll().execute({ signal })).rejects.toThrow()
      expect(await byId(db, 3)).toMatchObject({ name: 'Chur' })
      const { signal: quiet } = new AbortController()
      expect(
        await db.selectFrom('city').selectAll().where('id', '=', 3).execute({ signal: quiet }),
      ).toHaveLength(1)
    })

    it('runs migrations up and down', async () => {
      const [db] = await open(optimize)
      const migrator = new Migrator({
        db,
        provider: {
          getMigrations: async () => ({
            one: {
              up: (on) => on.schema.createTable('lake').addColumn('id', 'integer').execute(),
              down: (on) => on.schema.dropTable('lake').execute(),
            },
          }),
        },
      })
      expect((await migrator.migrateToLatest()).error).toBeUndefined()
      const lakes = (db as unknown as Kysely<{ lake: { id: number } }>).selectFrom('lake').selectAll()
      expect(await lakes.execute()).toEqual([])
      expect((await migrator.migrateDown()).error).toBeUndefined()
      await expect(lakes.execute()).rejects.toThrow(/lake/)
      await sql`drop table kysely_migration, kysely_migration_lock`.execute(db).catch(async () => {
        await db.schema.dropTable('kysely_migration').execute()
        await db.schema.dropTable('kysely_migration_lock').execute()
      })
    })

    it('serves cached results after a value that cannot be bound', async () => {
      const [db, sluice] = await open({ mode: 'optimize', cache: { ttl: 60 } })
      await db
        .updateTable('city')
        .set({ name: Symbol('odd') as never })
        .where('id', '=', 1)
        .execute()
        .catch(() => {})
      const hits = async () => {
        await sluice.run(() => byId(db, 5))
        return (await inspect(sluice, () => byId(db, 5))).queries
      }
      if (dialect === 'sqlite') expect(await hits()).toBe(0)
    })

    it('closes the pool, and rejects afterwards', async () => {
      const [db] = await open(optimize)
      await byId(db, 1)
      await db.destroy()
      await expect(byId(db, 1)).rejects.toThrow('driver has already been destroyed')
    })

    it('returns no more connections than it took', async () => {
      const [db] = await open(optimize)
      await Promise.all(Array.from({ length: 40 }, (_, at) => byId(db, 1 + (at % 5))))
      await Promise.all(
        Array.from({ length: 12 }, () => db.transaction().execute((transaction) => byId(transaction, 2))),
      )
      await expect(db.transaction().execute(() => Promise.reject(new Error('Undone.')))).rejects.toThrow(
        'Undone.',
      )
      expect(await byId(db, 2)).toMatchObject({ name: 'Bern' })
    })
  })
})

describe('withSluice', () => {
  it('returns a dialect of another database unchanged, with a warning', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const dialect = { createDriver: () => {}, createAdapter: () => new MssqlAdapter() } as unknown as Dialect
    expect(withSluice(dialect, createSluice())).toBe(dialect)
    expect(String(warn.mock.calls[0]?.[0])).toMatch(/MssqlAdapter. Its queries pass through/)
    warn.mockRestore()
  })

  it('rejects anything but a dialect', () => {
    for (const wrong of [undefined, null, {}, 'sqlite'])
      expect(() => withSluice(wrong as never)).toThrow(
        expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }),
      )
  })
})
