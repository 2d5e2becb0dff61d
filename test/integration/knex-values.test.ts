import { createSluice, type Dialect, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { clientOf } from '../../packages/knex/src/internals/client.ts'
import { isClosed } from '../../packages/knex/src/internals/connection.ts'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, everyKnexDatabase, type KnexDatabaseKind } from '../support/databases.ts'
import { silentProxy } from '../support/silent-proxy.ts'

/** Columns whose values drivers return in different types. */
const TABLES: Readonly<Record<Dialect, string>> = {
  sqlite: `
    CREATE TABLE shapes (id integer PRIMARY KEY, owner integer NOT NULL, big bigint, num decimal(20, 4), real double, flag boolean,
      at timestamp, day date, bytes blob, doc json, word varchar(30) UNIQUE);`,
  postgresql: `
    CREATE TABLE shapes (id serial PRIMARY KEY, owner integer NOT NULL, big bigint, num numeric(20, 4), real double precision, flag boolean,
      at timestamptz, day date, bytes bytea, doc jsonb, word varchar(30) UNIQUE, list integer[], tag uuid);`,
  mysql: `
    CREATE TABLE shapes (id integer PRIMARY KEY AUTO_INCREMENT, owner integer NOT NULL, big bigint, num decimal(20, 4), \`real\` double, flag tinyint(1),
      at datetime(3), day date, bytes varbinary(20), doc json, word varchar(30) UNIQUE, padded integer(6) ZEROFILL, bits bit(3));`,
}

const MORE: Readonly<Record<Dialect, object>> = {
  sqlite: {},
  postgresql: { list: [1, 2], tag: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380001' },
  mysql: { padded: 42, bits: 5 },
}

// Connections of `mysql` have the character set `utf8mb3` by default.
const wordOf = (client: string, id: number) => `wörd ${client === 'mysql' ? '' : '😀'} ${id}`

const rowOf = ({ dialect, client }: KnexDatabaseKind, id: number) =>
  id === 4
    ? { id, owner: 2 }
    : {
        id,
        owner: id % 3,
        big: '9007199254740993',
        num: `${id}.1000`,
        real: id / 4,
        flag: id % 2 === 0,
        at: new Date(1.7e12 + id),
        day: '2026-01-01',
        bytes: Buffer.from([0, 255, id]),
        doc: JSON.stringify({ id }),
        word: wordOf(client, id),
        ...MORE[dialect],
      }

/** The statements that wait for a lock. */
const WAITING: Readonly<Record<Dialect, string>> = {
  sqlite: '',
  postgresql:
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  mysql: `SELECT p.ID FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
    WHERE t.trx_state = 'LOCK WAIT' AND p.DB = DATABASE()`,
}

/** A value with the classes of everything in it. */
function described(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  if (value instanceof Date || Buffer.isBuffer(value)) return [name, JSON.stringify(value)]
  if (Array.isArray(value)) return value.map(described)
  return [name, Object.entries(value).map(([key, inner]) => [key, described(inner)])]
}

async function outcomeOf(work: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    return described(await work())
  } catch (error) {
    const { code, errno, sqlState, message } = error as Record<string, unknown>
    return { code, errno, sqlState, message }
  }
}

