import { createSluice } from '@sluice/core'
import knex, { type Knex } from 'knex'
import { afterAll, describe, expect, it } from 'vitest'
import { withSluice } from '../src/index.ts'

const opened: Knex[] = []

/** An instance whose connections fail, so errors show where a builder was created. */
function open(): Knex {
  const db = knex({
    client: 'mysql2',
    connection: 'mysql://127.0.0.1/none?ssl=unknown',
    log: { warn: () => {} },
    asyncStackTraces: true,
  })
  opened.push(db)
  return db
}

/** The files in the stack of an error, from the innermost frame. */
async function framesOf(query: PromiseLike<unknown>): Promise<string[]> {
  try {
    await query
  } catch (error) {
    const [, ...frames] = String((error as Error).stack).split('\n')
    return frames.map((frame) => frame.replace(/:\d+:\d+\)?$/, '').replace(/^.*\(/, ''))
  }
  throw new Error('Expected the query to fail.')
}

const CREATE: Readonly<Record<string, (db: Knex) => PromiseLike<unknown>>> = {
  raw: (db) => db.raw('SELECT * FROM city'),
  'a builder of a table': (db) => db('city'),
  'a builder': (db) => db.select('id').from('city'),
  queryBuilder: (db) => db.queryBuilder().from('city'),
  'a schema builder': (db) => db.schema.dropTable('city'),
}

describe('asyncStackTraces', () => {
  afterAll(() => Promise.all(opened.map((db) => db.destroy())))

  for (const [name, create] of Object.entries(CREATE))
    it(`begins the stack of ${name} where it begins without Sluice`, async () => {
      const db = withSluice(
        open(),
        createSluice({ mode: 'optimize', logger: { warn: () => {}, error: () => {} } }),
      )
      const [bare] = await framesOf(create(open()))
      const [sluiced] = await framesOf(create(db))
      expect(sluiced).toBe(bare)
    })
})
