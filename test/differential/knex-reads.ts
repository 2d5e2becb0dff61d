import fc from 'fast-check'
import {
  BIG_IDS,
  COMMENT_IDS,
  COUNTRY_CODES,
  emails,
  type Keys,
  labels,
  looseIntegers,
  looseTexts,
  ODD_BIG_IDS,
  ODD_CODES,
  someOf,
} from './keys.ts'
import { compositeLoop } from './knex-composites.ts'
import { endings, type Table } from './knex-endings.ts'
import { type Chain, hole, type KnexCall, type Loop } from './program.ts'

const big = someOf(BIG_IDS, [...ODD_BIG_IDS, 1, 2, '9007199254740995', '1'])

/** SQLite compares strings with 7 as '7.0', and with 7n as '7'. */
const NUMBERS_OF_TEXT = someOf([7, 7n, 1])

const TABLES: readonly Table[] = [
  {
    name: 'posts',
    unique: ['id'],
    plain: 'views',
    columns: ['id', 'slug', 'title', 'created_at', 'author_id'],
    keys: {
      id: looseIntegers(14),
      author_id: looseIntegers(10),
      editor_id: looseIntegers(5),
      views: looseIntegers(6),
    },
  },
  {
    name: 'authors',
    unique: ['id'],
    plain: 'country_code',
    columns: ['id', 'email', 'full_name', 'followers'],
    keys: {
      id: looseIntegers(12),
      email: looseTexts(emails),
      country_code: someOf(COUNTRY_CODES, ODD_CODES),
      active: someOf([true, false, 1, 0]),
      born: someOf([new Date(Date.UTC(1980, 0, 1)), new Date(Date.UTC(1982, 0, 1)), null]),
    },
  },
  {
    name: 'comments',
    unique: ['id'],
    plain: 'score',
    columns: ['id', 'body', 'post_id'],
    keys: { id: looseTexts(someOf(COMMENT_IDS)), post_id: looseIntegers(13), author_id: looseIntegers(7) },
  },
  {
    name: 'Tag',
    unique: ['id'],
    plain: 'label',
    columns: ['id', 'label'],
    keys: { id: looseIntegers(5), label: fc.oneof(looseTexts(labels), NUMBERS_OF_TEXT) },
  },
  {
    name: 'memberships',
    unique: ['org_id', 'user_id'],
    plain: 'role',
    columns: ['user_id', 'org_id', 'role'],
    keys: { org_id: someOf(['o1', 'o2'], ['O1', 'o3']), user_id: looseIntegers(3) },
  },
  {
    name: 'Employee',
    unique: ['id'],
    plain: 'grade',
    columns: ['id', 'name', 'manager_id'],
    keys: { id: looseIntegers(6), manager_id: looseIntegers(3) },
  },
  { name: 'Device', unique: ['id'], plain: 'name', columns: ['id', 'name'], keys: { id: big } },
  {
    name: 'readings',
    unique: ['id'],
    plain: 'value',
    columns: ['id', 'value'],
    keys: { device_id: big, value: someOf([0, 0.5, 1, 2]) },
  },
]

interface Subject {
  readonly table: Table
  readonly column: string
  readonly keys: Keys
}

const SUBJECTS: readonly Subject[] = TABLES.flatMap((table) =>
  Object.entries(table.keys).map(([column, keys]) => ({ table, column, keys })),
)

