import fc from 'fast-check'
import { type Keys, someOf } from './keys.ts'
import { endings, type Table } from './knex-endings.ts'
import { type Chain, hole, type KnexCall, type Loop } from './program.ts'

interface Composite {
  readonly table: Table
  readonly columns: readonly [string, string]
  readonly keys: Keys
}

const MEMBERS = [
  ['o1', 1],
  ['o1', 2],
  ['o2', 1],
  ['o2', 3],
] as const

const COMPOSITES: readonly Composite[] = [
  {
    table: {
      name: 'memberships',
      unique: ['org_id', 'user_id'],
      plain: 'role',
      columns: ['user_id', 'org_id', 'role'],
      keys: {},
    },
    columns: ['org_id', 'user_id'],
    keys: fc.oneof(
      { weight: 3, arbitrary: someOf(MEMBERS) },
      {
        weight: 1,
        arbitrary: someOf(MEMBERS, [
          ['o1', 3],
          ['O1', 1],
          ['o1', '1'],
          ['o2', '03'],
          ['o1', null],
          [1, 1],
        ]),
      },
    ),
  },
  {
    table: { name: 'tasks', unique: ['id'], plain: 'title', columns: ['id', 'title', 'done'], keys: {} },
    columns: ['org_id', 'owner_id'],
    keys: someOf(MEMBERS, [
      ['o1', null],
      [null, null],
      ['O1', 2],
      ['o1', '1'],
    ]),
  },
  {
    table: { name: 'tasks', unique: ['id'], plain: 'done', columns: ['id', 'title'], keys: {} },
    columns: ['title', 'org_id'],
    keys: someOf(
      [
        ['sweep', 'o1'],
        ['mop', 'o1'],
        ['sweep', 'o2'],
      ],
      [
        ['Sweep', 'o1'],
        ['sweep', null],
        ['sweep ', 'o2'],
      ],
    ),
  },
  {
    table: { name: '_PostToTag', unique: ['A', 'B'], plain: 'B', columns: ['B', 'A'], keys: {} },
    columns: ['A', 'B'],
    keys: someOf(
      [
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 3],
      ],
      [
        [1, '1'],
        ['02', 1],
        [3, 3],
      ],
    ),
  },
]

/** Builders that query by two columns, and keys for them. */
export function compositeLoop(): fc.Arbitrary<Loop> {
  return fc
    .constantFrom(...COMPOSITES)
    .chain((subject) => fc.record({ call: compositeCall(subject), keys: subject.keys }))
}

function compositeCall({ table, columns: [a, b] }: Composite): fc.Arbitrary<KnexCall> {
  const filter = fc.constantFrom<Chain>(
    [['where', { [a]: hole(0), [b]: hole(1) }]],
    [['where', { [b]: hole(1), [a]: hole(0) }]],
    [
      ['where', a, hole(0)],
      ['whereNotNull', table.plain],
      ['andWhere', b, '=', hole(1)],
    ],
  )
  return fc.tuple(filter, endings(table, a)).map(([where, { chain, order }]) => ({
    orm: 'knex',
    table: table.name,
    chain: [...where, ...chain],
    order,
  }))
}
