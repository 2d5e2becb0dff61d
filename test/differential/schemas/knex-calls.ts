import fc from 'fast-check'
import type { PrismaModel } from '../../../packages/prisma/src/schema/prisma-model.ts'
import { type Chain, hole, type KnexCall, type Loop, type Order } from '../program.ts'
import type { Ground } from '../vocabulary.ts'
import type { Subject } from './subjects.ts'
import { isInKey } from './values.ts'

/** A model's table as Knex sees it. */
export interface KnexTable {
  readonly name: string
  readonly key: readonly string[]
  readonly columns: readonly string[]
  /** A column with few distinct values. */
  readonly plain: string
}

export function knexTable(model: PrismaModel, { schema }: Ground): KnexTable {
  const columns = [...model.columns.values()]
  const plain = [...model.columns].find(([field]) => field === 'plain' || !isInKey(model, field))?.[1]
  return {
    name: schema.catalog.tables.get(model.table)?.name ?? model.name,
    key: model.primaryKey.map((field) => columnOf(model, field)),
    columns,
    plain: plain ?? columns[0] ?? '',
  }
}

export function columnOf(model: PrismaModel, field: string): string {
  return model.column(field) ?? field
}

/** A select by the subject's key, with a hole for each of its values. */
export function knexCall(subject: Subject, ground: Ground): fc.Arbitrary<KnexCall> {
  const table = knexTable(subject.model, ground)
  const columns = subject.fields.map((field) => columnOf(subject.model, field))
  return fc
    .constantFrom(table.name, table.name, table.name, `${table.name} as t`)
    .filter((name) => !/\s/.test(table.name) || name === table.name)
    .chain((name) =>
      fc.tuple(
        fc.constant(name),
        filters(columns, table, name === table.name ? table.name : 't'),
        endings(table),
      ),
    )
    .map(([name, filter, { chain, order }]) => ({
      orm: 'knex',
      table: name,
      chain: [...filter, ...chain],
      order,
    }))
}

/** A listing of a table's rows in a total order. */
export function knexListing(model: PrismaModel, ground: Ground): fc.Arbitrary<KnexCall> {
  const { name, key, plain } = knexTable(model, ground)
  const ordered: Chain = key.map((column) => ['orderBy', column] as const)
  return fc
    .constantFrom<Chain>(
      ordered,
      ordered,
      [...ordered, ['limit', 8]],
      [['whereNotNull', plain], ...ordered],
      [['orderBy', plain, 'desc'], ...ordered],
    )
    .map((chain) => ({ orm: 'knex', table: name, chain, order: 'total' }))
}

/** Whole tables, including those of implicit many-to-many relations. */
export function knexViews(ground: Ground): fc.Arbitrary<Loop> {
  const views = [...ground.schema.catalog.tables.values()].flatMap(({ name, columns }): KnexCall[] => [
    { orm: 'knex', table: name, chain: [], order: 'none' },
    {
      orm: 'knex',
      table: name,
      chain: [
        ['count', '* as n'],
        ['groupBy', columns[0]?.name ?? ''],
      ],
      order: 'none',
    },
  ])
  return fc.constantFrom(...views).map((view): Loop => ({ call: view, keys: [0] }))
}

function filters(
  columns: readonly string[],
  { name, key, plain }: KnexTable,
  alias: string,
): fc.Arbitrary<Chain> {
  const [column = '', ...others] = columns
  if (others.length > 0) {
    const object = Object.fromEntries(columns.map((each, at) => [each, hole(at)]))
    return fc.constantFrom<Chain>(
      [['where', object]],
      columns.map((each, at) => [at === 0 ? 'where' : 'andWhere', each, hole(at)] as const),
    )
  }
  const qualified: Chain[] =
    alias === name && /[\s.]/.test(name) ? [] : [[['where', `${alias}.${column}`, hole()]]]
  const forms: Chain[] = [
    [['where', column, hole()]],
    [['where', { [column]: hole() }]],
    ...qualified,
    [['where', column, '=', hole()]],
  ]
  const rare: Chain[] = [
    [['whereIn', column, [hole()]]],
    [['whereNot', column, hole()]],
    [
      ['where', column, hole()],
      ['whereNotNull', plain],
    ],
    [
      ['where', column, hole()],
      ['orWhereNull', key[0] ?? column],
    ],
  ]
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...forms) },
    { weight: 1, arbitrary: fc.constantFrom(...rare) },
  )
}

function endings({
  key,
  columns,
  plain,
}: KnexTable): fc.Arbitrary<{ readonly chain: Chain; readonly order: Order }> {
  const total: Chain = key.map((column) => ['orderBy', column] as const)
  const totals: Chain[] = [total, total, [['orderBy', plain, 'desc'], ...total]]
  const selected: Chain[] = [
    [],
    [],
    [],
    [['select', ...columns]],
    [['select', plain]],
    [['columns', columns.slice(1)]],
    [['select', '*']],
    ...(columns.some((column) => /\s/.test(column))
      ? []
      : [[['select', ...columns.map((column) => `${column} as ${column}_`)]] as Chain]),
  ]
  const parts = fc.tuple(fc.constantFrom(...selected), fc.constantFrom(...totals))
  const partial: Chain[] = [
    [],
    [['orderBy', plain]],
    ...columns.map((column): Chain => [['orderBy', column, 'desc']]),
  ]
  const open = fc.tuple(fc.constantFrom(...selected), fc.constantFrom(...partial))
  const with_ =
    (order: Order, last: Chain) =>
    ([select, ordered]: readonly [Chain, Chain]) => ({ chain: [...select, ...ordered, ...last], order })
  const counts = fc.constantFrom<Chain>(
    [['count', '* as n']],
    [['count', { n: '*' }]],
    [['count', plain]],
    [['count', '* as n'], ['first']],
  )
  const others = fc.constantFrom<Chain>(
    [...total, ['pluck', plain]],
    [...total, ['limit', 2]],
    [...total, ['limit', 1]],
    [['max', `${plain} as m`], ['first']],
    [
      ['distinct', plain],
      ['orderBy', plain],
    ],
  )
  return fc.oneof<fc.MaybeWeightedArbitrary<{ readonly chain: Chain; readonly order: Order }>[]>(
    { weight: 5, arbitrary: parts.map(with_('total', [])) },
    { weight: 2, arbitrary: open.map(with_('none', [])) },
    { weight: 3, arbitrary: parts.map(with_('total', [['first']])) },
    { weight: 2, arbitrary: open.map(with_('doubtful', [['first']])) },
    { weight: 1, arbitrary: open.map(with_('doubtful', [['limit', 2]])) },
    { weight: 3, arbitrary: counts.map((chain) => ({ chain, order: 'none' })) },
    { weight: 1, arbitrary: others.map((chain) => ({ chain, order: /\s/.test(plain) ? 'none' : 'total' })) },
  )
}
