import { deepStrictEqual, ok } from 'node:assert'
import type { SqlMiddleware } from '@prisma/orm-postgres/family-runtime'
import { createSluice, type ScopeReport, type Sluice, type SluiceOptions } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import pg from 'pg'
import type { clientOf } from './prisma8-harness.ts'

type Opened = ReturnType<typeof clientOf>
export type Db = Opened['db']

/**
 * Analyzed at once: the first autovacuum would exchange the index scan for a sequential one, and with it the
 * order of rows that no ORDER BY names, between a read and its repetition from the cache.
 */
const POSTS = `
  DELETE FROM posts; DELETE FROM memberships; DELETE FROM authors;
  INSERT INTO authors (id, email, full_name, updated_at)
    SELECT n, 'a' || n || '@example.org', 'Author ' || n, now() FROM generate_series(1, 12) n;
  INSERT INTO posts (id, slug, title, views, author_id)
    SELECT n, 'post-' || n, 'Post ' || n, n * 7 % 11, n % 9 + 1 FROM generate_series(1, 40) n;
  ANALYZE authors; ANALYZE posts;`

interface Setup extends SluiceOptions {
  /** Creates the middlewares of each client. */
  readonly middleware?: () => readonly SqlMiddleware[]
  /** Runs first. */
  readonly script?: string
}

/** Milliseconds until the catalog must be known. */
const PATIENCE = 20_000

/** Prisma 8 with a Sluice and without, on one database. */
export class World {
  readonly errors: unknown[] = []

  private constructor(
    readonly url: string,
    readonly sluice: Sluice,
    /** Without Sluice. */
    readonly bare: Opened,
    readonly own: Opened,
    readonly pool: pg.Pool,
  ) {
    sluice.on('error', (error) => void this.errors.push(error))
  }

  static async open(
    url: string,
    { middleware = () => [], script = '', ...options }: Setup = {},
  ): Promise<World> {
    const { clientOf } = await import('./prisma8-harness.ts')
    const sluice = createSluice({ mode: 'optimize', cache: false, ...options })
    const pool = new pg.Pool({ connectionString: url, max: 2 })
    const world = new World(
      url,
      sluice,
      clientOf(url, undefined, middleware()),
      clientOf(url, sluice, middleware()),
      pool,
    )
    await world.exec(`${POSTS} ${script}`)
    if (options.mode !== 'observe') await world.ready()
    return world
  }

  /** Runs work, and closes everything. */
  static async in(url: string, work: (world: World) => Promise<void>, setup?: Setup): Promise<undefined> {
    const world = await World.open(url, setup)
    try {
      await work(world)
      deepStrictEqual(world.errors, [], 'Sluice reported errors')
    } finally {
      await world.bare.close()
      await world.own.close()
      await world.pool.end()
      await world.sluice.close()
    }
  }

  async exec(script: string): Promise<void> {
    await this.pool.query(script)
  }

  /** Waits until the catalog is known. */
  async ready(): Promise<void> {
    const { catalogs } = hostOf(this.sluice)
    const until = performance.now() + PATIENCE
    do {
      ok(performance.now() < until, 'the catalog is not known')
      await this.own.db.orm.public.Author.first({ id: 1 })
      await new Promise((resolve) => setTimeout(resolve, 10))
    } while (!catalogs.isKnown() || catalogs.isReading())
  }

  /** Runs an act in a scope, with Sluice. */
  async inScope<T>(
    act: (db: Db) => Promise<T>,
  ): Promise<{ readonly value: T; readonly report: ScopeReport }> {
    const scope = this.sluice.openScope('prisma8')
    const value = await scope.enter(() => act(this.own.db))
    return { value, report: scope.end() }
  }

  /** Asserts that an act returns the same with Sluice. Returns the number of statements. */
  async same(act: (db: Db) => Promise<unknown>): Promise<{ readonly queries: number }> {
    const expected = await act(this.bare.db)
    const { value, report } = await this.inScope(act)
    deepStrictEqual(value, expected, 'results differ from those of Prisma 8 alone')
    return report
  }

  /** Asserts that an act rejects as it does without Sluice. */
  async sameError(act: (db: Db) => Promise<unknown>): Promise<void> {
    const expected = await errorOf(() => act(this.bare.db))
    const { value } = await this.inScope((db) => errorOf(() => act(db)))
    deepStrictEqual(value, expected, 'errors differ from those of Prisma 8 alone')
  }
}

/** Everything that an app reads of an error. */
async function errorOf(run: () => Promise<unknown>): Promise<object> {
  try {
    await run()
  } catch (error) {
    const { name, message, ...fields } = error as Error
    return { ...fields, class: (error as Error).constructor.name, name, message }
  }
  throw new Error('Expected an error.')
}
