import { createSluice, memoryStore } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import { withSluice } from '@sluice/knex'
import knex from 'knex'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'

interface Reader {
  read(): Promise<unknown>
  close(): Promise<unknown>
}

const [, postgresql] = databases()
const SQL = 'select mood from people where id = 1'

/** Like in a separate process: Sluice reads the parsers of this process when it is first used. */
const readers: Readonly<
  Record<string, (database: Database, sluice: ReturnType<typeof createSluice>) => Reader>
> = {
  Knex(database, sluice) {
    const db = withSluice(knex(database.knexConfig()), sluice)
    return {
      read: async () => (await db('people').where('id', 1).select('mood'))[0]?.mood,
      close: () => db.destroy(),
    }
  },
  pg(database, sluice) {
    const pool = sluicePool(new pg.Pool({ connectionString: database.url ?? '' }), sluice)
    return { read: async () => (await pool.query(SQL)).rows[0]?.mood, close: () => pool.end() }
  },
}

describe.skipIf(postgresql?.skipped !== undefined)('a user-defined type in PostgreSQL', () => {
  it.each(Object.entries(readers))(
    'is shared among processes that parse it alike: %s',
    async (_name, open) => {
      const database = (await postgresql?.connect()) as Database
      onTestFinished(() => database.drop())
      await database.exec(`create type mood as enum ('happy'); create table people (id int primary key, mood mood);
      insert into people values (1, 'happy')`)
      const [{ oid } = { oid: 0 }] = (await database.query("select 'mood'::regtype::oid::int as oid")) as {
        oid: number
      }[]
      const store = memoryStore()
      const answers: unknown[] = []
      const hits: number[] = []
      const process = async () => {
        const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300, store: store.fork() } })
        const reader = open(database, sluice)
        await reader.read()
        await catalogsRead(sluice)
        await reader.read()
        const before = sluice.queries.getStats().cacheHits
        answers.push(await reader.read())
        hits.push(sluice.queries.getStats().cacheHits - before)
        await reader.close()
        await sluice.close()
      }
      await process()
      const parser = pg.types.getTypeParser(oid)
      onTestFinished(() => pg.types.setTypeParser(oid, parser))
      pg.types.setTypeParser(oid, (text) => text.toUpperCase())
      await process()
      expect(answers).toEqual(['happy', 'HAPPY'])
      expect(hits).toEqual([1, 1])
    },
  )
})
