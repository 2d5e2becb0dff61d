// Knex and Kysely on `mysql2`: each statement is counted once, by their adapters.
import { getDefaultSluice } from '@sluice/core'
import knex from 'knex'
import { type Generated, Kysely, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'

const url = process.env.DATABASE_URL ?? ''
const db = knex({ client: 'mysql2', connection: url })
interface Tables {
  readonly author: { readonly id: Generated<number>; readonly name: string }
}
const kysely = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: createPool(url) }) })
console.log(JSON.stringify(await db('author').where({ id: 1 }).first()))
await db.transaction(async (trx) => void (await trx('author').where({ id: 1 }).update({ name: 'author 1' })))
const found = kysely.selectFrom('author').selectAll().where('id', '=', 2)
console.log(JSON.stringify(await found.execute()))
const streamed: unknown[] = []
for await (const row of found.stream()) streamed.push(row)
console.log(JSON.stringify(streamed))
await kysely
  .transaction()
  .execute((trx) => trx.selectFrom('author').select('name').where('id', '=', 3).execute())
await db.destroy()
await kysely.destroy()
console.error(`counted ${getDefaultSluice().queries.getStats().statements}`)
