import { createSluice, type Sluice } from '@sluice/core'
import SqliteDatabase from 'better-sqlite3'
import { eq, sql } from 'drizzle-orm'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withSluice } from '../src/index.ts'

const city = sqliteTable('city', { id: integer().primaryKey(), name: text(), region_id: integer() })

describe('Drizzle on better-sqlite3', () => {
  let sluice: Sluice
  let bare: SqliteDatabase.Database
  let client: SqliteDatabase.Database
  let db: BetterSQLite3Database

  beforeEach(() => {
    sluice = createSluice({ mode: 'optimize', cache: { ttl: 60 } })
    bare = new SqliteDatabase(':memory:')
    bare.exec('CREATE TABLE city (id integer PRIMARY KEY, name text, region_id integer)')
    for (let id = 1; id <= 12; id += 1)
      bare.prepare('INSERT INTO city VALUES (?, ?, ?)').run(id, `City ${id}`, id % 3)
    client = withSluice(bare, sluice)
    db = drizzle({ client })
  })
  afterEach(async () => {
    client.close()
    await sluice.close()
  })

  /** The report of a scope. */
  async function inspect(run: () => unknown) {
    const scope = sluice.openScope('test')
    await scope.enter(async () => void (await run()))
    return scope.end()
  }

  const byId = (id: number) => db.select().from(city).where(eq(city.id, id))

  it('counts the reads that `optimize` cannot change, and warns', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const own = createSluice({ mode: 'optimize' })
    const observed = drizzle({ client: withSluice(bare, own) })
    expect(observed.select().from(city).all()).toHaveLength(12)
    observed.delete(city).where(eq(city.id, 1)).run()
    expect(own.queries.getStats().passedThrough).toEqual({ SYNCHRONOUS_CLIENT: 1 })
    expect(warnings).toHaveBeenCalledWith(expect.stringContaining('only observes'), expect.anything())
    await own.close()
  })

  it.each<[string, () => object]>([
    ['a database of Drizzle', () => drizzle({ client: bare })],
    ['a Sluice', () => sluice],
  ])('rejects %s in place of the client', (_, given) => {
    expect(() => withSluice(given(), sluice)).toThrow(
      /Argument "client": expected the client of a driver, as in drizzle\(\{ client: withSluice\(pool, sluice\) \}\)/,
    )
  })

  it('counts rows, not the columns of a row', () => {
    db.select().from(city).where(eq(city.id, 1)).get()
    db.select().from(city).all()
    db.delete(city).where(eq(city.id, 1)).run()
    const { entries } = JSON.parse(sluice.database?.exportWorkload() ?? '') as { entries: { rows: number }[] }
    expect(entries.map(({ rows }) => rows).sort((a, b) => a - b)).toEqual([0, 1, 12])
  })

  it('returns what it returns without Sluice, and counts each statement', async () => {
    const plain = drizzle({ client: bare })
    const queries = (on: BetterSQLite3Database) => {
      const of = (id: number) => on.select().from(city).where(eq(city.id, id))
      return [
        of(1).all(),
        of(2).get(),
        of(99).get(),
        of(3).values(),
        on.all(sql`select * from city where id = 4`),
        on
          .insert(city)
          .values({ id: 40 + (on === db ? 1 : 0) })
          .run().changes,
      ]
    }
    const expected = queries(plain)
    const { queries: count } = await inspect(() => expect(queries(db)).toEqual(expected))
    expect(count).toBe(6)
  })

  it('reports a loop with its call site and a fix', async () => {
    const { findings } = await inspect(() => {
      for (let id = 1; id <= 10; id += 1) byId(id).get()
    })
    const finding = findings?.find(({ code }) => code === 'N_PLUS_ONE')
    expect(finding).toMatchObject({ pattern: 'sequential', callSite: { file: import.meta.filename } })
    expect(finding?.fix).toBe(
      'db.select({ id: city.id, name: city.name, region_id: city.region_id }).from(city).where(inArray(city.id, keys))',
    )
  })

  it('runs transactions like better-sqlite3', () => {
    const outcomes = (on: SqliteDatabase.Database) => {
      const orm = drizzle({ client: on })
      const names = () => orm.select({ name: city.name }).from(city).where(eq(city.region_id, 1)).all()
      const set = (name: string) => orm.update(city).set({ name }).where(eq(city.region_id, 1)).run()
      const attempt = (run: () => unknown) => {
        try {
          return { value: run(), left: on.inTransaction, names: names() }
        } catch (error) {
          return { error: String(error), left: on.inTransaction, names: names() }
        }
      }
      const fail = () => {
        throw new Error('Undone.')
      }
      return [
        attempt(() => orm.transaction(() => set('kept').changes)),
        attempt(() => orm.transaction(() => fail(), { behavior: 'immediate' })),
        attempt(() =>
          orm.transaction((outer) => {
            outer.update(city).set({ name: 'outer' }).where(eq(city.region_id, 1)).run()
            try {
              outer.transaction((inner) => {
                inner.update(city).set({ name: 'inner' }).where(eq(city.region_id, 1)).run()
                fail()
              })
            } catch {}
          }),
        ),
        attempt(() => orm.transaction(() => Promise.resolve(1) as never)),
        attempt(() => on.transaction(() => on.transaction(() => set('nested').changes).exclusive())()),
        attempt(() =>
          on.transaction(() => {
            set('lost')
            on.exec('ROLLBACK')
            fail()
          })(),
        ),
      ]
    }
    const other = new SqliteDatabase(bare.serialize())
    expect(outcomes(client)).toEqual(outcomes(other))
    other.close()
  })

  it('observes iterations and prepared statements', async () => {
    const { queries } = await inspect(() => {
      const rows = [...client.prepare('SELECT id FROM city ORDER BY id').raw().iterate()]
      expect(rows).toHaveLength(12)
      const prepared = byId(sql.placeholder('id') as never).prepare()
      expect(prepared.get({ id: 3 })).toMatchObject({ name: 'City 3' })
      expect(client.pragma('user_version', { simple: true })).toBe(0)
    })
    expect(queries).toBe(2)
  })
})

describe('withSluice', () => {
  it('returns another client unchanged, and rejects other values', async () => {
    const sluice = createSluice()
    const client = { query: () => {} }
    expect(withSluice(client, sluice)).toBe(client)
    for (const wrong of [undefined, null, 'file:atlas.db'])
      expect(() => withSluice(wrong as never, sluice)).toThrow(
        expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }),
      )
    await sluice.close()
  })
})
