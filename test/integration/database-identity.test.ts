import { copyFileSync, renameSync } from 'node:fs'
import { knexConnection } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readStillCatalog } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'

const [sqlite, postgresql, mariadb] = databases()

describe('the identity of a database, by which processes share results', () => {
  let database: Database | undefined
  beforeEach(() => {
    database = undefined
  })
  afterEach(() => database?.drop())

  const identityOf = async (config: Knex.Config) => {
    const db = knex({ ...config, pool: { min: 0, max: 1 } })
    try {
      const { identity } = await readStillCatalog(knexConnection(db))
      expect(identity).toBeDefined()
      return identity
    } finally {
      await db.destroy()
    }
  }

  const inZone = async <T>(zone: string, work: () => Promise<T>): Promise<T> => {
    const before = process.env.TZ
    process.env.TZ = zone
    try {
      return await work()
    } finally {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    }
  }

  it.skipIf(postgresql?.skipped !== undefined)(
    'names the role, the settings and the time zones on PostgreSQL',
    async () => {
      database = await postgresql?.connect()
      const { url = '' } = database ?? {}
      const as = (options: string) =>
        identityOf({ client: 'pg', connection: { connectionString: url, options } })
      const plain = await as('')
      expect(await as('')).toBe(plain)
      expect(await as('-c statement_timeout=5000')).toBe(plain)
      for (const options of [
        '-c TimeZone=Asia/Tokyo',
        '-c search_path=other',
        '-c role=pg_monitor',
        '-c IntervalStyle=iso_8601',
      ])
        expect(await as(options), options).not.toBe(plain)
      expect(await inZone('Asia/Tokyo', () => as(''))).not.toBe(await inZone('Europe/Paris', () => as('')))
    },
  )

  it.skipIf(mariadb?.skipped !== undefined)(
    'names the role, the settings and the time zones on MariaDB',
    async () => {
      database = await mariadb?.connect()
      const { url = '' } = database ?? {}
      const as = (options: object) => identityOf({ client: 'mysql2', connection: { uri: url, ...options } })
      const plain = await as({})
      expect(await as({})).toBe(plain)
      expect(await as({ charset: 'SJIS_JAPANESE_CI' })).not.toBe(plain)
      expect(await inZone('Asia/Tokyo', () => as({}))).not.toBe(await inZone('Europe/Paris', () => as({})))
    },
  )

  it('distinguishes SQLite files that replaced one another', async () => {
    database = await sqlite?.connect()
    const filename = database?.filename ?? ''
    const identity = () =>
      identityOf({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
    await database?.exec('create table t (id int)')
    const first = await identity()
    expect(await identity()).toBe(first)
    copyFileSync(filename, `${filename}.copy`)
    renameSync(`${filename}.copy`, filename)
    expect(await identity()).not.toBe(first)
  })
})
