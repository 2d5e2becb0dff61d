import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { createSluice } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import knex from 'knex'
import pg from 'pg'
import type { Case } from './cases.ts'
import { randomWalk } from './random-walk.ts'
import { cached, postById, range, warm } from './reads.ts'
import { runGuide } from './run-guide.ts'
import { type Db, World } from './world.ts'

const CODECS = `
  DROP TABLE IF EXISTS codecs;
  CREATE TABLE codecs (id integer PRIMARY KEY, uid uuid NOT NULL UNIQUE, big bigint NOT NULL,
    number numeric NOT NULL, real float8 NOT NULL, flag bool NOT NULL, moment timestamptz(3) NOT NULL,
    day date NOT NULL, bytes bytea NOT NULL, json json NOT NULL, tags text[] NOT NULL, missing text);
  INSERT INTO codecs
    SELECT n, ('00000000-0000-0000-0000-00000000000' || n)::uuid, 9007199254740990 + n, 1.50 + n, 0.1 + n,
      n % 2 = 0, '2026-01-02 03:04:05.678+02'::timestamptz + n * interval '1 day', '2026-01-02'::date + n,
      decode('00ff0' || n, 'hex'), json_build_object('a', json_build_array(1.50, n), 'n', null),
      ARRAY['a' || n, 'b,"'], CASE WHEN n = 2 THEN 'x' END
    FROM generate_series(1, 5) n`
const uuid = (n: number) => `00000000-0000-0000-0000-00000000000${n}`

type Write = (db: Db) => Promise<unknown>

const WRITES: Readonly<Record<string, Write>> = {
  create: (db) => db.orm.public.Post.create({ id: 100, slug: 's100', title: 'new', views: 1, authorId: 1 }),
  createAll: (db) =>
    db.orm.public.Post.createAll([{ id: 101, slug: 's101', title: 'new', views: 1, authorId: 1 }]).toArray(),
  update: (db) => db.orm.public.Post.where({ id: 1 }).update({ title: 'update' }),
  updateAll: (db) => db.orm.public.Post.where({ authorId: 2 }).updateAll({ title: 'updateAll' }).toArray(),
  updateAndCount: (db) =>
    db.orm.public.Post.where({ authorId: 2 }).updateAndCount({ title: 'updateAndCount' }),
  upsert: (db) =>
    db.orm.public.Post.upsert({
      create: { id: 1, slug: 'post-1', title: 'created', views: 1, authorId: 1 },
      update: { title: 'upserted' },
      conflictOn: { id: 1 },
    }),
  'nested create': (db) =>
    db.orm.public.Author.create({
      id: 50,
      email: 'a50',
      name: 'new',
      posts: (posts) => posts.create([{ id: 102, slug: 's102', title: 'nested', views: 1 }]),
    }),
  'SQL builder': (db) =>
    db.runtime().execute(
      db.sql.public.posts
        .update({ title: 'by SQL' })
        .where((row, { eq }) => eq(row.id, 3))
        .build(),
    ),
  'raw SQL': (db) =>
    db.runtime().execute(db.raw.sql`update posts set title = 'raw' where id = ${4}`.affectedCount().build()),
  delete: (db) => db.orm.public.Post.where({ id: 100 }).delete(),
  deleteAndCount: (db) => db.orm.public.Post.where({ authorId: 3 }).deleteAndCount(),
}

const allPosts = (db: Db) =>
  db.orm.public.Post.orderBy((row) => row.id.asc())
    .all()
    .toArray()

