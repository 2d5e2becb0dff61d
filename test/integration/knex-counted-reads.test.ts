import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/adapter'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'

/** Reads of each kind end in another way: Sluice must see all of these ends. */
const READS: Readonly<Record<string, (db: Knex) => PromiseLike<unknown>>> = {
  'a read': (db) => db('counted').where({ id: 1 }),
  'the first row': (db) => db('counted').first(),
  'a list of values': (db) => db('counted').pluck('id'),
  'raw SQL': (db) => db.raw('select * from counted'),
  'a read with a timeout': (db) => db('counted').timeout(5_000),
  'a read that fails': (db) => failed(db('counted').where('nothing', 1)),
  'a read that fails in a transaction': (db) =>
    failed(db.transaction((trx) => trx('counted').where('nothing', 1))),
  'a nested transaction': (db) =>
    db.transaction((trx) => trx.transaction((inner) => inner('counted').where({ id: 1 }))),
  'concurrent reads of a transaction': (db) =>
    db.transaction((trx) => Promise.all([1, 2, 3].map((id) => trx('counted').where({ id })))),
  'a stream': async (db) => {
    for await (const _ of db('counted').stream());
  },
  'a query without a runner': async (db) => {
    const connection = await db.client.acquireConnection()
    try {
      await db.client.query(connection, 'select * from counted')
    } finally {
      await db.client.releaseConnection(connection)
    }
  },
  'a result that is processed': (db) =>
    db('counted')
      .where({ id: 1 })
      .on('query-response', () => {}),
}

async function failed(running: PromiseLike<unknown>): Promise<void> {
  await expect(Promise.resolve(running)).rejects.toThrow('nothing')
}

for (const { name, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`on ${name}`, () => {
    for (const [kind, read] of Object.entries(READS)) {
      it(`no statement of ${kind} is still in flight when it has ended`, async () => {
        const database = await connect()
        const db = knex({ ...database.knexConfig(), pool: { min: 0, max: 2 } })
        const sluice = createSluice({ mode: 'observe' })
        try {
          await database.exec('CREATE TABLE counted (id integer PRIMARY KEY)')
          await database.exec('INSERT INTO counted VALUES (1), (2), (3)')
          withSluice(db, sluice)
          const { scopes } = hostOf(sluice)
          const statements: number[] = []
          // From the second time on, reads are only counted.
          for (let time = 0; time < 3; time += 1) {
            await sluice.run(async () => {
              await read(db)
              const { statements: inFlight = Number.NaN, counts } = scopes.current() ?? {}
              expect(inFlight).toBe(0)
              statements.push(counts?.queries ?? 0)
            })
          }
          expect(statements[0]).toBeGreaterThan(0)
          expect(statements).toEqual(statements.map(() => statements[0]))
          const workload = sluice.database.getWorkload()
          const errors = workload.reduce((sum, entry) => sum + (entry.errors ?? 0), 0)
          expect(errors).toBe(kind.includes('fails') ? 3 : 0)
        } finally {
          await db.destroy()
          await sluice.close()
          await database.drop()
        }
      })
    }
  })
}
