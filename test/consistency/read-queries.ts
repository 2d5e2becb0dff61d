import type { Random } from '../support/random.ts'
import { type BuilderReads, drizzleReads, type Item, kyselyReads } from './newer-reads.ts'
import type { RowSeen, TotalSeen } from './oracle.ts'
import type { OrmName } from './orms.ts'
import { codeOf, fleetingIds, groupIds, groupRow, itemRow, itemsOf, stableIds } from './rows.ts'
import type { Clients } from './subject.ts'

interface Shown {
  readonly rows: readonly RowSeen[]
  readonly total?: TotalSeen
}

/** A query whose result shows the versions of rows. */
export interface ReadQuery {
  readonly kind: string
  /** Identifies the query. */
  readonly name: string
  /** The rows that its result depends on. */
  readonly rows: readonly string[]
  run(clients: Clients): Promise<unknown>
  shows(answer: never): Shown
}

type MaybeItem = Item | null | undefined

const itemIds = [...stableIds, ...fleetingIds]
const THRESHOLDS = Array.from({ length: 40 }, (_, index) => Math.ceil(1.3 ** index) + 1)
/** Number of ids that are requested together. */
const CHUNK = 4

/** By kind, whose first word is the ORM. */
const READ_QUERIES: ReadonlyMap<string, readonly ReadQuery[]> = new Map(
  Object.entries({
    'prisma findUnique': itemIds.map((id) =>
      ofItem(id, ({ prisma }) => prisma.item.findUnique({ where: { id } })),
    ),
    'prisma findFirst': itemIds.map((id) =>
      ofItem(id, ({ prisma }) => prisma.item.findFirst({ where: { id }, select: { id: true, v: true } })),
    ),
    'knex first': itemIds.map((id) => ofItem(id, ({ db }) => db('items').where({ id }).first())),
    'prisma by code': itemIds.map((id) =>
      ofItem(id, ({ prisma }) => prisma.item.findUnique({ where: { code: codeOf(id) } })),
    ),
    'knex by code': itemIds.map((id) =>
      ofItem(id, ({ db }) => db('items').where('code', codeOf(id)).first('id', 'v')),
    ),
    'prisma id in': chunks().map((ids) =>
      ofItems(`${ids}`, ids, ({ prisma }) => prisma.item.findMany({ where: { id: { in: [...ids] } } })),
    ),
    'knex id in': chunks().map((ids) =>
      ofItems(`${ids}`, ids, ({ db }) => db('items').whereIn('id', ids).select('id', 'v')),
    ),
    'prisma group': groupIds.map((id) =>
      ofGroup(id, ({ prisma }) => prisma.group.findUnique({ where: { id } })),
    ),
    'prisma include': groupIds.map(withItems),
    'prisma list': groupIds.map((group) =>
      ofItems(`${group}`, itemsOf(group), ({ prisma }) =>
        prisma.item.findMany({ where: { groupId: group }, orderBy: { id: 'asc' } }),
      ),
    ),
    'knex list': groupIds.map((group) =>
      ofItems(`${group}`, itemsOf(group), ({ db }) => db('items').where('group_id', group).orderBy('id')),
    ),
    'knex join': groupIds.map((group) =>
      ofItems(`${group}`, itemsOf(group), ({ db }) =>
        db('items')
          .join('groups', 'groups.id', 'items.group_id')
          .where('groups.id', group)
          .select('items.id', 'items.v'),
      ),
    ),
    'prisma all': [
      ofItems('all', itemIds, ({ prisma }) => prisma.item.findMany({ select: { id: true, v: true } })),
    ],
    'knex sum': groupIds.map(knexSum),
    ...builderReads('kysely', kyselyReads),
    ...builderReads('drizzle', drizzleReads),
    'prisma count': groupIds.flatMap((group) => THRESHOLDS.map((atLeast) => countOf(group, atLeast))),
  } satisfies Record<string, readonly Omit<ReadQuery, 'kind'>[]>).map(([kind, queries]) => [
    kind,
    queries.map((query) => ({ ...query, kind, name: `${kind} ${query.name}` })),
  ]),
)

const WEIGHTS: readonly (readonly [kind: string, weight: number])[] = [
  ['prisma findUnique', 24],
  ['prisma findFirst', 10],
  ['knex first', 22],
  ['prisma by code', 8],
  ['knex by code', 6],
  ['prisma id in', 4],
  ['knex id in', 4],
  ['prisma group', 5],
  ['prisma include', 4],
  ['prisma list', 3],
  ['knex list', 3],
  ['knex join', 2],
  ['prisma all', 1],
  ['knex sum', 2],
  ['prisma count', 2],
  ...(['kysely', 'drizzle'] as const).flatMap((orm) =>
    (
      [
        ['by id', 28],
        ['by code', 8],
        ['id in', 4],
        ['list', 3],
        ['join', 2],
        ['sum', 2],
      ] as const
    ).map(([kind, weight]) => [`${orm} ${kind}`, weight] as const),
  ),
]

/** The queries of some ORMs. */
export class ReadQueries {
  readonly all: readonly ReadQuery[]
  readonly #drawn: readonly (readonly ReadQuery[])[]

