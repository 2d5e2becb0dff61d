import {
  changeTriggersSql,
  createSluice,
  dropChangeTriggersSql,
  type ListenOptions,
  listenToChanges,
} from '@sluice/core'
import { readCatalog } from '@sluice/core/adapter'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { SOON } from '../support/patience.ts'

const TABLES = `
  CREATE SCHEMA geo;
  CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL);
  CREATE TABLE geo."odd.Table" (id int PRIMARY KEY);
  CREATE TABLE region (id int PRIMARY KEY, city_id int REFERENCES city ON DELETE CASCADE);
  CREATE TABLE measurement (id int NOT NULL, taken date NOT NULL) PARTITION BY RANGE (taken);
  CREATE TABLE measurement_2026 PARTITION OF measurement FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
`

const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

/** Waits until a condition holds, and fails after a timeout. */
async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + SOON.timeout
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`Not in time: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe.skipIf(postgres?.skipped !== undefined)('external writes on PostgreSQL', () => {
  let database: Database
  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    await database.exec(TABLES)
  })
  afterAll(() => database?.drop())
  beforeEach(() =>
    database.exec(
      'TRUNCATE city, region, measurement CASCADE; INSERT INTO city VALUES (1, $$Lyon$$), (2, $$Nice$$)',
    ),
  )

  const objects = async () =>
    (
      await database.query(`SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal)::int AS triggers,
        (SELECT count(*) FROM pg_proc WHERE proname = 'sluice_notify_change')::int AS functions`)
    )[0]

  describe('the triggers', () => {
    let heard: string[]
    let listening: pg.Client
    beforeEach(async () => {
      heard = []
      listening = new pg.Client(database.url)
      await listening.connect()
      await listening.query('LISTEN sluice_changes')
      listening.on('notification', ({ payload }) => heard.push(payload ?? ''))
    })
    afterEach(async () => {
      await listening.end()
      await database.exec(dropChangeTriggersSql({ schemas: ['public', 'geo'] }))
    })

    /** The notifications that a script causes. They arrive in order, and the test sends the last one. */
    async function heardOf(script: string): Promise<string[]> {
      heard.length = 0
      await database.exec(script)
      await database.exec(`SELECT pg_notify('sluice_changes', 'the end')`)
      await eventually(() => heard.includes('the end'), 'the final notification')
      return heard.splice(0).slice(0, -1).sort()
    }

    it('notify of each kind of write, including cascades, on commit', async () => {
      await database.exec(changeTriggersSql({ schemas: ['public', 'geo'] }))
      expect(await heardOf(`INSERT INTO city VALUES (3, 'Metz')`)).toEqual(['public.city'])
      expect(await heardOf(`UPDATE city SET name = 'Brest' WHERE id = 3`)).toEqual(['public.city'])
      expect(await heardOf('DELETE FROM city WHERE id = 3')).toEqual(['public.city', 'public.region'])
      expect(await heardOf('TRUNCATE region')).toEqual(['public.region'])
      expect(await heardOf('INSERT INTO geo."odd.Table" VALUES (1)')).toEqual(['geo.odd.Table'])
      expect(
        await heardOf(
          `BEGIN; INSERT INTO city VALUES (4, 'Caen'); UPDATE city SET name = 'x' WHERE id = 4; COMMIT`,
        ),
      ).toEqual(['public.city'])
      expect(await heardOf('SELECT * FROM city')).toEqual([])
    })

    it('notify of a partitioned table by the name in the statement', async () => {
      await database.exec(changeTriggersSql({ schemas: ['public'] }))
      expect(await heardOf(`INSERT INTO measurement VALUES (1, '2026-03-01')`)).toEqual([
        'public.measurement',
      ])
      expect(await heardOf(`INSERT INTO measurement_2026 VALUES (2, '2026-03-01')`)).toEqual([
        'public.measurement_2026',
      ])
    })

    it('send no notification for a write that is rolled back', async () => {
      await database.exec(changeTriggersSql({ tables: ['city'] }))
      expect(await heardOf(`BEGIN; INSERT INTO city VALUES (5, 'Pau'); ROLLBACK`)).toEqual([])
    })

    it('send no notification while `sluice.quiet` is on', async () => {
      await database.exec(changeTriggersSql({ tables: ['city'] }))
      expect(
        await heardOf(`SET sluice.quiet = on; DELETE FROM city WHERE id = 1; RESET sluice.quiet`),
      ).toEqual([])
      expect(
        await heardOf(`BEGIN; SET LOCAL sluice.quiet = on; COMMIT; DELETE FROM city WHERE id = 2`),
      ).toEqual(['public.city'])
    })

    it('work regardless of the search path of the writer', async () => {
      await database.exec(changeTriggersSql({ tables: ['city'] }))
      expect(await heardOf(`SET search_path = geo; DELETE FROM public.city; RESET search_path`)).toEqual([
        'public.city',
      ])
    })

    it('stay unchanged when they are created again, and switch to another channel', async () => {
      const ids = () =>
        database.query(`SELECT oid FROM pg_trigger WHERE tgname = 'sluice_notify_change' ORDER BY oid`)
      await database.exec(changeTriggersSql({ schemas: ['public'] }))
      const before = await ids()
      expect(before).toHaveLength(4)
      await database.exec(changeTriggersSql({ schemas: ['public'] }))
      expect(await ids()).toEqual(before)
      await database.exec(changeTriggersSql({ tables: ['city'], channel: "o'ther" }))
      expect(await heardOf(`DELETE FROM city WHERE id = 1`)).toEqual(['public.region'])
      await database.exec('ALTER TABLE region DISABLE TRIGGER sluice_notify_change')
      await database.exec(changeTriggersSql({ tables: ['public.region'] }))
      expect(await heardOf('TRUNCATE region')).toEqual(['public.region'])
    })

    it('leave nothing behind when they are removed', async () => {
      const before = await objects()
      await database.exec(
        changeTriggersSql({
          schemas: ['public'],
          tables: [{ schema: 'geo', name: 'odd.Table' }],
          functionSchema: 'geo',
        }),
      )
      expect(await objects()).toEqual({ triggers: 5, functions: 1 })
      await database.exec(dropChangeTriggersSql({ schemas: ['public'], functionSchema: 'geo' }))
      expect(await objects()).toEqual({ triggers: 1, functions: 1 })
      for (const _ of [1, 2])
        await database.exec(dropChangeTriggersSql({ schemas: ['public', 'geo'], functionSchema: 'geo' }))
      expect(await objects()).toEqual(before)
    })

    it('are rejected for a table that does not exist', async () => {
      await expect(database.exec(changeTriggersSql({ tables: ['nowhere'] }))).rejects.toThrow(
        '"nowhere" does not exist',
      )
    })

    it('are not listed as triggers in the catalog, unlike other triggers', async () => {
      await database.exec(changeTriggersSql({ schemas: ['public'] }))
      const catalog = () => readCatalog(database)
      expect((await catalog()).tables.get('public.city')?.hasTriggers).toBe(false)
      await database.exec(`CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM city; RETURN NULL; END';
        CREATE TRIGGER another AFTER INSERT ON city EXECUTE FUNCTION other();
        DROP TRIGGER sluice_notify_change ON region;
        CREATE TRIGGER sluice_notify_change AFTER INSERT ON region EXECUTE FUNCTION other()`)
      const { tables } = await catalog()
      expect([tables.get('public.city')?.hasTriggers, tables.get('public.region')?.hasTriggers]).toEqual([
        true,
        true,
      ])
      await database.exec(
        'DROP TRIGGER another ON city; DROP TRIGGER sluice_notify_change ON region; DROP FUNCTION other',
      )
    })
  })

  describe('a process that listens for notifications', () => {
    let db: Knex
    let writer: pg.Client
    const closing: (() => unknown)[] = []
    beforeEach(async () => {
      await database.exec(changeTriggersSql({ schemas: ['public'] }))
      writer = new pg.Client(database.url)
      await writer.connect()
    })
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
      await db?.destroy()
      await writer.end()
      await database.exec(dropChangeTriggersSql({ schemas: ['public'] }))
    })

    async function open(options: ListenOptions = {}) {
      const sluice = createSluice({ mode: 'optimize', batch: false, prefetch: false, cache: { ttl: 3600 } })
      db = withSluice(knex(database.knexConfig()), sluice)
      let asked = 0
      db.on('query', () => {
        asked += 1
      })
      const listener = listenToChanges(sluice, () => new pg.Client(database.url), {
        retryBaseMs: 5,
        ...options,
      })
      closing.push(
        () => sluice.close(),
        () => listener.close(),
      )
      await listener.started
      const name = async (): Promise<unknown> => (await db('city').where('id', 1).first('name'))?.name
      /** Whether a read is served from memory. */
      const isKept = async () => {
        const before = asked
        await name()
        return asked === before
      }
      return { sluice, listener, name, isKept }
    }

    it('invalidates a cached result when another program writes', async () => {
      const { name, isKept } = await open()
      await eventually(isKept, 'the read is cached')
      for (const text of ['Toulon', 'Dijon']) {
        await writer.query('UPDATE city SET name = $1 WHERE id = 1', [text])
        await eventually(async () => (await name()) === text, 'the new name is read')
        await eventually(isKept, 'the new name is cached')
      }
    })

    it('serves cached results while others write to other tables or roll back', async () => {
      const { isKept } = await open()
      const regions = async () => (await db('region').select('id')).length
      await eventually(isKept, 'the read is kept')
      await regions()
      await writer.query(`BEGIN; UPDATE city SET name = 'gone'; ROLLBACK`)
      await writer.query('INSERT INTO region VALUES (1, 1)')
      await eventually(async () => (await regions()) === 1, 'the new region is read')
      expect(await isKept()).toBe(true)
    })

    it('caches nothing while its connection is down, and refetches after it reconnects', async () => {
      const downs: unknown[] = []
      const { listener, name, isKept } = await open({
        onDown: (error) => downs.push(error),
        retryBaseMs: 200,
        random: () => 0,
      })
      await eventually(isKept, 'the read is cached')
      await writer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`,
      )
      await eventually(() => listener.suspended, 'the loss is noticed')
      await writer.query(`UPDATE city SET name = 'unheard' WHERE id = 1`)
      expect(await name()).toBe('unheard')
      expect(await isKept()).toBe(false)
      await eventually(() => !listener.suspended, 'the connection is back')
      expect(downs.length).toBeGreaterThan(0)
      expect(await name()).toBe('unheard')
      await writer.query(`UPDATE city SET name = 'heard' WHERE id = 1`)
      await eventually(async () => (await name()) === 'heard', 'the new name is read')
    })

    it('invalidates only the results that its own writes modify, despite the triggers', async () => {
      const { isKept } = await open()
      await eventually(isKept, 'the read is cached')
      await db('region').insert({ id: 1, city_id: 1 })
      expect(await isKept()).toBe(true)
    })

    it('leaves no connection open after it is closed', async () => {
      const { listener } = await open()
      await listener.close()
      const listening = async () =>
        (
          await writer.query(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
          )
        ).rowCount
      await eventually(async () => (await listening()) === 0, 'the connection is gone')
    })
  })
})
