import type { Random } from '../support/random.ts'
import type { Version } from './messages.ts'
import { type BuilderWrites, NEWER_WRITES } from './newer-writes.ts'
import type { OracleClient } from './oracle-client.ts'
import { ORM_SETS, type OrmName, type OrmSet } from './orms.ts'
import { codeOf, fleetingIds, groupIds, groupOf, groupRow, itemRow, itemsOf, stableIds } from './rows.ts'
import type { Clients } from './subject.ts'

/** The effects of an acknowledged write. */
interface Written {
  /** Rows that have, or have had, these versions. */
  readonly versions?: readonly Version[]
  /** Rows whose versions rose by one, which the write does not return. */
  readonly raised?: readonly string[]
  /** Nothing: it was rolled back. */
  readonly rolledBack?: boolean
}

export interface WriteOperation {
  readonly kind: string
  readonly rows: readonly string[]
  run(clients: Clients): Promise<Written>
}

const ROLLBACK_SHARE = 0.15
const byOne = { increment: 1 }

class Rollback extends Error {}

const SINGLE_WRITES = [prismaUpdate, prismaUpdate, knexUpdate, knexUpdate, prismaUpsert, rawUpdate]

/** A write to rows that always exist. */
export function pickWrite(random: Random, orms: OrmSet): WriteOperation {
  const orm = pickOrm(random, orms)
  return orm === 'kysely' || orm === 'drizzle' ? pickNewer(random, orm) : pickOlder(random)
}

function pickOrm(random: Random, orms: OrmSet): OrmName {
  return random.pick<OrmName>(ORM_SETS[orms])
}

function pickNewer(random: Random, orm: 'kysely' | 'drizzle'): WriteOperation {
  const kind = random.below(100)
  const one = pickSkewed(random, stableIds)
  const group = random.pick(groupIds)
  const raised = itemsOf(group, stableIds).map(itemRow)
  const of = (clients: Clients) => NEWER_WRITES[orm](clients)
  if (kind < 45) return newerUpdate(orm, [one])
  if (kind < 55) return newerUpdate(orm, pickSome(random, 3))
  if (kind < 63) {
    const run = async (clients: Clients) => {
      await of(clients).raiseRaw(one)
      return { raised: [itemRow(one)] }
    }
    return { kind: `${orm} raw`, rows: [itemRow(one)], run }
  }
  if (kind < 70) {
    const run = async (clients: Clients) => {
      await of(clients).raiseAllOf(group)
      return { raised }
    }
    return { kind: `${orm} mass update`, rows: raised, run }
  }
  const groups = random.chance(0.3) ? [group] : []
  return newerTransaction(orm, pickSome(random, 3), groups, random.chance(ROLLBACK_SHARE))
}

function newerUpdate(orm: 'kysely' | 'drizzle', ids: readonly number[]): WriteOperation {
  return {
    kind: `${orm} update`,
    rows: ids.map(itemRow),
    run: async (clients) => ({ versions: versionsOf(await NEWER_WRITES[orm](clients).raise(ids)) }),
  }
}

function newerTransaction(
  orm: 'kysely' | 'drizzle',
  ids: readonly number[],
  groups: readonly number[],
  rollsBack: boolean,
): WriteOperation {
  return {
    kind: `${orm} ${rollsBack ? 'rollback' : 'transaction'}`,
    rows: [...groups.map(groupRow), ...ids.map(itemRow)],
    run: (clients) =>
      orRolledBack(
        NEWER_WRITES[orm](clients).transaction(async (writes: BuilderWrites) => {
          const versions: Version[] = []
          for (const group of groups)
            for (const { id, v } of await writes.raiseGroup(group)) versions.push([groupRow(id), v])
          for (const id of ids) versions.push(...versionsOf(await writes.raise([id])))
          if (rollsBack) throw new Rollback()
          return { versions }
        }),
      ),
  }
}

function pickOlder(random: Random): WriteOperation {
  const kind = random.below(100)
  if (kind < 50) return random.pick(SINGLE_WRITES)(pickSkewed(random, stableIds), random)
  const group = random.pick(groupIds)
  if (kind < 56) return mass(group, random)
  if (kind < 62) return nested(group, random)
  if (kind < 70) return knexUpdateMany(pickSome(random, 3))
  const ids = pickSome(random, 3)
  const groups = random.chance(0.3) ? [group] : []
  const rollsBack = random.chance(ROLLBACK_SHARE)
  if (kind < 80) return prismaTransaction(ids, groups, rollsBack)
  if (kind < 86) return prismaBatch(ids)
  return knexTransaction(ids, groups, rollsBack)
}

