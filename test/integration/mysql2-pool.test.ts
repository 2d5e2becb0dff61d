import { createSluice, memoryStore, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import mysql from 'mysql2'
import promised from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { SOON, TEST_MS } from '../support/patience.ts'

const [, , mariadb] = databases()
const BY_ID = 'select id, name from cities where id = ?'

/** The rows, and the names and types of the columns. The rest of a column is the packet it came in. */
function plain(result: unknown): unknown {
  const [rows, fields] = result as readonly [unknown, readonly mysql.FieldPacket[]]
  return [rows, fields.map(({ name, columnType, table }) => [name, columnType, table])]
}

describe.skipIf(mariadb?.skipped !== undefined)('a pool of mysql2', () => {
  let database: Database
  let sluice: Sluice
  let bare: promised.Pool
  let pool: promised.Pool
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    database = (await mariadb?.connect()) as Database
    await database.exec('create table cities (id int primary key, name varchar(100), at datetime)')
  }, TEST_MS)
  afterAll(() => database?.drop())

  beforeEach(async () => {
    await database.exec('delete from cities')
    await database.exec(
      "insert into cities values (1, 'one', '2026-01-01'), (2, 'two', '2026-01-02'), (3, 'three', null)",
    )
    bare = promised.createPool({ uri: database.url ?? '', connectionLimit: 4 })
    const opened = open()
    ;({ sluice, pool } = opened)
    closing.push(() => bare.end())
    await known(sluice, pool)
  }, TEST_MS)
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  function open(
    options: mysql.PoolOptions = {},
    cache: object | false = { ttl: 300 },
  ): { readonly sluice: Sluice; readonly pool: promised.Pool } {
    const own = createSluice({ mode: 'optimize', cache })
    const opened = sluiceMysql2Pool(
      promised.createPool({ uri: database.url ?? '', connectionLimit: 4, ...options }),
      own,
    )
    closing.push(async () => {
      await opened.end()
      await own.close()
    })
    return { sluice: own, pool: opened }
  }

  /** Waits for the catalog, without which nothing is optimized. */
  async function known(own: Sluice, of: promised.Pool): Promise<void> {
    await of.query('select 1 from cities')
    await catalogsRead(own)
  }

  /** Statements that some work sends. */
  async function statementsOf(work: () => Promise<unknown>, of = sluice): Promise<number> {
    const scope = of.openScope('work')
    await scope.enter(async () => void (await work()))
    return scope.end().queries
  }

  /** Reads a name, from the cache if it is there. */
  const nameOf = async (id: number) =>
    ((await pool.query<mysql.RowDataPacket[]>(BY_ID, [id]))[0][0] as { name: string }).name
  const cachedName = async (id: number) => {
    await nameOf(id)
    await expect.poll(() => statementsOf(() => nameOf(id)), SOON).toBe(0)
  }

  it('returns the rows and columns of the pool, in every form of a call', async () => {
    const { sluice, pool } = open({}, false)
    await known(sluice, pool)
    const callbacks = pool.pool as unknown as mysql.Pool
    const withCallback = (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        const query = callbacks.query as (...args: unknown[]) => unknown
        query(...args, (error: unknown, ...results: unknown[]) => (error ? reject(error) : resolve(results)))
      })
    const forms: readonly (readonly [of: (id: number) => Promise<unknown>, as: (id: number) => unknown])[] = [
      [(id) => pool.query(BY_ID, [id]), (id) => bare.query(BY_ID, [id])],
      [
        (id) => pool.query({ sql: BY_ID, values: [id], rowsAsArray: true }),
        (id) => bare.query({ sql: BY_ID, values: [id], rowsAsArray: true }),
      ],
      [(id) => pool.query({ sql: BY_ID }, [id]), (id) => bare.query({ sql: BY_ID }, [id])],
      [(id) => callbacks.promise().query(BY_ID, [id]), (id) => bare.query(BY_ID, [id])],
      [(id) => withCallback(BY_ID, [id]), (id) => bare.query(BY_ID, [id])],
      [(id) => withCallback({ sql: BY_ID, values: [id] }), (id) => bare.query(BY_ID, [id])],
    ]
    for (const [of, as] of forms) {
      const expected = (await Promise.all([as(1), as(2), as(9)])).map(plain)
      let results: unknown
      const sent = await statementsOf(async () => {
        results = (await Promise.all([of(1), of(2), of(9)])).map(plain)
      }, sluice)
      expect(results).toEqual(expected)
      expect(sent).toBe(1)
    }
  })

  it('returns the command of the driver for a call with a callback', async () => {
    const callbacks = pool.pool as unknown as mysql.Pool
    const answers = (of: mysql.Pool) =>
      Promise.all(
        [1, 2, 3].map(
          (id) =>
            new Promise((resolve) => {
              const events: string[] = []
              const command = of.query(BY_ID, [id], (error, rows) => resolve([error, rows, events]))
              for (const event of ['fields', 'result', 'error', 'end'])
                command.on(event, () => events.push(event))
            }),
        ),
      )
    const expected = await answers(bare.pool as unknown as mysql.Pool)
    expect(await statementsOf(async () => expect(await answers(callbacks)).toEqual(expected))).toBe(1)
    const connection = await new Promise<mysql.PoolConnection>((resolve, reject) =>
      callbacks.getConnection((error, got) => (error ? reject(error) : resolve(got))),
    )
    const [name] = await new Promise<unknown[]>((resolve) => {
      const command = connection.execute(BY_ID, [1], () => resolve([command.constructor.name]))
    })
    expect(name).toBe('Execute')
    expect(() => connection.execute(BY_ID, [undefined] as never, () => {})).toThrow('Bind parameters')
    connection.release()
  })

  it('keeps helper columns out of rows and columns', async () => {
    const sql = 'select name from cities where id = ?'
    const expected = await bare.query(sql, [2])
    const [, result] = await sluice.run(() => Promise.all([pool.query(sql, [1]), pool.query(sql, [2])]))
    expect(plain(result)).toEqual(plain(expected))
  })

  it.each([
    ['a prepared statement', (id: number) => pool.execute(BY_ID, [id])],
    ['nested tables', (id: number) => pool.query({ sql: BY_ID, values: [id], nestTables: true })],
    ['a type cast', (id: number) => pool.query({ sql: BY_ID, values: [id], typeCast: (_, next) => next() })],
    ['no type cast', (id: number) => pool.query({ sql: BY_ID, values: [id], typeCast: false })],
  ])('sends a query with %s unchanged', async (_name, query) => {
    expect(await statementsOf(() => Promise.all([query(1), query(2)]))).toBe(2)
  })

  it.each([
    ['a named value', { sql: 'select name from cities where id = :id', namedPlaceholders: true }, { id: 1 }],
    ['an object', 'select name from cities where ?', { id: 1 }],
    ['an identifier', 'select ?? from cities where id = ?', ['name', 1]],
    ['a list', 'select name from cities where id in (?)', [[1, 2]]],
    ['raw SQL', 'select name from cities where id = ?', [mysql.raw('1 or id = 2')]],
    ['several statements', 'select 1 as one; select name from cities where id = ?', [1]],
  ])('returns the result of a query with %s', async (_name, sql, values) => {
    const options = { multipleStatements: true }
    const other = promised.createPool({ uri: database.url ?? '', ...options })
    closing.push(() => other.end())
    const { sluice: own, pool: several } = open(options)
    await known(own, several)
    const [expected] = await other.query(sql as string, values)
    for (let i = 0; i < 3; i += 1) {
      const both = await Promise.all([
        several.query(sql as string, values),
        several.query(sql as string, values),
      ])
      expect(both.map(([rows]) => rows)).toEqual([expected, expected])
      await several.query('update cities set at = ? where id = ?', ['2026-02-01', 3])
    }
  })

  it(
    'invalidates after a write in any form',
    async () => {
      const connection = await pool.getConnection()
      const core = connection.connection as unknown as mysql.PoolConnection
      const callbacks = pool.pool as unknown as mysql.Pool
      const writes: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
        query: (name) => pool.query('update cities set name = ? where id = 1', [name]),
        execute: (name) => pool.execute('update cities set name = ? where id = 1', [name]),
        object: (name) => pool.query('update cities set ? where id = 1', [{ name }]),
        list: (name) => pool.query('update cities set name = ? where id in (?)', [name, [1, 2]]),
        raw: (name) => pool.query('update cities set name = ? where id = ?', [name, mysql.raw('1')]),
        connection: (name) => connection.query('update cities set name = ? where id = 1', [name]),
        core: (name) =>
          new Promise((resolve, reject) => {
            core.query('update cities set name = ? where id = 1', [name], (error) =>
              error ? reject(error) : resolve(undefined),
            )
          }),
        stream: (name) =>
          new Promise((resolve, reject) => {
            const stream = callbacks.query(`update cities set name = '${name}' where id = 1`).stream()
            stream
              .on('error', reject)
              .on('end', () => setImmediate(resolve))
              .resume()
          }),
        prepared: async (name) => {
          const statement = await connection.prepare('update cities set name = ? where id = 1')
          await statement.execute([name])
          await statement.close()
        },
        'prepared with callbacks': (name) =>
          new Promise((resolve, reject) => {
            core.prepare('update cities set name = ? where id = 1 limit 1', (error, statement) =>
              error
                ? reject(error)
                : statement.execute([name], (failed: unknown) =>
                    failed ? reject(failed) : resolve(undefined),
                  ),
            )
          }),
        transaction: async (name) => {
          await cachedName(2)
          await connection.beginTransaction()
          await connection.query('update cities set name = ? where id = 1', [name])
          expect(await nameOf(1)).not.toBe(name)
          await connection.commit()
          // The transaction was followed: only its rows are invalidated.
          expect(await statementsOf(() => nameOf(2))).toBe(0)
        },
        'transaction with callbacks': async (name) => {
          const done = (run: (callback: (error: unknown) => void) => unknown) =>
            new Promise<void>((resolve, reject) => run((error) => (error ? reject(error) : resolve())))
          await done((callback) => core.beginTransaction(callback))
          await done((callback) => core.query(`update cities set name = '${name}' where id = 1`, callback))
          await done((callback) => core.commit(callback))
        },
        'after a reset': async (name) => {
          await connection.beginTransaction()
          await connection.query("update cities set name = 'undone' where id = 1")
          await connection.reset()
          await connection.query('update cities set name = ? where id = 1', [name])
        },
      }
      for (const [form, write] of Object.entries(writes)) {
        await cachedName(1)
        await write(form)
        expect([form, await nameOf(1)]).toEqual([form, form])
      }
      connection.release()
    },
    TEST_MS,
  )

  it('invalidates after a write on a connection whose transaction the pool rolled back', async () => {
    const { sluice: own, pool: resetting } = open({ resetOnRelease: true, connectionLimit: 1 })
    await known(own, resetting)
    const nameOf = async () =>
      ((await resetting.query<mysql.RowDataPacket[]>(BY_ID, [1]))[0][0] as { name: string }).name
    const first = await resetting.getConnection()
    await first.beginTransaction()
    await first.query("update cities set name = 'undone' where id = 1")
    resetting.releaseConnection(first)
    await nameOf()
    await expect.poll(() => statementsOf(nameOf, own), SOON).toBe(0)
    const second = await resetting.getConnection()
    await second.query("update cities set name = 'done' where id = 1")
    second.release()
    expect(await nameOf()).toBe('done')
  })

  it('takes its connections back', async () => {
    const callbacks = pool.pool as unknown as mysql.Pool
    const connect = () =>
      new Promise<mysql.PoolConnection>((resolve, reject) =>
        callbacks.getConnection((error, connection) => (error ? reject(error) : resolve(connection))),
      )
    const connection = await connect()
    callbacks.releaseConnection(connection)
    expect(await connect()).toBe(connection)
    connection.release()
  })

  it('rejects a stream that writes if other processes must be notified first', async () => {
    const { pool: shared } = open({}, { ttl: 300, store: memoryStore() })
    const callbacks = shared.pool as unknown as mysql.Pool
    expect(() => callbacks.query("update cities set name = 'x' where id = 1")).toThrow(
      'A stream cannot write',
    )
  })

  it('shares cached results with processes whose pool has the same options', async () => {
    const store = memoryStore()
    const read = async (options: mysql.PoolOptions) => {
      const { sluice: own, pool: one } = open(options, { ttl: 300, store: store.fork() })
      await known(own, one)
      const before = own.queries.getStats().cacheHits
      const [[row]] = await one.query<mysql.RowDataPacket[]>('select at from cities where id = ?', [1])
      const { cacheHits, passedThrough } = own.queries.getStats()
      return {
        type: typeof row?.at,
        cacheHits: cacheHits - before,
        isCached: !('cache:UNKNOWN_DATABASE' in passedThrough),
      }
    }
    expect(await read({})).toMatchObject({ type: 'object', cacheHits: 0, isCached: true })
    expect(await read({})).toMatchObject({ type: 'object', cacheHits: 1, isCached: true })
    expect(await read({ dateStrings: true })).toMatchObject({ type: 'string', cacheHits: 0, isCached: true })
    const typeCast: mysql.TypeCast = (field, next) => (field.type === 'DATETIME' ? field.string() : next())
    expect(await read({ typeCast })).toMatchObject({ type: 'string', cacheHits: 0, isCached: false })
  })

  it.each<mysql.PoolOptions>([{ nestTables: true }, { nestTables: '_' }, { rowsAsArray: true }])(
    'reads the catalog of a pool with %j',
    async (options) => {
      const { sluice: own, pool: one } = open(options)
      const errors: unknown[] = []
      own.on('error', (error) => errors.push(error))
      await known(own, one)
      expect(errors).toEqual([])
    },
  )

  describe('with READ UNCOMMITTED', () => {
    const UNCOMMITTED = 'set session transaction isolation level read uncommitted'

    /** Reads a row while a transaction changes it, and after that was rolled back. */
    async function readBoth(of: promised.Pool): Promise<unknown[]> {
      const read = async () => (await of.query<mysql.RowDataPacket[]>(BY_ID, [1]))[0][0]?.name as unknown
      const writer = await of.getConnection()
      await writer.beginTransaction()
      await writer.query("update cities set name = 'dirty' where id = 1")
      const during = [await read(), await read()]
      await writer.rollback()
      writer.release()
      return [...during, await read()]
    }

    it('optimizes nothing if the connections of the pool are created so', async () => {
      const { sluice: own, pool: one } = open()
      ;(one.pool as unknown as mysql.Pool).on('connection', (connection) => connection.query(UNCOMMITTED))
      const warnings = vi.spyOn(hostOf(own), 'warn').mockReturnValue()
      await one.query('select 1 from cities')
      await expect
        .poll(() => warnings.mock.calls.map(([, code]) => code), SOON)
        .toEqual(['SLUICE_READS_UNCOMMITTED'])
      expect(await readBoth(one)).toEqual(['dirty', 'dirty', 'one'])
    })

    it('caches nothing while a connection has set it', async () => {
      const connections = await Promise.all([1, 2, 3, 4].map(() => pool.getConnection()))
      for (const connection of connections) await connection.query(UNCOMMITTED)
      for (const connection of connections) connection.release()
      expect(await readBoth(pool)).toEqual(['dirty', 'dirty', 'one'])
    })
  })

  it('measures the waits of callers, and restores the pool at its end', async () => {
    const own = createSluice()
    closing.push(() => own.close())
    const target = promised.createPool({ uri: database.url ?? '', connectionLimit: 1 })
    const before = target.pool.getConnection
    const waited = vi.spyOn(hostOf(own), 'poolWaited')
    const measured = sluiceMysql2Pool(target, own)
    await Promise.all([1, 2, 3].map(() => measured.query('select sleep(0.05)')))
    await measured.end()
    const waits = waited.mock.calls.map(([, ms, wasExhausted]) => ({ ms, wasExhausted }))
    expect(waits).toEqual([
      // The time to connect.
      { ms: expect.any(Number), wasExhausted: false },
      { ms: expect.any(Number), wasExhausted: true },
      { ms: expect.any(Number), wasExhausted: true },
    ])
    expect(waits.slice(1).every(({ ms }) => ms >= 25)).toBe(true)
    expect(target.pool.getConnection).toBe(before)
  })
})
