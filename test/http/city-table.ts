import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import createKnex, { type Knex } from 'knex'

/** A table of two cities in a separate database, instrumented by a Sluice. */
export interface CityTable {
  readonly sluice: Sluice
  readonly db: Knex
  close(): Promise<void>
}

/** Opens the table; its reads can be cached from then on. */
export async function cityTable(options: SluiceOptions = {}, filename = ':memory:'): Promise<CityTable> {
  const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 }, ...options })
  const bare = createKnex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
  if (!(await bare.schema.hasTable('cities'))) {
    await bare.schema.createTable('cities', (table) => {
      table.integer('id').primary()
      table.string('name')
      table.integer('people')
    })
    await bare.schema.createTable('regions', (table) => {
      table.integer('id').primary()
      table.string('name')
    })
    await bare('cities').insert([
      { id: 1, name: 'Ghent', people: 1 },
      { id: 2, name: 'Bruges', people: 1 },
    ])
    await bare('regions').insert([{ id: 1, name: 'Flanders' }])
  }
  const db = withSluice(bare, sluice)
  // The catalog is read with the first statement.
  for (let tries = 0; tries < 100; tries += 1) {
    const { reads } = await sluice.explain(() => db('regions').select('id'), { mode: 'optimize' })
    if (reads.every(({ isCached }) => isCached)) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return {
    sluice,
    db,
    close: async () => {
      await db.destroy()
      await sluice.close()
    },
  }
}
