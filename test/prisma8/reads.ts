import { strictEqual } from 'node:assert'
import type { Db, World } from './world.ts'

export const cached = { cache: { ttl: 300 } } as const
export const range = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
export const postById = (id: number) => (db: Db) => db.orm.public.Post.first({ id })
export const posts = (count: number) => (db: Db) => Promise.all(range(count).map((id) => postById(id)(db)))

/** Reads until the result is served from the cache. */
export async function warm(world: World, act: (db: Db) => Promise<unknown>): Promise<void> {
  await world.ready()
  await world.inScope(act)
  strictEqual((await world.inScope(act)).report.queries, 0, 'statements for a read that is cached')
}
