// A script that does not know Sluice, unless a test asks for it. Prints its rows, and its statements.
import { createSluice, getDefaultSluice } from '@sluice/core'
import { withSluice } from '@sluice/kysely'
import BetterSqlite from 'better-sqlite3'
import {
  type Dialect,
  type Generated,
  Kysely,
  type SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'

interface Database {
  author: { id: Generated<number>; name: string }
}

const { APP_SLUICE, APP_DIALECT } = process.env

class OtherAdapter {
  readonly supportsTransactionalDdl = false
  readonly supportsReturning = true
  readonly acquireMigrationLock = async () => {}
  readonly releaseMigrationLock = async () => {}
}

const own = createSluice()
own.on('finding', () => console.error('own finding'))

let statements = 0
const countStatement = () => {
  statements += 1
}
const database = new BetterSqlite(':memory:', { verbose: countStatement })

function dialect(): Dialect {
  const bare = new SqliteDialect({ database })
  if (APP_SLUICE === 'own') return withSluice(bare, own)
  if (APP_SLUICE === 'default') return withSluice(bare)
  if (APP_DIALECT !== 'other') return bare
  return {
    createAdapter: () => new OtherAdapter() as unknown as SqliteAdapter,
    createDriver: () => new SqliteDriver({ database }),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

class App extends Kysely<Database> {
  readonly #table = 'author'

  author(id: number) {
    return this.selectFrom(this.#table).selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  }
}

const db = new App({ dialect: dialect(), log: () => {} })
await db.schema
  .createTable('author')
  .addColumn('id', 'integer', (column) => column.primaryKey())
  .addColumn('name', 'text')
  .execute()
await db
  .insertInto('author')
  .values(Array.from({ length: 20 }, (_, at) => ({ name: `author ${at}` })))
  .execute()

const names: string[] = []
async function readNames(): Promise<void> {
  for (const { id } of await db.selectFrom('author').select('id').execute())
    names.push((await db.author(id)).name) // the loop
}
await (APP_SLUICE === 'own' ? own.run(readNames) : readNames())
console.log(names.join())
await db.transaction().execute(async (trx) => {
  await trx.updateTable('author').set({ name: 'other' }).where('id', '=', 1).execute()
  console.log('transaction', trx instanceof Kysely, await trx.selectFrom('author').selectAll().execute())
})
const streamed: unknown[] = []
for await (const row of db.selectFrom('author').selectAll().limit(2).stream()) streamed.push(row)
console.log(streamed)
const main = db.withSchema('main').withoutPlugins()
console.log('classes', db instanceof Kysely, db instanceof App, main instanceof Kysely, Kysely.name)
console.log(await main.selectFrom('author').select('name').where('id', '=', 3).execute())
await db.connection().execute(async (one) => console.log('connection', one instanceof Kysely))
const failed: unknown = await db
  .selectFrom('missing' as 'author')
  .selectAll()
  .execute()
  .catch(String)
console.log(failed)
await db.destroy()
console.log('open', database.open)
console.error(`statements ${statements}`)
console.error(`default ${getDefaultSluice().queries.getStats().statements > 20}`)