function prismaUpdate(id: number): WriteOperation {
  return {
    kind: 'prisma update',
    rows: [itemRow(id)],
    run: async ({ prisma }) => ({
      versions: [[itemRow(id), (await prisma.item.update({ where: { id }, data: { v: byOne } })).v]],
    }),
  }
}

function prismaUpsert(id: number): WriteOperation {
  const create = { id, code: codeOf(id), groupId: groupOf(id), v: 0 }
  return {
    kind: 'prisma upsert',
    rows: [itemRow(id)],
    run: async ({ prisma }) => ({
      versions: [
        [itemRow(id), (await prisma.item.upsert({ where: { id }, update: { v: byOne }, create })).v],
      ],
    }),
  }
}

function knexUpdate(id: number): WriteOperation {
  return { ...knexUpdateMany([id]), kind: 'knex update' }
}

function knexUpdateMany(ids: readonly number[]): WriteOperation {
  return {
    kind: 'knex update in',
    rows: ids.map(itemRow),
    run: async ({ db }) => ({
      versions: versionsOf(
        await db('items')
          .whereIn('id', ids)
          .update({ v: db.raw('v + 1') }, ['id', 'v']),
      ),
    }),
  }
}

function rawUpdate(id: number, random: Random): WriteOperation {
  const byPrisma = random.chance(0.5)
  return {
    kind: byPrisma ? 'prisma raw' : 'knex raw',
    rows: [itemRow(id)],
    run: async ({ prisma, db }) => {
      if (byPrisma) await prisma.$executeRaw`UPDATE items SET v = v + 1 WHERE id = ${id}`
      else await db.raw('UPDATE items SET v = v + 1 WHERE id = ?', [id])
      return { raised: [itemRow(id)] }
    },
  }
}

function mass(group: number, random: Random): WriteOperation {
  const rows = itemsOf(group, stableIds).map(itemRow)
  if (random.chance(0.5)) {
    const where = { groupId: group, id: { lte: stableIds.length } }
    return {
      kind: 'prisma updateMany',
      rows,
      run: async ({ prisma }) => {
        await prisma.item.updateMany({ where, data: { v: byOne } })
        return { raised: rows }
      },
    }
  }
  return {
    kind: 'knex mass update',
    rows,
    run: async ({ db }) => {
      await db('items').where('group_id', group).where('id', '<=', stableIds.length).increment('v', 1)
      return { raised: rows }
    },
  }
}

function nested(group: number, random: Random): WriteOperation {
  const id = random.pick(itemsOf(group, stableIds))
  return {
    kind: 'prisma nested update',
    rows: [groupRow(group), itemRow(id)],
    run: async ({ prisma }) => {
      const { v, items } = await prisma.group.update({
        where: { id: group },
        data: { v: byOne, items: { update: { where: { id }, data: { v: byOne } } } },
        include: { items: { where: { id } } },
      })
      return { versions: [[groupRow(group), v], ...versionsOf(items)] }
    },
  }
}

function prismaTransaction(
  ids: readonly number[],
  groups: readonly number[],
  rollsBack: boolean,
): WriteOperation {
  return {
    kind: rollsBack ? 'prisma rollback' : 'prisma transaction',
    rows: [...groups.map(groupRow), ...ids.map(itemRow)],
    run: ({ prisma }) =>
      orRolledBack(
        prisma.$transaction(async (tx) => {
          const versions: Version[] = []
          for (const id of groups)
            versions.push([groupRow(id), (await tx.group.update({ where: { id }, data: { v: byOne } })).v])
          for (const id of ids)
            versions.push([itemRow(id), (await tx.item.update({ where: { id }, data: { v: byOne } })).v])
          if (rollsBack) throw new Rollback()
          return { versions }
        }),
      ),
  }
}

function prismaBatch(ids: readonly number[]): WriteOperation {
  return {
    kind: 'prisma batch',
    rows: ids.map(itemRow),
    run: async ({ prisma }) => ({
      versions: versionsOf(
        await prisma.$transaction(ids.map((id) => prisma.item.update({ where: { id }, data: { v: byOne } }))),
      ),
    }),
  }
}

