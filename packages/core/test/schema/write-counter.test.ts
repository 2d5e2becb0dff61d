import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../src/schema/connection.ts'
import { readFingerprintAndCounter } from '../../src/schema/schema-fingerprint.ts'
import { counterIn, readCounter, readFirstCounter } from '../../src/schema/write-counter.ts'
import type { Dialect } from '../../src/sql/dialect.ts'

function connectionOf(
  dialect: Dialect,
  row: Readonly<Record<string, unknown>>,
  sent: string[] = [],
): Connection {
  return {
    dialect,
    query: async (sql) => {
      sent.push(sql)
      return [row]
    },
  }
}

describe('counterIn', () => {
  const snapshot = (counter: string, server = '1.5false') => counterIn({ counter, server }, 'postgresql')

  it('reads the end of a snapshot of PostgreSQL', () => {
    expect(snapshot('100:100:')).toEqual({ value: 100n, isSettled: true, server: '1.5false', uptime: 0 })
    expect(snapshot('18446744073709551000:18446744073709551000:')?.value).toBe(18446744073709551000n)
  })

  it('is not settled while a transaction is in progress below it', () => {
    expect(snapshot('99:100:99')?.isSettled).toBe(false)
    expect(snapshot('99:100:')?.isSettled).toBe(false)
    expect(snapshot('100:100:99')?.isSettled).toBe(false)
  })

  it('is none on a standby, or without a counter', () => {
    expect(snapshot('100:100:', '1.5true')).toBeUndefined()
    expect(snapshot('100')).toBeUndefined()
    expect(counterIn({ counter: null, server: 'a' }, 'postgresql')).toBeUndefined()
    expect(counterIn({ counter: '7', server: 'a' }, 'mysql')).toBeUndefined()
  })

  it('reads the number of transactions of MariaDB, and how long the server has been running', () => {
    expect(counterIn({ counter: '7 90', server: 'a' }, 'mysql')).toEqual({
      value: 7n,
      isSettled: true,
      server: 'a',
      uptime: 90,
    })
  })
})

describe('readFirstCounter', () => {
  it('reads nothing if a write may not raise the counter', async () => {
    const row = { counter: '100:100:', server: '1false' }
    expect(await readFirstCounter(connectionOf('postgresql', { ...row, all: 'true' }), [])).toMatchObject({
      value: 100n,
    })
    expect(await readFirstCounter(connectionOf('postgresql', { ...row, all: 'false' }), [])).toBeUndefined()
  })

  it('checks the engines of every database of the catalog', async () => {
    const sent: string[] = []
    const row = { counter: '7 90', server: 'a', all: 'true' }
    await readFirstCounter(connectionOf('mysql', row, sent), ['other'])
    expect(sent[0]).toContain(
      `TABLE_SCHEMA IN (DATABASE(), _utf8mb4 X'${Buffer.from('other').toString('hex')}')`,
    )
  })
})

describe('readCounter', () => {
  it('sends one statement without a table of the app', async () => {
    const sent: string[] = []
    await readCounter(connectionOf('postgresql', { counter: '1:1:', server: '1false' }, sent))
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatch(/^SELECT pg_catalog\.txid_current_snapshot\(\)/)
  })
})

it.each(['postgresql', 'mysql'] as const)(
  'is read with the fingerprint in one statement (%s)',
  async (dialect) => {
    const sent: string[] = []
    const counter = dialect === 'mysql' ? '7 90' : '7:7:'
    const row = { fingerprint: 'a', counter, server: 'false' }
    const found = await readFingerprintAndCounter(connectionOf(dialect, row, sent))
    expect(found).toMatchObject({ fingerprint: 'a', counter: { value: 7n } })
    expect(sent).toHaveLength(1)
  },
)

describe('the counter of SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-counter-'))
  const open: SqliteDatabase.Database[] = []

  afterAll(() => {
    for (const database of open) database.close()
    rmSync(folder, { recursive: true })
  })

  function connect(file: string): SqliteDatabase.Database {
    const database = new SqliteDatabase(join(folder, file))
    open.push(database)
    return database
  }

  /** @param sessions - The connections that queries outside of a session rotate through. */
  function connectionTo(...sessions: readonly SqliteDatabase.Database[]): Connection {
    let turn = 0
    const on =
      (database: SqliteDatabase.Database): Connection['query'] =>
      async (sql) => {
        const statement = database.prepare<unknown[], Record<string, unknown>>(sql)
        if (statement.reader) return statement.all()
        statement.run()
        return []
      }
    return {
      dialect: 'sqlite',
      query: (sql) => on(sessions[turn++ % sessions.length] as SqliteDatabase.Database)(sql),
    }
  }

  it('rises with the writes of other connections, and not with its own', async () => {
    const [one, other] = [connect('a.db'), connect('a.db')]
    one.exec('CREATE TABLE t (id int)')
    const connection = connectionTo(one)
    const first = await readFirstCounter(connection, [])
    one.exec('INSERT INTO t VALUES (1)')
    expect(await readCounter(connection)).toEqual(first)
    other.exec('INSERT INTO t VALUES (2)')
    const later = await readCounter(connection)
    expect(later?.server).toBe(first?.server)
    expect(later?.value).not.toBe(first?.value)
  })

  it('has a different server for each connection', async () => {
    const [one, other] = [connect('b.db'), connect('b.db')]
    const [first, second] = [await readCounter(connectionTo(one)), await readCounter(connectionTo(other))]
    expect(first?.value).toBe(second?.value)
    expect(first?.server).not.toBe(second?.server)
    expect((await readCounter(connectionTo(one)))?.server).toBe(first?.server)
  })

  it('is none if statements use different connections, or another program has numbered the connection', async () => {
    const [one, other, numbered] = [connect('c.db'), connect('c.db'), connect('c.db')]
    expect(await readCounter(connectionTo(one, other))).toBeUndefined()
    numbered.pragma('temp.user_version = 7')
    expect(await readCounter(connectionTo(numbered))).toBeUndefined()
  })

  it('is none while a database is attached', async () => {
    const one = connect('d.db')
    one.exec('CREATE TEMP TABLE t (id int)')
    expect(await readCounter(connectionTo(one))).toBeDefined()
    one.exec(`ATTACH '${join(folder, 'e.db')}' AS other`)
    expect(await readCounter(connectionTo(one))).toBeUndefined()
  })
})
