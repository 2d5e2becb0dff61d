import { describe, expect, it } from 'vitest'
import { checkSource } from '../../src/doctor/check-source.ts'
import { appFolder } from '../support/app-folder.ts'

async function check(body: string, files: Readonly<Record<string, string>> = {}) {
  const { folder, remove } = appFolder({ 'src/db.ts': body, ...files })
  try {
    return await checkSource(folder)
  } finally {
    remove()
  }
}

const KYSELY = `import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/kysely'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
const sluice = createSluice()
const dialect = new PostgresDialect({ pool: new pg.Pool() })
`
const DRIZZLE = `import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/drizzle'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
const sluice = createSluice()
const pool = new pg.Pool()
`

describe('checkClients', () => {
  it.each([
    [
      'a dialect',
      `${KYSELY}export const db = new Kysely({ dialect: withSluice(dialect, sluice) })\n`,
      'dialect is wrapped once (src/db.ts:7)',
    ],
    [
      'a dialect in variables',
      `${KYSELY}const wrapped = withSluice(dialect)\nconst config = { dialect: wrapped }\nexport const db = new Kysely<DB>(config)\n`,
      'dialect is wrapped once (src/db.ts:9)',
    ],
    [
      'a client',
      `${DRIZZLE}export const db = drizzle({ client: withSluice(pool, sluice), schema })\n`,
      'client is wrapped once (src/db.ts:7)',
    ],
    [
      'a client as the first argument',
      `${DRIZZLE}export const db = drizzle(withSluice(pool, sluice), { schema })\n`,
      'client is wrapped once (src/db.ts:7)',
    ],
  ])('passes when %s is wrapped once', async (_what, body, text) => {
    expect(await check(body)).toEqual([{ level: 'ok', text }])
  })

  it.each([
    [
      'a dialect',
      `${KYSELY}export const db = new Kysely({ dialect })\n`,
      'dialect is not wrapped (src/db.ts:7): Sluice sees none of its queries',
      'Wrap the dialect: new Kysely({ dialect: withSluice(dialect, sluice) }), with withSluice of @sluice/kysely',
    ],
    [
      'a client',
      `${DRIZZLE}export const db = drizzle({ client: pool })\n`,
      'client is not wrapped (src/db.ts:7): Sluice sees none of its queries',
      'Wrap the client: drizzle({ client: withSluice(client, sluice) }), with withSluice of @sluice/drizzle',
    ],
    [
      'a client that is an argument',
      `${DRIZZLE}export const db = drizzle(pool)\n`,
      'client is not wrapped (src/db.ts:7): Sluice sees none of its queries',
      undefined,
    ],
    [
      'a client of Drizzle itself',
      `${DRIZZLE}export const db = drizzle({ connection: process.env.DATABASE_URL })\n`,
      'drizzle() opens its own connections (src/db.ts:7): Sluice sees none of its queries',
      undefined,
    ],
    [
      'the URL of a database',
      `${DRIZZLE}export const db = drizzle('postgresql://localhost')\n`,
      'drizzle() opens its own connections (src/db.ts:7): Sluice sees none of its queries',
      undefined,
    ],
    [
      'a pool of mysql2',
      "import { createSluice } from '@sluice/core'\nimport mysql from 'mysql2/promise'\nimport { drizzle } from 'drizzle-orm/mysql2'\nexport const db = drizzle({ client: mysql.createPool('mysql://127.0.0.1/shop') })\n",
      'client is not wrapped (src/db.ts:4): Sluice sees none of its queries',
      'Wrap the client: drizzle({ client: withSluice(client, sluice) }), with withSluice of @sluice/drizzle',
    ],
    [
      'a file of better-sqlite3',
      "import { createSluice } from '@sluice/core'\nimport Database from 'better-sqlite3'\nimport { drizzle } from 'drizzle-orm/better-sqlite3'\nexport const db = drizzle(new Database('a.db'))\n",
      'client is not wrapped (src/db.ts:4): Sluice sees none of its queries',
      undefined,
    ],
  ])('warns when %s is not wrapped', async (_what, body, text, fix) => {
    expect(await check(body)).toMatchObject([{ level: 'warn', text, ...(fix === undefined ? {} : { fix }) }])
  })

  it('fails when a dialect is wrapped twice, also in another file', async () => {
    const body =
      "import { withSluice } from '@sluice/kysely'\nimport { Kysely } from 'kysely'\nimport { wrapped } from './dialect.js'\nexport const db = new Kysely({ dialect: withSluice(wrapped) })\n"
    const dialect = `${KYSELY}export const wrapped = withSluice(dialect)\n`
    expect(await check(body, { 'src/dialect.ts': dialect })).toEqual([
      {
        level: 'fail',
        text: 'withSluice wraps one dialect 2 times: Sluice counts each query as often',
        fix: 'Wrap the dialect once, for src/db.ts:4',
      },
    ])
  })

  it('reports nothing when the origin is unknown, for other instances, and without Sluice', async () => {
    expect(await check(`${KYSELY}export const open = (dialect) => new Kysely({ dialect })\n`)).toEqual([])
    expect(await check(`${KYSELY}export const db = new Kysely({ dialect: dialectOf(sluice) })\n`)).toEqual([])
    expect(await check(`${DRIZZLE}export const db = drizzle({ client: poolOf(sluice) })\n`)).toEqual([])
    expect(
      await check(
        `${DRIZZLE.replace('node-postgres', 'libsql')}export const db = drizzle({ client: pool })\n`,
      ),
    ).toEqual([])
    const both = `${KYSELY}export const db = new Kysely({ dialect: withSluice(dialect, sluice) })\nexport const admin = new Kysely({ dialect })\n`
    expect(await check(both)).toMatchObject([{ level: 'ok' }])
    expect(
      await check(
        "import { Kysely, SqliteDialect } from 'kysely'\nexport const db = new Kysely({ dialect: new SqliteDialect({}) })\n",
      ),
    ).toEqual([])
  })
})
