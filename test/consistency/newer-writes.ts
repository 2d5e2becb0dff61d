import { and, eq, inArray, lte, sql } from 'drizzle-orm'
import { sql as kyselySql } from 'kysely'
import { groups, items, type NewerClients } from './newer-clients.ts'
import type { Item } from './newer-reads.ts'
import { codeOf, groupOf, stableIds } from './rows.ts'

/** Writes of one ORM, which return the versions of the rows if the SQL can. */
export interface BuilderWrites {
  raise(ids: readonly number[]): Promise<readonly Item[]>
  raiseGroup(id: number): Promise<readonly Item[]>
  /** The stable rows of a group. */
  raiseAllOf(group: number): PromiseLike<unknown>
  raiseRaw(id: number): PromiseLike<unknown>
  insert(id: number, v: number): PromiseLike<unknown>
  remove(id: number): PromiseLike<unknown>
  removeByCode(id: number): PromiseLike<unknown>
  move(id: number, other: number, v: number): PromiseLike<unknown>
  transaction<T>(work: (writes: BuilderWrites) => Promise<T>): Promise<T>
}

type Kysely = NewerClients['kysely']
type Drizzle = NewerClients['drizzle']

export const NEWER_WRITES: Readonly<Record<'kysely' | 'drizzle', (clients: NewerClients) => BuilderWrites>> =
  {
    kysely: ({ kysely }) => kyselyWrites(kysely),
    drizzle: ({ drizzle }) => drizzleWrites(drizzle),
  }

function kyselyWrites(db: Kysely): BuilderWrites {
  return {
    raise: (ids) =>
      db
        .updateTable('items')
        .set((eb) => ({ v: eb('v', '+', 1) }))
        .where('id', 'in', ids)
        .returning(['id', 'v'])
        .execute(),
    raiseGroup: (id) =>
      db
        .updateTable('groups')
        .set((eb) => ({ v: eb('v', '+', 1) }))
        .where('id', '=', id)
        .returning(['id', 'v'])
        .execute(),
    raiseAllOf: (group) =>
      db
        .updateTable('items')
        .set((eb) => ({ v: eb('v', '+', 1) }))
        .where('group_id', '=', group)
        .where('id', '<=', stableIds.length)
        .execute(),
    raiseRaw: (id) => kyselySql`UPDATE items SET v = v + 1 WHERE id = ${id}`.execute(db),
    insert: (id, v) =>
      db
        .insertInto('items')
        .values({ id, code: codeOf(id), v, group_id: groupOf(id) })
        .execute(),
    remove: (id) => db.deleteFrom('items').where('id', '=', id).execute(),
    removeByCode: (id) => db.deleteFrom('items').where('code', '=', codeOf(id)).execute(),
    move: (id, other, v) =>
      db
        .updateTable('items')
        .set({ id: other, code: codeOf(other), v, group_id: groupOf(other) })
        .where('id', '=', id)
        .execute(),
    transaction: (work) => db.transaction().execute((inner) => work(kyselyWrites(inner))),
  }
}

function drizzleWrites(db: Drizzle): BuilderWrites {
  const one = sql`${items.v} + 1`
  return {
    raise: async (ids) =>
      db
        .update(items)
        .set({ v: one })
        .where(inArray(items.id, [...ids]))
        .returning({ id: items.id, v: items.v }),
    raiseGroup: async (id) =>
      db
        .update(groups)
        .set({ v: sql`${groups.v} + 1` })
        .where(eq(groups.id, id))
        .returning(),
    raiseAllOf: (group) =>
      db
        .update(items)
        .set({ v: one })
        .where(and(eq(items.groupId, group), lte(items.id, stableIds.length))),
    raiseRaw: (id) => db.execute(sql`UPDATE items SET v = v + 1 WHERE id = ${id}`),
    insert: (id, v) => db.insert(items).values({ id, code: codeOf(id), v, groupId: groupOf(id) }),
    remove: (id) => db.delete(items).where(eq(items.id, id)),
    removeByCode: (id) => db.delete(items).where(eq(items.code, codeOf(id))),
    move: (id, other, v) =>
      db
        .update(items)
        .set({ id: other, code: codeOf(other), v, groupId: groupOf(other) })
        .where(eq(items.id, id)),
    transaction: (work) => db.transaction((inner) => work(drizzleWrites(inner as unknown as Drizzle))),
  }
}
