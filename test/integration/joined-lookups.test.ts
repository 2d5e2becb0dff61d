import { createSluice, type Sluice } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import * as orm from 'drizzle-orm'
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import * as pgCore from 'drizzle-orm/pg-core'
import { defineRelations } from 'drizzle-orm1'
import { drizzle as drizzle1 } from 'drizzle-orm1/node-postgres'
import * as pgCore1 from 'drizzle-orm1/pg-core'
import { Kysely } from 'kysely'
import { jsonArrayFrom as postgresArray, jsonObjectFrom as postgresObject } from 'kysely/helpers/postgres'
import { jsonArrayFrom as sqliteArray, jsonObjectFrom as sqliteObject } from 'kysely/helpers/sqlite'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { TEST_MS } from '../support/patience.ts'

const SCRIPT = (text: string) => `
  CREATE TABLE authors (id int PRIMARY KEY, name ${text});
  CREATE TABLE posts (id int PRIMARY KEY, title ${text}, author_id int, views int, FOREIGN KEY (author_id) REFERENCES authors (id));
  CREATE TABLE comments (id int PRIMARY KEY, body ${text}, post_id int NOT NULL, author_id int,
    FOREIGN KEY (post_id) REFERENCES posts (id), FOREIGN KEY (author_id) REFERENCES authors (id));
  INSERT INTO authors VALUES (1, 'Ada'), (2, 'Bo'), (3, NULL), (4, 'Ada');
  INSERT INTO posts VALUES (1, 'one', 1, 3), (2, 'two', 1, 1), (3, 'three', 2, 3), (4, 'four', NULL, 2), (5, NULL, 1, 3);
  INSERT INTO comments VALUES (1, 'a', 1, 1), (2, 'b', 1, 2), (3, 'c', 1, NULL), (4, 'd', 3, 3), (5, 'e', 5, 1), (6, 'f', 1, 1);`

/** Keys of posts and authors, with duplicates and keys without rows. */
const KEYS = [3, 1, 9, 1, 4, 2, 5]

type Read = (id: number) => PromiseLike<unknown>

/** Reads of a client, by name. */
interface Client {
  readonly reads: Readonly<Record<string, Read>>
  close(): Promise<unknown>
}

const tables = pgTablesOf(pgCore)
const relations = {
  authors: orm.relations(tables.authors, ({ many }) => ({ posts: many(tables.posts) })),
  posts: orm.relations(tables.posts, ({ one, many }) => ({
    author: one(tables.authors, { fields: [tables.posts.authorId], references: [tables.authors.id] }),
    comments: many(tables.comments),
  })),
  comments: orm.relations(tables.comments, ({ one }) => ({
    post: one(tables.posts, { fields: [tables.comments.postId], references: [tables.posts.id] }),
    author: one(tables.authors, { fields: [tables.comments.authorId], references: [tables.authors.id] }),
  })),
}

function pgTablesOf({ pgTable, integer, text }: typeof pgCore) {
  const authors = pgTable('authors', { id: integer().primaryKey(), name: text() })
  const posts = pgTable('posts', {
    id: integer().primaryKey(),
    title: text(),
    authorId: integer('author_id'),
    views: integer(),
  })
  const comments = pgTable('comments', {
    id: integer().primaryKey(),
    body: text(),
    postId: integer('post_id').notNull(),
    authorId: integer('author_id'),
  })
  return { authors, posts, comments }
}

function poolOf({ url }: Database): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  pool.on('error', () => {})
  return pool
}

