import { randomUUID } from 'node:crypto'
import { createSluice, type Finding, type Sluice } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { and, asc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { alias, integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely } from 'kysely'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'

const SCRIPT = `
  CREATE TABLE authors (id int PRIMARY KEY, name text);
  CREATE TABLE posts (id int PRIMARY KEY, title text, author_id int, FOREIGN KEY (author_id) REFERENCES authors (id));
  INSERT INTO authors VALUES (1, 'Ada'), (2, 'Bo'), (3, 'Cy');
  INSERT INTO posts VALUES (1, 'one', 1), (2, 'two', 1), (3, 'three', 2), (4, 'four', NULL);`

const authors = pgTable('authors', { id: integer().primaryKey(), name: text() })
const posts = pgTable('posts', { id: integer().primaryKey(), title: text(), authorId: integer('author_id') })

interface Client {
  /** Posts with their author, whose table gets a new alias each time. */
  byAuthor(name: string): PromiseLike<unknown>
  /** A post by its id, with its author. */
  byId(id: number): PromiseLike<readonly unknown[]>
  rename(id: number, name: string): PromiseLike<unknown>
  close(): Promise<unknown>
}

/** As some content management systems name the tables that they join. */
const name = () => randomUUID().replaceAll('-', '_')

function drizzleClient({ url }: Database, sluice: Sluice): Client {
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  // `end()` resolves before the sockets are closed, and the database is dropped afterwards.
  pool.on('error', () => {})
  const db = drizzle({ client: withSluiceDrizzle(pool, sluice) })
  const joined = () => {
    const writer = alias(authors, name())
    const query = db
      .select({ id: posts.id, title: posts.title, author: writer.name })
      .from(posts)
      .leftJoin(writer, eq(writer.id, posts.authorId))
    return { writer, query }
  }
  return {
    byAuthor: (found) => {
      const { writer, query } = joined()
      return query.where(eq(writer.name, found)).orderBy(asc(posts.id))
    },
    byId: (id) => {
      const { query } = joined()
      return query.where(and(eq(posts.id, id)))
    },
    rename: (id, to) => db.update(authors).set({ name: to }).where(eq(authors.id, id)),
    close: () => pool.end(),
  }
}

function kyselyClient(database: Database, sluice: Sluice): Client {
  const db = new Kysely<{ [table: string]: { [column: string]: unknown } }>({
    dialect: withSluiceKysely(kyselyDialect(database), sluice),
  })
  const joined = () => {
    const writer = name()
    const query = db
      .selectFrom('posts')
      .leftJoin(`authors as ${writer}`, `${writer}.id`, 'posts.author_id')
      .select(['posts.id', 'posts.title', `${writer}.name as author`])
    return { writer, query }
  }
  return {
    byAuthor: (found) => {
      const { writer, query } = joined()
      return query.where(`${writer}.name`, '=', found).orderBy('posts.id').execute()
    },
    byId: (id) => joined().query.where('posts.id', '=', id).execute(),
    rename: (id, to) => db.updateTable('authors').set({ name: to }).where('id', '=', id).execute(),
    close: () => db.destroy(),
  }
}

const clients = { postgresql: drizzleClient, sqlite: kyselyClient }

describe.each(databases().filter(({ dialect }) => dialect !== 'mysql'))(
  'statements with random aliases on $name',
  ({ dialect, connect, skipped }) => {
    describe.skipIf(skipped !== undefined)('', () => {
      let database: Database
      let sluice: Sluice
      let client: Client
      const statements = () => sluice.queries.getStats().statements
      const findings: Finding[] = []

      beforeEach(async () => {
        database = await connect()
        await database.exec(SCRIPT)
        sluice = createSluice({ mode: 'optimize' })
        sluice.on('finding', (finding) => findings.push(finding))
        client = clients[dialect as keyof typeof clients](database, sluice)
        await client.byId(1)
        await catalogsRead(sluice)
        findings.length = 0
      })

      afterEach(async () => {
        await client.close()
        await sluice.close()
        await database.drop()
      })

      it('are served from the cache until a joined table is written', async () => {
        const read = () => sluice.run(() => client.byAuthor('Ada'), { name: 'read' })
        const expected = [
          { id: 1, title: 'one', author: 'Ada' },
          { id: 2, title: 'two', author: 'Ada' },
        ]
        expect(await read()).toEqual(expected)
        const before = statements()
        expect(await read()).toEqual(expected)
        expect(statements()).toBe(before)
        expect(sluice.getResultStats()?.hits).toBe(1)
        await client.rename(1, 'Di')
        expect(await read()).toEqual([])
        expect(await sluice.run(() => client.byAuthor('Bo'))).toEqual([
          { id: 3, title: 'three', author: 'Bo' },
        ])
        expect(sluice.getResultStats()?.hits).toBe(1)
      })

      it('are batched by a key', async () => {
        const found = await sluice.run(() => Promise.all([2, 3, 4, 9].map((id) => client.byId(id))))
        expect(found.map((rows) => rows.length)).toEqual([1, 1, 1, 0])
        expect(found[1]).toEqual([{ id: 3, title: 'three', author: 'Bo' }])
        expect(sluice.queries.getStats()).toMatchObject({ batched: 3 })
      })

      it('are one finding', async () => {
        await sluice.run(
          async () => {
            for (let id = 1; id <= 8; id += 1) await client.byId(id)
          },
          { mode: 'observe', name: 'list' },
        )
        expect(findings).toMatchObject([{ code: 'N_PLUS_ONE', count: 8 }])
        expect(findings[0]?.label).toContain('sluice_1')
      })
    })
  },
)
