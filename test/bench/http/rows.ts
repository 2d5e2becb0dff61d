import { createSluice, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import createKnex, { type Knex } from 'knex'

const REGIONS = 8
const CITIES = 300

export interface Rows {
  readonly db: Knex
  /** `undefined`: the app has none. */
  readonly sluice: Sluice | undefined
  close(): Promise<void>
}

/** A small in-memory database in the calling process. */
export async function openRows(withSluiceOn: boolean): Promise<Rows> {
  const bare = createKnex({
    client: 'better-sqlite3',
    connection: { filename: ':memory:' },
    useNullAsDefault: true,
  })
  await bare.schema.createTable('regions', (table) => {
    table.integer('id').primary()
    table.string('name')
  })
  await bare.schema.createTable('cities', (table) => {
    table.integer('id').primary()
    table.integer('region_id').references('regions.id')
    table.string('name')
    table.integer('people')
  })
  await bare('regions').insert(
    Array.from({ length: REGIONS }, (_, at) => ({ id: at + 1, name: `Region ${at + 1}` })),
  )
  const cities = Array.from({ length: CITIES }, (_, at) => ({
    id: at + 1,
    region_id: (at % REGIONS) + 1,
    name: `City ${at + 1}`,
    people: at,
  }))
  await bare.batchInsert('cities', cities, 100)
  if (!withSluiceOn) return { db: bare, sluice: undefined, close: () => bare.destroy() }
  const sluice = createSluice({ mode: 'optimize', cache: { ttl: 3_600 } })
  const db = withSluice(bare, sluice)
  await untilKept(db, sluice)
  return {
    db,
    sluice,
    close: async () => {
      await db.destroy()
      await sluice.close()
    },
  }
}

/** The catalog is read with the first statement; nothing is cached before. */
async function untilKept(db: Knex, sluice: Sluice): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    const { reads } = await sluice.explain(() => db('regions').select('id'), { mode: 'optimize' })
    if (reads.every(({ isCached }) => isCached)) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('No read can be cached.')
}

/**
 * The data of the benchmark's route: three queries.
 *
 * @param at - Requests with different values query the database again.
 */
export async function overview(db: Knex, at: number): Promise<object> {
  const regions = await db('regions').select('id', 'name').where('id', '>', -at).orderBy('id')
  const cities = await db('cities')
    .select('id', 'name', 'people')
    .where('people', '>=', -at)
    .orderBy('id')
    .limit(20)
  const total = await db('cities').where('people', '>=', -at).count({ count: '*' }).first()
  return { regions, cities, total: total?.count }
}