function knexTransaction(
  ids: readonly number[],
  groups: readonly number[],
  rollsBack: boolean,
): WriteOperation {
  return {
    kind: rollsBack ? 'knex rollback' : 'knex transaction',
    rows: [...groups.map(groupRow), ...ids.map(itemRow)],
    run: ({ db }) =>
      orRolledBack(
        db.transaction(async (trx) => {
          const versions: Version[] = []
          for (const id of groups) {
            for (const { v } of await trx('groups')
              .where({ id })
              .update({ v: trx.raw('v + 1') }, ['v']))
              versions.push([groupRow(id), v])
          }
          for (const id of ids)
            versions.push(
              ...versionsOf(
                await trx('items')
                  .where({ id })
                  .update({ v: trx.raw('v + 1') }, ['id', 'v']),
              ),
            )
          if (rollsBack) throw new Rollback()
          return { versions }
        }),
      ),
  }
}

/** Two ids of rows that are inserted and deleted: the second is for a change of key. */
export function pickFleeting(random: Random): readonly [number, number] {
  const [id, other] = pickSomeOf(random, fleetingIds, 2) as [number, number]
  return [id, other]
}

/** Inserts, deletes or moves rows that have no other concurrent writer. */
export async function fleetingWrite(
  [id, other]: readonly [number, number],
  random: Random,
  bare: Clients,
  oracle: OracleClient,
  orms: OrmSet,
): Promise<WriteOperation> {
  const there = new Set(
    (await bare.db('items').whereIn('id', [id, other]).select('id')).map(
      (row: { readonly id: number }) => row.id,
    ),
  )
  const orm = pickOrm(random, orms)
  const byPrisma = orm === 'prisma'
  const newer = (clients: Clients) =>
    orm === 'kysely' || orm === 'drizzle' ? NEWER_WRITES[orm](clients) : undefined
  if (!there.has(id)) {
    const v = await oracle.attempt(itemRow(id), false)
    return {
      kind: `${orm} insert`,
      rows: [itemRow(id)],
      run: async (clients) => {
        const { prisma, db } = clients
        const writes = newer(clients)
        if (writes !== undefined) await writes.insert(id, v)
        else if (byPrisma)
          await prisma.item.create({ data: { id, code: codeOf(id), v, groupId: groupOf(id) } })
        else await db('items').insert({ id, code: codeOf(id), v, group_id: groupOf(id) })
        return { versions: [[itemRow(id), v]] }
      },
    }
  }
  const gone = await oracle.attempt(itemRow(id), true)
  if (there.has(other) || random.chance(0.5)) {
    return {
      kind: `${orm} delete`,
      rows: [itemRow(id)],
      run: async (clients) => {
        const { prisma, db } = clients
        const writes = newer(clients)
        if (writes !== undefined) await (random.chance(0.5) ? writes.remove(id) : writes.removeByCode(id))
        else if (byPrisma)
          await (random.chance(0.5)
            ? prisma.item.delete({ where: { id } })
            : prisma.item.deleteMany({ where: { code: codeOf(id) } }))
        else
          await db('items')
            .where(random.chance(0.5) ? { id } : { code: codeOf(id) })
            .delete()
        return { versions: [[itemRow(id), gone]] }
      },
    }
  }
  const v = await oracle.attempt(itemRow(other), false)
  return {
    kind: `${orm} key change`,
    rows: [itemRow(id), itemRow(other)],
    run: async (clients) => {
      const { prisma, db } = clients
      const writes = newer(clients)
      if (writes !== undefined) await writes.move(id, other, v)
      else if (byPrisma)
        await prisma.item.update({
          where: { id },
          data: { id: other, code: codeOf(other), v, groupId: groupOf(other) },
        })
      else
        await db('items')
          .where({ id })
          .update({ id: other, code: codeOf(other), v, group_id: groupOf(other) })
      return {
        versions: [
          [itemRow(id), gone],
          [itemRow(other), v],
        ],
      }
    },
  }
}

async function orRolledBack(transaction: Promise<Written>): Promise<Written> {
  try {
    return await transaction
  } catch (error) {
    if (error instanceof Rollback) return { rolledBack: true }
    throw error
  }
}

function versionsOf(items: readonly { readonly id: number; readonly v: number }[]): Version[] {
  return items.map(({ id, v }) => [itemRow(id), v])
}

function pickSkewed(random: Random, ids: readonly number[]): number {
  return ids[Math.floor(random.next() ** 2 * ids.length)] as number
}

/** From one to `max` stable ids, ascending: all writers lock rows in one order. */
function pickSome(random: Random, max: number): number[] {
  return pickSomeOf(random, stableIds, 1 + random.below(max)).sort((left, right) => left - right)
}

function pickSomeOf(random: Random, ids: readonly number[], count: number): number[] {
  const picked = new Set<number>()
  while (picked.size < count) picked.add(random.pick(ids))
  return [...picked]
}