function openDrizzle(database: Database, sluice: Sluice | undefined): Client {
  const pool = poolOf(database)
  const client = sluice === undefined ? pool : withSluiceDrizzle(pool, sluice)
  const schema = {
    ...tables,
    authorRelations: relations.authors,
    postRelations: relations.posts,
    commentRelations: relations.comments,
  }
  const db = drizzle({ client, schema })
  const { posts, comments, authors } = tables
  const { eq, asc, desc, and, or, gt, isNull } = orm
  const byId = (id: number) => eq(posts.id, id)
  return {
    reads: {
      one: (id) => db.query.posts.findFirst({ where: byId(id), with: { author: true } }),
      many: (id) =>
        db.query.posts.findFirst({ where: byId(id), with: { comments: { orderBy: asc(comments.id) } } }),
      nested: (id) =>
        db.query.posts.findMany({
          where: byId(id),
          with: {
            author: { columns: { name: true } },
            comments: { orderBy: desc(comments.id), with: { author: true } },
          },
        }),
      'first of each': (id) =>
        db.query.authors.findFirst({
          where: eq(authors.id, id),
          with: {
            posts: {
              orderBy: [desc(posts.views), asc(posts.id)],
              limit: 2,
              with: { comments: { orderBy: asc(comments.id) } },
            },
          },
        }),
      'by a foreign key': (id) =>
        db.query.posts.findMany({
          where: eq(posts.authorId, id),
          orderBy: desc(posts.id),
          with: { author: true },
        }),
      'first by a foreign key': (id) =>
        db.query.posts.findMany({
          where: eq(posts.authorId, id),
          orderBy: desc(posts.id),
          limit: 2,
          with: { author: true },
        }),
      'with an expression': (id) =>
        db.query.posts.findFirst({
          where: byId(id),
          extras: { shout: orm.sql<string>`upper(${posts.title})`.as('shout') },
          with: { author: true },
        }),
      'with other conditions': (id) =>
        db.query.posts.findFirst({
          where: and(byId(id), or(gt(posts.views, 2), isNull(posts.title))),
          with: { author: true },
        }),
      'rows joined to one': async (id) =>
        await db
          .select()
          .from(posts)
          .leftJoin(comments, eq(comments.postId, posts.id))
          .where(byId(id))
          .orderBy(comments.id),
      prepared: (id) =>
        db.query.posts
          .findFirst({ where: eq(posts.id, orm.sql.placeholder('id')), with: { author: true } })
          .prepare('joined')
          .execute({ id }),
    },
    close: () => client.end(),
  }
}

function openDrizzle1(database: Database, sluice: Sluice | undefined): Client {
  const pool = poolOf(database)
  const client = sluice === undefined ? pool : withSluiceDrizzle(pool, sluice)
  const { authors, posts, comments } = pgTablesOf(pgCore1 as unknown as typeof pgCore) as never as Record<
    string,
    never
  >
  const defined = defineRelations(
    { authors, posts, comments } as never,
    ((r: Relating) => ({
      authors: { posts: r.many.posts?.({ from: r.authors?.id, to: r.posts?.authorId }) },
      posts: {
        author: r.one.authors?.({ from: r.posts?.authorId, to: r.authors?.id }),
        comments: r.many.comments?.({ from: r.posts?.id, to: r.comments?.postId }),
      },
      comments: { author: r.one.authors?.({ from: r.comments?.authorId, to: r.authors?.id }) },
    })) as never,
  )
  const db = drizzle1({ client, relations: defined } as never) as unknown as {
    readonly query: Readonly<
      Record<'authors' | 'posts', Record<'findFirst' | 'findMany', (options: object) => PromiseLike<unknown>>>
    >
  }
  return {
    reads: {
      one: (id) => db.query.posts.findFirst({ where: { id }, with: { author: true } }),
      nested: (id) =>
        db.query.posts.findMany({
          where: { id },
          with: {
            author: { columns: { name: true } },
            comments: { orderBy: { id: 'desc' }, with: { author: true } },
          },
        }),
      'first of each': (id) =>
        db.query.authors.findFirst({
          where: { id },
          with: { posts: { orderBy: { views: 'desc', id: 'asc' }, limit: 2, with: { author: true } } },
        }),
      'by a foreign key': (id) =>
        db.query.posts.findMany({ where: { authorId: id }, orderBy: { id: 'desc' }, with: { author: true } }),
    },
    close: () => client.end(),
  }
}

type Relating = Readonly<Record<'one' | 'many', Readonly<Record<string, (options: object) => unknown>>>> &
  Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** What TypeORM sends for `find({ where: { id }, relations })`. */
