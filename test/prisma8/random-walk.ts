import { deepStrictEqual, ok } from 'node:assert'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { Random } from '../support/random.ts'
import { type Db, World } from './world.ts'

const STEPS = 150

type Session = Pick<Db, 'orm'>
type Act = (db: Db) => Promise<unknown>

const LOOKUPS: readonly ((db: Db, id: number) => Promise<unknown>)[] = [
  (db, id) => db.orm.public.Post.first({ id }),
  (db, id) => db.orm.public.Post.select('title', 'views').where({ id }).first(),
  (db, id) =>
    db.orm.public.Post.where({ authorId: id })
      .where((row) => row.views.gt(3))
      .orderBy((row) => row.id.desc())
      .all()
      .toArray(),
  (db, id) => db.orm.public.Author.where({ id }).include('posts').all().toArray(),
  (db, id) =>
    db.orm.public.Post.where({ authorId: id }).aggregate((all) => ({
      n: all.count(),
      sum: all.sum('views'),
    })),
  (db, id) =>
    db.orm.public.Post.where((row) => row.authorId.in([id, id + 1]))
      .orderBy((row) => row.id.asc())
      .limit(3)
      .all()
      .toArray(),
]

/** Random reads and writes through Prisma 8 and Knex on one Sluice, compared with Prisma 8 alone. */
export async function randomWalk(url: string, seed: number): Promise<undefined> {
  const run = (world: World) => new Walk(world, new Random(seed), url).run()
  return World.in(url, run, { cache: { ttl: 300 } })
}

class Walk {
  readonly #bareKnex: Knex
  readonly #knex: Knex
  /** Earlier reads, which run again after each step. */
  readonly #reads: Act[] = []
  #next = 1000

  constructor(
    private readonly world: World,
    private readonly random: Random,
    url: string,
  ) {
    this.#bareKnex = knex({ client: 'pg', connection: url })
    this.#knex = withSluiceKnex(this.#bareKnex, world.sluice)
  }

  async run(): Promise<void> {
    try {
      for (let at = 0; at < STEPS; at += 1) {
        await this.#step()
        await this.#compare((db) => Promise.all(this.#reads.map((read) => read(db))))
      }
      const { cacheHits, batched, prefetched } = this.world.sluice.queries.getStats()
      ok(cacheHits > 500 && batched > 5 && prefetched > 5, `${cacheHits}, ${batched}, ${prefetched}`)
    } finally {
      await this.#bareKnex.destroy()
    }
  }

  async #step(): Promise<void> {
    const { random, world } = this
    const kind = random.below(10)
    if (kind < 2) await this.#write(world.own.db)
    else if (kind === 2) await this.#writeByKnex(this.#knex)
    else if (kind === 3) await this.#transaction()
    else if (kind === 4) await this.#loop()
    else if (kind < 7) {
      const asked = Array.from({ length: 6 }, () => [random.pick(LOOKUPS), this.#id()] as const)
      await this.#compare((db) => Promise.all(asked.map(([lookup, id]) => lookup(db, id))))
    } else {
      const [lookup, id] = [random.pick(LOOKUPS), this.#id()]
      this.#reads.push((db) => lookup(db, id))
      if (this.#reads.length > 12) this.#reads.shift()
    }
  }

  async #loop(): Promise<void> {
    const lookup = this.random.pick(LOOKUPS)
    await this.#compare(async (db) => {
      const found: unknown[] = []
      const listed = await db.orm.public.Author.select('id')
        .orderBy((row) => row.id.asc())
        .all()
      for (const { id } of listed) found.push(await lookup(db, id))
      return found
    })
  }

  async #transaction(): Promise<void> {
    const isKept = this.random.chance(0.5)
    const undone = new Error('Undone.')
    await this.world.own.db
      .transaction(async (open) => {
        await this.#write(open)
        await this.#write(open)
        await open.orm.public.Post.first({ id: this.#id() })
        // Others do not see it.
        await this.#compare((db) => Promise.all(this.#reads.map((read) => read(db))))
        if (!isKept) throw undone
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error
      })
  }

  async #write(db: Session): Promise<void> {
    const { Post } = db.orm.public
    const [id, authorId, title] = [this.#id(), this.#id(), `title ${this.#next}`]
    switch (this.random.below(5)) {
      case 0:
        this.#next += 1
        await Post.create({
          id: this.#next,
          slug: `s${this.#next}`,
          title,
          views: this.random.below(9),
          authorId,
        })
        return
      case 1:
        await Post.where({ id }).update({ title, authorId })
        return
      case 2:
        await Post.where({ authorId }).updateAndCount({ title })
        return
      case 3:
        await Post.where({ authorId })
          .updateAll({ views: this.random.below(9) })
          .toArray()
        return
      default:
        await Post.where({ id }).deleteAndCount()
    }
  }

  async #writeByKnex(db: Knex): Promise<void> {
    await db('posts')
      .where({ [this.random.pick(['id', 'author_id'])]: this.#id() })
      .update({ title: `by Knex ${this.random.below(100)}` })
  }

  #id(): number {
    return 1 + this.random.below(9)
  }

  async #compare(act: Act): Promise<void> {
    deepStrictEqual((await this.world.inScope(act)).value, await act(this.world.bare.db))
  }
}
