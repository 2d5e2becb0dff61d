// An app without Sluice: a list whose rows are queried one at a time, with the client in its arguments.
import { rmSync } from 'node:fs'
import Database from 'better-sqlite3'

const [client, file] = process.argv.slice(2)
rmSync(file, { force: true })
const database = new Database(file)
database.exec('CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL)')
const insert = database.prepare('INSERT INTO authors (name) VALUES (?)')
for (let at = 1; at <= 20; at += 1) insert.run(`Author ${at}`)

const clients = {
  async knex() {
    const { default: knex } = await import('knex')
    const db = knex({ client: 'better-sqlite3', connection: { filename: file }, useNullAsDefault: true })
    return {
      ids: () => db('authors').pluck('id').orderBy('id'),
      one: async (id) => await db('authors').where({ id }).first(), // the query of knex
      close: () => db.destroy(),
    }
  },
  async kysely() {
    const { Kysely, SqliteDialect } = await import('kysely')
    const db = new Kysely({ dialect: new SqliteDialect({ database: new Database(file) }) })
    return {
      ids: async () =>
        (await db.selectFrom('authors').select('id').orderBy('id').execute()).map(({ id }) => id),
      async one(id) {
        return await db.selectFrom('authors').selectAll().where('id', '=', id).executeTakeFirst() // the query of kysely
      },
      close: () => db.destroy(),
    }
  },
  async drizzle() {
    const { drizzle } = await import('drizzle-orm/better-sqlite3')
    const { integer, sqliteTable, text } = await import('drizzle-orm/sqlite-core')
    const { eq } = await import('drizzle-orm')
    const authors = sqliteTable('authors', { id: integer('id').primaryKey(), name: text('name').notNull() })
    const db = drizzle({ client: new Database(file) })
    return {
      ids: async () =>
        db
          .select({ id: authors.id })
          .from(authors)
          .orderBy(authors.id)
          .all()
          .map(({ id }) => id),
      one: async (id) => db.select().from(authors).where(eq(authors.id, id)).get(), // the query of drizzle
      close: () => undefined,
    }
  },
  async typeorm() {
    const { DataSource, EntitySchema } = await import('typeorm')
    const Author = new EntitySchema({
      name: 'Author',
      tableName: 'authors',
      columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
    })
    const db = await new DataSource({
      type: 'better-sqlite3',
      database: file,
      entities: [Author],
    }).initialize()
    const authors = db.getRepository(Author)
    return {
      ids: async () => (await authors.find({ order: { id: 'ASC' } })).map(({ id }) => id),
      one: async (id) => await authors.findOneBy({ id }), // the query of typeorm
      close: () => db.destroy(),
    }
  },
}

const { ids, one, close } = await clients[client]()

async function authors() {
  const found = []
  for (const id of await ids()) found.push(await one(id))
  return found
}

/** Each framework, with the same route. Returns its address, and how it stops. */
const servers = {
  async express() {
    const { default: express } = await import('express')
    const app = express()
    app.get('/teams/:team/authors', async (_, response) => response.json(await authors()))
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return [`http://127.0.0.1:${server.address().port}`, () => server.close()]
  },
  async fastify() {
    const { default: fastify } = await import('fastify')
    const app = fastify()
    app.get('/teams/:team/authors', authors)
    return [await app.listen({ host: '127.0.0.1', port: 0 }), () => app.close()]
  },
}

const [address, stop] = await servers[client === 'knex' ? 'express' : 'fastify']()
for (let nth = 0; nth < 3; nth += 1) console.log(await (await fetch(`${address}/teams/red/authors`)).text())
await stop()
await close()