function openPool(database: Database, sluice: Sluice | undefined): Client {
  const bare = poolOf(database)
  const pool = sluice === undefined ? bare : sluicePool(bare, sluice)
  const columns = ['id', 'title', 'author_id'].map((name) => `"Post"."${name}" AS "Post_${name}"`)
  const select = `SELECT ${columns.join(', ')}, "Post__author"."id" AS "Post__author_id", "Post__author"."name" AS "Post__author_name"`
  const author = 'LEFT JOIN "authors" "Post__author" ON "Post__author"."id"="Post"."author_id"'
  const comments = 'LEFT JOIN "comments" "c" ON "c"."post_id"="Post"."id"'
  const rows = async (text: string, id: number, rowMode?: 'array') =>
    (await pool.query({ text, values: [id], ...(rowMode && { rowMode }) } as pg.QueryConfig)).rows
  const where = 'WHERE ( ("Post"."id" = $1) )'
  return {
    reads: {
      'to one': (id) => rows(`${select} FROM "posts" "Post" ${author} ${where} LIMIT 1`, id),
      'to many': (id) =>
        rows(`${select}, "c".* FROM "posts" "Post" ${author} ${comments} ${where} ORDER BY "c"."id"`, id),
      'names that occur twice': (id) =>
        rows(`SELECT "Post"."id", "c"."id" FROM "posts" "Post" ${comments} ${where} ORDER BY "c"."id"`, id),
      'the same in arrays': (id) =>
        rows(
          `SELECT "Post"."id", "c"."id" FROM "posts" "Post" ${comments} ${where} ORDER BY "c"."id"`,
          id,
          'array',
        ),
      'only joined rows': (id) =>
        rows(
          `SELECT "c".* FROM "posts" "Post" INNER JOIN "comments" "c" ON "c"."post_id"="Post"."id" ${where} ORDER BY "c"."id"`,
          id,
        ),
    },
    close: () => pool.end(),
  }
}

interface Tables {
  authors: { id: number; name: string | null }
  posts: { id: number; title: string | null; author_id: number | null; views: number }
  comments: { id: number; body: string; post_id: number; author_id: number | null }
}

function openKysely(database: Database, sluice: Sluice | undefined): Client {
  const dialect = kyselyDialect(database)
  const db = new Kysely<Tables>({
    dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice),
  })
  const post = (id: number) => db.selectFrom('posts').where('posts.id', '=', id)
  const isSqlite = database.dialect === 'sqlite'
  const [array, object] = isSqlite ? [sqliteArray, sqliteObject] : [postgresArray, postgresObject]
  const nested: Record<string, Read> = {
    nested: (id) =>
      post(id)
        .select((eb) => [
          'posts.id',
          array(
            eb
              .selectFrom('comments')
              .select(['comments.id', 'body'])
              .whereRef('post_id', '=', 'posts.id')
              .orderBy('comments.id'),
          ).as('comments'),
          object(eb.selectFrom('authors').select('name').whereRef('authors.id', '=', 'posts.author_id')).as(
            'author',
          ),
        ])
        .executeTakeFirst(),
  }
  return {
    reads: {
      'rows joined to one': (id) =>
        post(id)
          .leftJoin('comments as c', 'c.post_id', 'posts.id')
          .leftJoin('authors as a', 'a.id', 'c.author_id')
          .select(['posts.title', 'c.body', 'a.name', 'a.id'])
          .orderBy('c.id')
          .execute(),
      'a join by a condition': (id) =>
        post(id)
          .innerJoin('comments as c', (join) =>
            join.onRef('c.author_id', '=', 'posts.author_id').on('c.id', '>', 1),
          )
          .selectAll()
          .orderBy('c.id')
          .execute(),
      'a count beside': (id) =>
        post(id)
          .select((eb) => [
            'title',
            eb
              .selectFrom('comments')
              .select(eb.fn.countAll().as('n'))
              .whereRef('post_id', '=', 'posts.id')
              .as('n'),
          ])
          .executeTakeFirst(),
      'a count of joined rows': (id) =>
        post(id)
          .leftJoin('comments as c', 'c.post_id', 'posts.id')
          .select(({ fn }) => [fn.count('c.id').as('n'), fn.max('c.id').as('last')])
          .executeTakeFirst(),
      'an existence': (id) =>
        post(id)
          .select('title')
          .where(({ exists, selectFrom }) =>
            exists(selectFrom('comments').select('comments.id').whereRef('post_id', '=', 'posts.id')),
          )
          .execute(),
      // MariaDB has no derived tables that depend on a row around them.
      ...(database.dialect === 'mysql' ? {} : nested),
    },
    close: () => db.destroy(),
  }
}

