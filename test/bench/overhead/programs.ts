import type { Knex } from 'knex'
import type { PrismaClient } from '../../generated/sqlite/client/client.ts'

/** Rows of each table: no program repeats a row before a cache has evicted it. */
export const ROWS = 300_000

/**
 * The queries of a request: `five` are four reads and a write, `loop20` and `all20` are 20 reads by key,
 * sequential and concurrent.
 */
export const PROGRAMS = ['one', 'five', 'loop20', 'all20'] as const
export type ProgramName = (typeof PROGRAMS)[number]
export const QUERIES: Readonly<Record<ProgramName, number>> = { one: 1, five: 5, loop20: 20, all20: 20 }
export type Program = () => PromiseLike<unknown>

/** The queries of one ORM. */
interface Queries {
  /** A row by key. */
  one(id: number): PromiseLike<unknown>
  five(id: number): Promise<void>
}

export function programsOf({ one, five }: Queries): Readonly<Record<ProgramName, Program>> {
  const next = keys()
  return {
    one: () => one(next()),
    five: () => five(next()),
    async loop20() {
      for (let at = 0; at < 20; at += 1) await one(next())
    },
    all20: () => Promise.all(Array.from({ length: 20 }, () => one(next()))),
  }
}

/** Keys far apart, so that no two consecutive programs request the same. */
function keys(): () => number {
  let id = 0
  return () => {
    id = (id + 7_919) % ROWS
    return id + 1
  }
}

export function knexPrograms(db: Knex): Readonly<Record<ProgramName, Program>> {
  const one = (id: number) => db('authors').where({ id }).first()
  return programsOf({
    one,
    async five(id) {
      await one(id)
      await db('posts').where({ author_id: id }).orderBy('id').limit(10)
      await db('posts').where({ id }).update({ views: id })
      await db('posts').count({ n: '*' }).where({ author_id: id })
      await db('posts').where({ id }).first()
    },
  })
}

export function prismaPrograms(prisma: PrismaClient): Readonly<Record<ProgramName, Program>> {
  const one = (id: number) => prisma.author.findUnique({ where: { id } })
  return programsOf({
    one,
    async five(id) {
      await one(id)
      await prisma.post.findMany({ where: { authorId: id }, orderBy: { id: 'asc' }, take: 10 })
      await prisma.post.update({ where: { id }, data: { views: id } })
      await prisma.post.count({ where: { authorId: id } })
      await prisma.post.findUnique({ where: { id } })
    },
  })
}
