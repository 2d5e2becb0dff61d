import { asc, eq, inArray, sum } from 'drizzle-orm'
import { groups, items, type NewerClients } from './newer-clients.ts'
import { codeOf, itemsOf, stableIds } from './rows.ts'

export interface Item {
  readonly id: number
  readonly v: number
}

/** Reads of one ORM. Each finds the versions of rows. */
export interface BuilderReads {
  byId(id: number): PromiseLike<Item | undefined>
  byCode(id: number): PromiseLike<Item | undefined>
  byIds(ids: readonly number[]): PromiseLike<readonly Item[]>
  list(group: number): PromiseLike<readonly Item[]>
  joined(group: number): PromiseLike<readonly Item[]>
  sum(group: number): PromiseLike<string | null | undefined>
}

export function kyselyReads({ kysely: db }: NewerClients): BuilderReads {
  return {
    byId: (id) => db.selectFrom('items').selectAll().where('id', '=', id).limit(1).executeTakeFirst(),
    byCode: (id) =>
      db.selectFrom('items').select(['id', 'v']).where('code', '=', codeOf(id)).executeTakeFirst(),
    byIds: (ids) => db.selectFrom('items').select(['id', 'v']).where('id', 'in', ids).execute(),
    list: (group) => db.selectFrom('items').selectAll().where('group_id', '=', group).orderBy('id').execute(),
    joined: (group) =>
      db
        .selectFrom('items')
        .innerJoin('groups', 'groups.id', 'items.group_id')
        .where('groups.id', '=', group)
        .select(['items.id', 'items.v'])
        .execute(),
    sum: async (group) => {
      const row = await db
        .selectFrom('items')
        .where('group_id', '=', group)
        .where('id', 'in', itemsOf(group, stableIds))
        .select((eb) => eb.fn.sum<string | null>('v').as('total'))
        .executeTakeFirst()
      return row?.total
    },
  }
}

export function drizzleReads({ drizzle: db }: NewerClients): BuilderReads {
  const versions = { id: items.id, v: items.v }
  return {
    byId: (id) => db.query.items.findFirst({ where: eq(items.id, id) }),
    byCode: async (id) => {
      const [row] = await db
        .select(versions)
        .from(items)
        .where(eq(items.code, codeOf(id)))
      return row
    },
    byIds: (ids) =>
      db
        .select(versions)
        .from(items)
        .where(inArray(items.id, [...ids])),
    list: (group) => db.select().from(items).where(eq(items.groupId, group)).orderBy(asc(items.id)),
    joined: (group) =>
      db
        .select(versions)
        .from(items)
        .innerJoin(groups, eq(groups.id, items.groupId))
        .where(eq(groups.id, group)),
    sum: async (group) => {
      const [row] = await db
        .select({ total: sum(items.v) })
        .from(items)
        .where(inArray(items.id, itemsOf(group, stableIds)))
      return row?.total
    },
  }
}