const mysqlPosts = mysqlTable('posts', {
  id: int().primaryKey(),
  title: varchar({ length: 40 }),
  authorId: int('author_id'),
})
const mysqlComments = mysqlTable('comments', {
  id: int().primaryKey(),
  body: varchar({ length: 40 }),
  postId: int('post_id'),
})

function openMysqlDrizzle(database: Database, sluice: Sluice | undefined): Client {
  const pool = mysql.createPool({ uri: database.url, connectionLimit: 3 })
  const client = sluice === undefined ? pool : withSluiceDrizzle(pool, sluice)
  const db = drizzleMysql({ client })
  const { eq, sql } = orm
  const comments = () =>
    sql<number>`(select count(*) from comments where comments.post_id = ${mysqlPosts.id})`
  return {
    reads: {
      'rows joined to one': async (id) =>
        await db
          .select()
          .from(mysqlPosts)
          .leftJoin(mysqlComments, eq(mysqlComments.postId, mysqlPosts.id))
          .where(eq(mysqlPosts.id, id))
          .orderBy(mysqlComments.id),
      'a count beside': async (id) =>
        await db
          .select({ title: mysqlPosts.title, n: comments() })
          .from(mysqlPosts)
          .where(eq(mysqlPosts.id, id)),
    },
    close: () => client.end(),
  }
}

const CLIENTS = [
  ['Drizzle 0.45', openDrizzle, ['PostgreSQL']],
  ['Drizzle 1.0', openDrizzle1, ['PostgreSQL']],
  ['Drizzle on mysql2', openMysqlDrizzle, ['MariaDB']],
  ['a pool of pg', openPool, ['PostgreSQL']],
  ['Kysely', openKysely, ['SQLite', 'PostgreSQL', 'MariaDB']],
] as const

describe.each(databases())('lookups with joins on $name', ({ name, dialect, connect, skipped }) => {
  const clients = CLIENTS.filter(([, , on]) => (on as readonly string[]).includes(name))
  describe.skipIf(skipped !== undefined).each(clients)('in %s', (_, open) => {
    let database: Database
    let sluice: Sluice
    let bare: Client
    let own: Client

    beforeAll(async () => {
      database = await connect()
      await database.exec(SCRIPT(dialect === 'mysql' ? 'varchar(40)' : 'text'))
      sluice = createSluice({ mode: 'optimize', cache: false })
      bare = open(database, undefined)
      own = open(database, sluice)
      await Object.values(own.reads)[0]?.(1)
      await catalogsRead(sluice)
    }, TEST_MS)
    afterAll(async () => {
      await bare?.close()
      await own?.close()
      await sluice?.close()
      await database?.drop()
    })
    afterEach(() => {
      expect(sluice.queries.getStats().errors).toBe(0)
    })

    const read = (name: string) => (client: Client, id: number) => {
      const found = client.reads[name]
      if (found === undefined) throw new Error(`Expected a read ${name}.`)
      return found(id)
    }

    it('become one query if they are issued together, each with its own rows', async () => {
      for (const name of Object.keys(own.reads)) {
        const all = (client: Client) => Promise.all(KEYS.map((id) => read(name)(client, id)))
        const expected = await all(bare)
        const scope = sluice.openScope('test')
        expect(await scope.enter(() => all(own)), name).toStrictEqual(expected)
        expect(scope.end().queries, name).toBe(1)
      }
    })
  })
})