describe.each(everyKnexDatabase())('values of Knex on $name', (kind) => {
  const { dialect, client: driver, connect, skipped } = kind
  describe.skipIf(skipped !== undefined)('', () => {
    let database: Database
    let sluice: Sluice
    let bare: Knex
    let db: Knex
    beforeAll(async () => {
      database = await connect()
      await database.exec(TABLES[dialect])
      sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
      bare = knex(database.knexConfig())
      db = withSluice(knex(database.knexConfig()), sluice)
      await db('shapes').where('id', 0)
      await catalogsRead(sluice)
    })
    afterAll(async () => {
      expect(sluice.queries.getStats().errors).toBe(0)
      await Promise.all([bare.destroy(), db.destroy(), sluice.close()])
      await database.drop()
    })
    beforeEach(async () => {
      await database.exec('DELETE FROM shapes')
      await bare('shapes').insert([1, 2, 3, 4, 5, 6].map((id) => rowOf(kind, id)))
      sluice.invalidate('shapes')
    })

    const ids = [1, 2, 3, 4, 5, 6, 7]
    const READS: Readonly<Record<string, (k: Knex) => PromiseLike<unknown>>> = {
      rows: (k) => k('shapes').orderBy('id'),
      'rows by key': (k) => Promise.all(ids.map((id) => k('shapes').where({ id }))),
      'first rows': (k) => Promise.all(ids.map((id) => k('shapes').where({ id }).first())),
      'rows of a foreign key': (k) =>
        Promise.all([0, 1, 2].map((owner) => k('shapes').where({ owner }).orderBy('id'))),
      'rows by a string': (k) =>
        Promise.all(
          ids
            .flatMap((id) => [wordOf(driver, id), `wörd 😀 ${id}`])
            .map((word) => outcomeOf(() => k('shapes').where({ word }).select('id', 'word'))),
        ),
      'plucked values': (k) => Promise.all(ids.map((id) => k('shapes').where({ id }).pluck('num'))),
      aggregates: (k) =>
        Promise.all(
          [0, 1, 2, 3].map((owner) =>
            k('shapes').where({ owner }).count('* as n').sum('owner as total').avg('owner as mean'),
          ),
        ),
      raw: (k) => k.raw('select * from shapes where owner = ? order by id', [1]).then(rowsOf),
    }

    it.each(Object.entries(READS))('of %s have the types of the driver', async (_, read) => {
      const expected = await outcomeOf(() => read(bare))
      // Batched, then served from the cache.
      for (let time = 0; time < 3; time += 1)
        expect(await sluice.run(() => outcomeOf(() => read(db)))).toEqual(expected)
    })

    it('of a loop have the types of the driver', async () => {
      const loop = async (k: Knex) => {
        const found: unknown[] = []
        for (const { id } of await k('shapes').select('id').orderBy('id'))
          found.push(await k('shapes').where({ id }).first())
        return found
      }
      const expected = await outcomeOf(() => loop(bare))
      for (let time = 0; time < 3; time += 1) {
        sluice.invalidate('shapes')
        expect(await sluice.run(() => outcomeOf(() => loop(db)))).toEqual(expected)
      }
    })

    const WRITES: Readonly<Record<string, (k: Knex) => PromiseLike<unknown>>> = {
      insert: (k) => k('shapes').insert(rowOf(kind, 8)),
      'insert of two rows': (k) => k('shapes').insert([rowOf(kind, 8), rowOf(kind, 9)]),
      update: (k) => k('shapes').where('owner', 1).update({ real: 9 }),
      increment: (k) => k('shapes').where('id', 1).increment('real', 2),
      delete: (k) => k('shapes').where('id', '<', 3).delete(),
      'a violated constraint': (k) => k('shapes').insert(rowOf(kind, 1)),
      'an unknown column': (k) => k('shapes').where('id', 1).update({ nothing: 1 }),
      ...(dialect === 'mysql'
        ? {}
        : {
            'insert with returning': (k) =>
              k('shapes').insert(rowOf(kind, 8)).returning(['id', 'at', 'bytes']),
            'update with returning': (k) => k('shapes').where('owner', 1).update({ real: 9 }).returning('*'),
          }),
    }

    it.each(Object.entries(WRITES))(
      'of %s are those of the driver, and readers see the write',
      async (_, write) => {
        const before = await bare('shapes').orderBy('id')
        const expected = await outcomeOf(() => write(bare))
        const rows = described(await bare('shapes').orderBy('id'))
        await database.exec('DELETE FROM shapes')
        await bare('shapes').insert(before.map(({ id }) => rowOf(kind, id as number)))
        sluice.invalidate('shapes')
        await db('shapes').orderBy('id')
        expect(await outcomeOf(() => write(db))).toEqual(expected)
        expect(described(await db('shapes').orderBy('id'))).toEqual(rows)
      },
    )

    it('of a stream have the types of the driver', async () => {
      const streamed = async (k: Knex) => {
        const rows: unknown[] = []
        for await (const one of k('shapes').orderBy('id').stream()) rows.push(one)
        return described(rows)
      }
      expect(await streamed(db)).toEqual(await streamed(bare))
    })

    it.skipIf(dialect === 'sqlite')(
      'of a write are seen if its connection was lost after another error, and it is executed later',
      async () => {
        const proxy = await silentProxy(database.url)
        const pool = { min: 0, max: 1 }
        const own = withSluice(knex({ ...database.knexConfig(), connection: proxy.url, pool }), sluice)
        onTestFinished(async () => {
          await proxy.close().catch(() => {})
          await own.destroy()
        })
        const read = (k: Knex) => k('shapes').where('id', 1).select('word')
        await read(own)
        await catalogsRead(sluice)
        const blocker = await bare.transaction()
        onTestFinished(async () => {
          if (!blocker.isCompleted()) await blocker.rollback()
        })
        await read(blocker).forUpdate()
        await expect(own('shapes').insert(rowOf(kind, 2))).rejects.toThrow()
        const lost = proxy.loseAnswerTo('late write')
        const written = outcomeOf(() => own('shapes').where('id', 1).update({ word: 'late write' }))
        await lost
        // MariaDB does not refresh INNODB_TRX for those who read it more often than every 100 ms.
        await expect.poll(() => database.query(WAITING[dialect]), { interval: 200 }).toHaveLength(1)
        await proxy.close()
        expect(await written).toHaveProperty('message')
        await read(db)
        await blocker.commit()
        await expect.poll(() => read(bare)).toEqual([{ word: 'late write' }])
        expect(await read(db)).toEqual([{ word: 'late write' }])
      },
    )

    it('show whether a connection is closed', async () => {
      const own = knex(database.knexConfig())
      const client = clientOf(own)
      if (client === undefined) throw new Error('Expected to know the client.')
      const connection = await client.acquireRawConnection()
      expect(isClosed(connection)).toBe(false)
      await client.destroyRawConnection(connection)
      expect(isClosed(connection)).toBe(true)
      await own.destroy()
    })
  })
})

/** The rows in the response of a raw query. */
function rowsOf(response: { rows?: unknown[] } | unknown[]): unknown {
  if (!Array.isArray(response)) return response.rows
  return Array.isArray(response[0]) ? response[0] : response
}