  constructor(orms: readonly OrmName[]) {
    const isUsed = (kind: string) => orms.some((orm) => kind.startsWith(`${orm} `))
    this.all = [...READ_QUERIES.values()].flat().filter(({ kind }) => isUsed(kind))
    this.#drawn = WEIGHTS.flatMap(([kind, weight]) =>
      isUsed(kind) ? Array.from({ length: weight }, () => READ_QUERIES.get(kind) ?? []) : [],
    )
  }

  /** Some queries run far more often than others. */
  pick(random: Random): ReadQuery {
    const queries = random.pick(this.#drawn)
    return queries[Math.floor(random.next() ** 2 * queries.length)] as ReadQuery
  }

  /** The names of all queries whose results may change with these rows. */
  namesTouching(rows: readonly string[]): string[] {
    return this.all.flatMap(({ name, rows: shown }) =>
      shown.some((row) => rows.includes(row)) ? [name] : [],
    )
  }
}

type Unnamed = Omit<ReadQuery, 'kind'>

function ofItem(id: number, run: (clients: Clients) => PromiseLike<MaybeItem>): Unnamed {
  return {
    name: `${id}`,
    rows: [itemRow(id)],
    run: async (clients) => run(clients),
    shows: (answer: MaybeItem) => ({ rows: [[itemRow(id), answer?.v ?? null]] }),
  }
}

function ofGroup(id: number, run: (clients: Clients) => PromiseLike<{ readonly v: number } | null>): Unnamed {
  return {
    name: `${id}`,
    rows: [groupRow(id)],
    run: async (clients) => run(clients),
    shows: (answer: { readonly v: number }) => ({ rows: [[groupRow(id), answer.v]] }),
  }
}

function ofItems(
  name: string,
  ids: readonly number[],
  run: (clients: Clients) => PromiseLike<readonly Item[]>,
): Unnamed {
  return {
    name,
    rows: ids.map(itemRow),
    run: async (clients) => run(clients),
    shows: (answer: readonly Item[]) => ({ rows: rowsOf(ids, answer) }),
  }
}

function withItems(group: number): Unnamed {
  const ids = itemsOf(group)
  return {
    name: `${group}`,
    rows: [groupRow(group), ...ids.map(itemRow)],
    run: ({ prisma }) =>
      prisma.group.findUnique({ where: { id: group }, include: { items: { orderBy: { id: 'asc' } } } }),
    shows: (answer: { readonly v: number; readonly items: readonly Item[] }) => ({
      rows: [[groupRow(group), answer.v], ...rowsOf(ids, answer.items)],
    }),
  }
}

function builderReads(
  orm: 'kysely' | 'drizzle',
  readsOf: (clients: Clients) => BuilderReads,
): Record<string, readonly Unnamed[]> {
  return {
    [`${orm} by id`]: itemIds.map((id) => ofItem(id, (clients) => readsOf(clients).byId(id))),
    [`${orm} by code`]: itemIds.map((id) => ofItem(id, (clients) => readsOf(clients).byCode(id))),
    [`${orm} id in`]: chunks().map((ids) => ofItems(`${ids}`, ids, (clients) => readsOf(clients).byIds(ids))),
    [`${orm} list`]: groupIds.map((group) =>
      ofItems(`${group}`, itemsOf(group), (clients) => readsOf(clients).list(group)),
    ),
    [`${orm} join`]: groupIds.map((group) =>
      ofItems(`${group}`, itemsOf(group), (clients) => readsOf(clients).joined(group)),
    ),
    [`${orm} sum`]: groupIds.map((group) =>
      sumOf(group, async (clients) => ({ total: await readsOf(clients).sum(group) })),
    ),
  }
}

function knexSum(group: number): Unnamed {
  return sumOf(group, async ({ db }) =>
    db('items').where('group_id', group).whereIn('id', itemsOf(group, stableIds)).sum({ total: 'v' }).first(),
  )
}

function sumOf(group: number, run: Unnamed['run']): Unnamed {
  const rows = itemsOf(group, stableIds).map(itemRow)
  return {
    name: `${group}`,
    rows,
    run,
    shows: ({ total }: { readonly total: string }) => ({
      rows: [],
      total: { of: 'sum', name: `sum ${group}`, rows, value: Number(total) },
    }),
  }
}

function countOf(group: number, atLeast: number): Unnamed {
  const rows = itemsOf(group, stableIds).map(itemRow)
  return {
    name: `${group} from ${atLeast}`,
    rows,
    run: ({ prisma }) =>
      prisma.item.count({ where: { groupId: group, id: { lte: stableIds.length }, v: { gte: atLeast } } }),
    shows: (value: number) => ({
      rows: [],
      total: { of: { atLeast }, name: `count ${group} from ${atLeast}`, rows, value },
    }),
  }
}

function rowsOf(ids: readonly number[], items: readonly Item[]): RowSeen[] {
  const versions = new Map(items.map(({ id, v }) => [id, v]))
  return ids.map((id) => [itemRow(id), versions.get(id) ?? null])
}

function chunks(): (readonly number[])[] {
  return Array.from({ length: itemIds.length / CHUNK }, (_, index) =>
    itemIds.slice(index * CHUNK, (index + 1) * CHUNK),
  )
}