const cases: Readonly<Record<string, (url: string) => Promise<undefined>>> = {
  'decodes batched and cached rows as Prisma does, for each codec': (url) =>
    World.in(
      url,
      async (world) => {
        const byId = (db: Db) => Promise.all(range(6).map((id) => db.orm.public.Codec.first({ id })))
        strictEqual((await world.same(byId)).queries, 1)
        strictEqual((await world.same(byId)).queries, 0)
        // The column is not selected.
        const byBigint = (db: Db) =>
          Promise.all(
            range(5).map((n) =>
              db.orm.public.Codec.select('bytes', 'tags', 'moment')
                .where({ big: 9007199254740990n + BigInt(n) })
                .all(),
            ),
          )
        strictEqual((await world.same(byBigint)).queries, 1)
        // Prisma casts these parameters.
        const byUuid = (db: Db) =>
          Promise.all(range(6).map((n) => db.orm.public.Codec.first({ uid: uuid(n) })))
        strictEqual((await world.same(byUuid)).queries, 1)
        strictEqual((await world.same(byUuid)).queries, 0)
        const byDay = (db: Db) =>
          Promise.all(
            range(5).map((n) =>
              db.orm.public.Codec.select('moment', 'day')
                .where({ day: `2026-01-0${n}` })
                .all(),
            ),
          )
        strictEqual((await world.same(byDay)).queries, 1)
        strictEqual((await world.same(byDay)).queries, 0)
        const byMoment = (db: Db) =>
          Promise.all(
            [4, 5].map((n) =>
              db.orm.public.Codec.where({ moment: `2026-01-0${n} 01:04:05.678+00` as never }).all(),
            ),
          )
        strictEqual((await world.same(byMoment)).queries, 2)
      },
      { ...cached, script: CODECS },
    ),

  'sees writes of other adapters of the same Sluice, and they see its writes': (url) =>
    World.in(
      url,
      async (world) => {
        const bareKnex = knex({ client: 'pg', connection: url })
        const byKnex = withSluiceKnex(bareKnex, world.sluice)
        const byPg = sluicePool(new pg.Pool({ connectionString: url, max: 2 }), world.sluice)
        const others: readonly ((title: string) => Promise<unknown>)[] = [
          async (title) => await byKnex('posts').where({ id: 5 }).update({ title }),
          (title) => byPg.query('update posts set title = $1 where id = 5', [title]),
          (title) =>
            byKnex.transaction(async (open) => void (await open('posts').where({ id: 5 }).update({ title }))),
        ]
        const titles = () =>
          Promise.all([
            byKnex('posts').where({ id: 5 }).first('title'),
            byPg.query('select title from posts where id = $1', [5]).then(({ rows }) => rows[0]),
          ])
        const inScope = <T>(work: () => Promise<T>) => world.inScope(work)
        try {
          for (const [at, write] of others.entries()) {
            await warm(world, postById(5))
            await write(`other ${at}`)
            strictEqual((await world.inScope(postById(5))).value?.title, `other ${at}`)
          }
          for (let tries = 0; tries < 1000; tries += 1)
            if ((await inScope(titles)).report.queries === 0) break
            else await new Promise((resolve) => setTimeout(resolve, 10))
          strictEqual((await inScope(titles)).report.queries, 0, 'the others serve from the cache')
          await world.own.db.orm.public.Post.where({ id: 5 }).update({ title: 'Prisma' })
          deepStrictEqual((await inScope(titles)).value, [{ title: 'Prisma' }, { title: 'Prisma' }])
          await inScope(titles)
          await world.own.db.transaction(async (open) => {
            await open.orm.public.Post.where({ id: 5 }).update({ title: 'transaction' })
            deepStrictEqual((await inScope(titles)).value, [{ title: 'Prisma' }, { title: 'Prisma' }])
          })
          deepStrictEqual((await inScope(titles)).value, [{ title: 'transaction' }, { title: 'transaction' }])
        } finally {
          await bareKnex.destroy()
          await byPg.end()
        }
      },
      cached,
    ),

  'sees each kind of write': (url) =>
    World.in(
      url,
      async (world) => {
        for (const [name, write] of Object.entries(WRITES)) {
          await warm(world, allPosts)
          const before = JSON.stringify((await world.inScope(allPosts)).value)
          await write(world.own.db)
          const { value } = await world.inScope(allPosts)
          deepStrictEqual(value, await allPosts(world.bare.db), name)
          ok(JSON.stringify(value) !== before, `${name} has written`)
        }
      },
      cached,
    ),

  'reports the line of a loop, with a fix that runs once': (url) =>
    World.in(
      url,
      async (world) => {
        let line = ''
        const loops: readonly ((db: Db) => Promise<unknown>)[] = [
          async (db) => {
            for (const id of range(10)) {
              line = new Error().stack?.split('\n')[1] ?? ''
              await db.orm.public.Post.first({ id })
            }
          },
          async (db) => {
            for (const id of range(10)) {
              line = new Error().stack?.split('\n')[1] ?? ''
              await db.orm.public.Post.select('title')
                .where({ authorId: id })
                .orderBy((row) => row.id.desc())
                .all()
            }
          },
        ]
        const fixes: string[] = []
        for (const loop of loops) {
          const { report } = await world.inScope(loop)
          const finding = report.findings?.find(({ code }) => code === 'N_PLUS_ONE')
          const at = Number(/:(\d+):\d+\)?$/.exec(line)?.[1])
          strictEqual(finding?.callSite?.line, at + 1)
          strictEqual(finding?.callSite?.package, undefined)
          fixes.push(finding?.fix ?? '')
        }
        deepStrictEqual(fixes, [
          'db.orm.public.Post.where((row) => row.id.in(keys)).all()',
          "db.orm.public.Post.select('title', 'authorId').where((row) => row.authorId.in(keys)).orderBy((row) => row.id.desc()).all()",
        ])
        for (const fix of fixes) {
          const run = new Function('db', 'keys', `return ${fix}`) as (
            db: Db,
            keys: unknown,
          ) => Promise<unknown[]>
          const { value, report } = await world.inScope(async (db) => await run(db, range(10)))
          ok(value.length >= 10)
          strictEqual(report.queries, 1)
        }
      },
      { mode: 'observe' },
    ),

  'leaves queries with a signal to Prisma': (url) =>
    World.in(url, async (world) => {
      const query = (db: Db, id: number, signal: AbortSignal) =>
        db.runtime().query(
          db.sql.public.posts
            .select('id', 'title')
            .where((row, { eq }) => eq(row.id, id))
            .build(),
          { signal },
        )
      const { signal } = new AbortController()
      const { queries } = await world.same((db) =>
        Promise.all([1, 2, 3].map((id) => query(db, id, signal).toArray())),
      )
      strictEqual(queries, 3)
      await world.sameError((db) => query(db, 1, AbortSignal.abort()).toArray())
    }),

  'leaves the session of a held connection to the app': (url) =>
    World.in(
      url,
      async (world) => {
        await warm(world, postById(1))
        const { value, report } = await world.inScope(async (db) => {
          const held = await db.runtime().connection()
          const setting = db.raw.sql`select current_setting('application_name') as v`
          try {
            await held.execute(db.raw.sql`set application_name = 'own'`.affectedCount().build())
            const plan = db.sql.public.posts
              .select('id')
              .where((row, { eq }) => eq(row.id, 1))
              .build()
            await held.query(plan)
            return (await held.query(setting.returnsRow({ v: 'pg/text@1' }).build()))[0]?.v
          } finally {
            await held.destroy()
          }
        })
        strictEqual(value, 'own')
        strictEqual(report.queries, 3)
      },
      cached,
    ),

  'rejects as Prisma does if a batch fails': (url) =>
    World.in(
      url,
      async (world) => {
        const act = (db: Db) => Promise.all(range(3).map((id) => db.orm.public.Codec.first({ id })))
        strictEqual((await world.same(act)).queries, 1)
        await world.exec('ALTER TABLE codecs RENAME COLUMN big TO bigger')
        await world.sameError(act)
        await world.exec('DROP TABLE codecs')
        await world.sameError(act)
      },
      { script: CODECS },
    ),

  'caches no raw SQL': (url) =>
    World.in(
      url,
      async (world) => {
        const act = (db: Db) =>
          db
            .runtime()
            .query(
              db.raw.sql`select title from posts where id = ${1}`.returnsRow({ title: 'pg/text@1' }).build(),
            )
            .toArray()
        for (let round = 0; round < 3; round += 1) strictEqual((await world.same(act)).queries, 1)
      },
      cached,
    ),

  'batches aggregates and pages': (url) =>
    World.in(url, async (world) => {
      const ofAuthors = (read: (db: Db, authorId: number) => PromiseLike<unknown>) => (db: Db) =>
        Promise.all(range(10).map((authorId) => read(db, authorId)))
      const counts = ofAuthors((db, authorId) =>
        db.orm.public.Post.where({ authorId }).aggregate((all) => ({ n: all.count() })),
      )
      strictEqual((await world.same(counts)).queries, 1)
      const totals = ofAuthors((db, authorId) =>
        db.orm.public.Post.where({ authorId }).aggregate((all) => ({
          most: all.max('views'),
          sum: all.sum('views'),
        })),
      )
      strictEqual((await world.same(totals)).queries, 1)
      const pages = ofAuthors((db, authorId) =>
        db.orm.public.Post.where({ authorId })
          .orderBy((row) => row.id.asc())
          .limit(2)
          .offset(1)
          .all(),
      )
      strictEqual((await world.same(pages)).queries, 1)
    }),

  'reads the rows of a batch one by one': (url) =>
    World.in(url, async (world) => {
      const { queries } = await world.same((db) =>
        Promise.all(
          range(4).map(async (authorId) => {
            const titles: string[] = []
            for await (const row of db.orm.public.Post.where({ authorId })
              .orderBy((one) => one.id.asc())
              .all()) {
              titles.push(row.title)
              if (titles.length === 2) break
            }
            return titles
          }),
        ),
      )
      strictEqual(queries, 1)
    }),

  'reads what Prisma 8 alone reads, in a random walk, seed 1': (url) => randomWalk(url, 1),
  'reads what Prisma 8 alone reads, in a random walk, seed 2': (url) => randomWalk(url, 2),
  'reads what Prisma 8 alone reads, in a random walk, seed 3': (url) => randomWalk(url, 3),

  'runs the files of the guide': (url) =>
    World.in(url, async () => {
      const output = await runGuide(url)
      ok(output.includes('N_PLUS_ONE db.orm.public.Post.where((row) => row.id.in(keys)).all()'), output)
      ok(/index\.ts.*\n?.*line: 5\b/.test(output), output)
    }),

  'returns options without a pool unchanged, with a warning': async () => {
    const { withSluice } = await import('@sluice/prisma8')
    const warnings: string[] = []
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (message: string) => void warnings.push(message),
    }
    const sluice = createSluice({ logger: logger as never })
    for (const options of [{ url: 'postgresql://127.0.0.1/x' }, { pg: new pg.Client() }, {}])
      strictEqual(withSluice(options as object, sluice), options)
    ok(warnings.length > 0, 'a warning')
    for (const wrong of [null, undefined, 'options'])
      deepStrictEqual(
        codeOf(() => withSluice(wrong as never, sluice)),
        'SLUICE_INVALID_ARGUMENT',
      )
    await sluice.close()
    return undefined
  },

  'modifies neither the options nor the pool, and accepts a binding': async (url) => {
    const { withSluice } = await import('@sluice/prisma8')
    const pool = new pg.Pool({ connectionString: url })
    const sluice = createSluice({ mode: 'optimize' })
    const binding = { kind: 'pgPool', pool } as const
    const options = Object.freeze({ binding: Object.freeze(binding), middleware: Object.freeze([]) })
    const used = withSluice(options, sluice)
    strictEqual(used.binding.kind, 'pgPool')
    ok(used.binding.pool !== pool)
    deepStrictEqual((await used.binding.pool.query('select 1 as one')).rows, [{ one: 1 }])
    strictEqual(used.middleware.length, 1)
    await pool.end()
    await sluice.close()
    return undefined
  },
}

function codeOf(run: () => unknown): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return (error as { readonly code?: unknown }).code
  }
}

/** What Prisma 8 has beyond the adapter contract. */
export const BEHAVIOR_CASES: readonly Case[] = Object.entries(cases).map(([name, run]) => ({ name, run }))