function filters({ table, column }: Subject, alias: string): fc.Arbitrary<Chain> {
  const forms: Chain[] = [
    [['where', column, hole()]],
    [['where', { [column]: hole() }]],
    [['where', `${alias}.${column}`, hole()]],
    [['where', column, '=', hole()]],
    [['andWhere', column, hole()]],
  ]
  const others: Chain[] = [
    [['whereIn', column, [hole()]]],
    [['whereNot', column, hole()]],
    [['where', column, '>', hole()]],
    [
      ['where', column, hole()],
      ['whereNotNull', table.plain],
    ],
    [
      ['where', column, hole()],
      ['orWhere', table.unique[0] ?? '', 1],
    ],
    [['where', { [column]: hole(), [table.plain]: 3 }]],
    [['whereNull', column]],
  ]
  const single = fc.constantFrom(...forms)
  const beside = fc
    .tuple(single, constants(table), fc.boolean())
    .map(([key, constant, isFirst]) => (isFirst ? [...constant, ...key] : [...key, ...constant]))
  return fc.oneof(
    { weight: 4, arbitrary: single },
    { weight: 2, arbitrary: beside },
    { weight: 1, arbitrary: fc.oneof(single, beside).chain(grouped) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )
}

/** The conditions, or all but the first, in one or two levels of groups. */
function grouped(chain: Chain): fc.Arbitrary<Chain> {
  const [first, ...rest] = chain
  return fc.constantFrom<Chain>(
    [['where', group(chain)]],
    [['where', group([['where', group(chain)]])]],
    first === undefined || rest.length === 0 ? [['andWhere', group(chain)]] : [first, ['where', group(rest)]],
    [['where', group([...chain, ['orWhere', group(chain)]])]],
  )
}

function group(chain: Chain): unknown {
  return { $group: chain }
}

/** Conditions in addition to the key, the same for each key. */
function constants({ plain, unique, keys }: Table): fc.Arbitrary<Chain> {
  const [first = plain] = unique
  const other = Object.keys(keys).at(-1) ?? plain
  return fc.constantFrom<Chain>(
    [['whereNotNull', plain]],
    [['whereNull', other]],
    [['where', { [plain]: 3 }]],
    [['where', plain, '<>', '3']],
    [['where', other, '>', 1]],
    [['whereIn', plain, [1, 2, 3, 7]]],
    [['whereNotIn', other, [1, 2]]],
    [['whereBetween', plain, [1, 7]]],
    [['whereNot', first, 2]],
    [['where', first, 'like', '%1%']],
    [
      ['where', other, '=', null],
      ['whereNotNull', first],
    ],
  )
}

const JOINS: readonly { readonly call: KnexCall; readonly keys: Keys }[] = [
  {
    call: {
      orm: 'knex',
      table: 'posts',
      chain: [
        ['join', 'authors', 'authors.id', 'posts.author_id'],
        ['where', 'authors.id', hole()],
        ['select', 'posts.title', 'authors.full_name'],
        ['orderBy', 'posts.id'],
      ],
      order: 'total',
    },
    keys: looseIntegers(9),
  },
  {
    call: {
      orm: 'knex',
      table: 'Tag',
      chain: [
        ['leftJoin', '_PostToTag', '_PostToTag.B', 'Tag.id'],
        ['where', '_PostToTag.A', hole()],
        ['select', 'Tag.label'],
        ['orderBy', 'Tag.id'],
      ],
      order: 'total',
    },
    keys: looseIntegers(3),
  },
]

/** Loops of builders over given keys, and over the results of a listing. */
export function knexLoop(): fc.Arbitrary<Loop> {
  const keyed = fc
    .constantFrom(...SUBJECTS)
    .chain((subject) => fc.record({ call: callOf(subject), keys: subject.keys }))
  const joined = fc
    .constantFrom(...JOINS)
    .chain(({ call, keys }) => fc.record({ call: fc.constant(call), keys }))
  const walking = fc
    .constantFrom(
      ['posts', 'author_id', 'authors', 'id'],
      ['posts', 'editor_id', 'authors', 'id'],
      ['authors', 'id', 'posts', 'author_id'],
      ['authors', 'country_code', 'authors', 'country_code'],
    )
    .chain(([from = '', field = '', to, column]) => {
      const subject = SUBJECTS.find((candidate) => candidate.table.name === to && candidate.column === column)
      if (subject === undefined) throw new Error(`Expected the table ${to} to be queried by ${column}.`)
      const listing: KnexCall = {
        orm: 'knex',
        table: from,
        chain: [
          ['orderBy', 'id'],
          ['limit', 8],
        ],
        order: 'total',
      }
      return fc.record({ call: callOf(subject), keys: fc.constant({ listing, field }) })
    })
  return fc.oneof(
    { weight: 8, arbitrary: keyed },
    { weight: 2, arbitrary: compositeLoop() },
    { weight: 1, arbitrary: joined },
    { weight: 2, arbitrary: walking },
  )
}

function callOf(subject: Subject): fc.Arbitrary<KnexCall> {
  const { name } = subject.table
  return fc
    .constantFrom(name, name, `${name} as t`)
    .chain((table) =>
      fc.tuple(
        fc.constant(table),
        filters(subject, table === name ? name : 't'),
        endings(subject.table, subject.column),
      ),
    )
    .map(([table, filter, { chain, order }]) => ({ orm: 'knex', table, chain: [...filter, ...chain], order }))
}

const VIEWS: readonly KnexCall[] = [
  { orm: 'knex', table: 'posts', chain: [['orderBy', 'id']], order: 'total' },
  { orm: 'knex', table: 'comments', chain: [['orderBy', 'id']], order: 'total' },
  { orm: 'knex', table: 'Badge', chain: [['orderBy', 'id']], order: 'total' },
  { orm: 'knex', table: '_PostToTag', chain: [['orderBy', ['A', 'B']]], order: 'total' },
  {
    orm: 'knex',
    table: 'authors',
    chain: [
      ['count', '* as n'],
      ['max', 'id as m'],
      ['groupBy', 'country_code'],
    ],
    order: 'none',
  },
  {
    orm: 'knex',
    table: 'tasks',
    chain: [
      [
        'leftJoin',
        'memberships',
        { 'memberships.org_id': 'tasks.org_id', 'memberships.user_id': 'tasks.owner_id' },
      ],
      ['orderBy', 'tasks.id'],
    ],
    order: 'total',
  },
]

/** Whole tables, which almost every write invalidates. */
export function knexView(): fc.Arbitrary<Loop> {
  return fc.constantFrom(...VIEWS).map((call) => ({ call, keys: [0] }))
}
