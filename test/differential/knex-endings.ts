import fc from 'fast-check'
import type { Keys } from './keys.ts'
import type { Chain, Order } from './program.ts'

/** A table, and the columns by which builders may query it. */
export interface Table {
  readonly name: string
  /** The columns with unique values. */
  readonly unique: readonly string[]
  /** A column with few distinct values. */
  readonly plain: string
  readonly columns: readonly string[]
  readonly keys: Readonly<Record<string, Keys>>
}

/** The part after the conditions: columns, aggregates, orders and limits. */
export function endings(
  table: Table,
  column: string,
): fc.Arbitrary<{ readonly chain: Chain; readonly order: Order }> {
  const { columns, plain, unique } = table
  const total: Chain = unique.map((column) => ['orderBy', column] as const)
  const totals: Chain[] = [
    total,
    [['orderBy', plain, 'desc'], ...total],
    [['orderBy', [{ column: plain, order: 'asc' }, ...unique.map((column) => ({ column, order: 'desc' }))]]],
  ]
  const partial: Chain[] = [
    [],
    [['orderBy', plain]],
    ...columns.map((column): Chain => [['orderBy', column, 'desc']]),
  ]
  const selected: Chain[] = [
    [],
    [],
    [['select', ...columns]],
    [['select', plain]],
    [['select', ...columns.map((column) => `${column} as ${column}_`)]],
    [['select', '*']],
    [['columns', columns]],
    [
      ['select', columns[1] ?? plain],
      ['select', plain],
    ],
    [['select', `${plain} as ${columns[0] ?? plain}`]],
  ]
  const ends: {
    readonly weight: number
    readonly arbitrary: fc.Arbitrary<{ readonly chain: Chain; readonly order: Order }>
  }[] = [
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom(...selected), fc.constantFrom(...totals))
        .map(([select, order]) => ({ chain: [...select, ...order], order: 'total' })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...selected), fc.constantFrom<Chain>([], [['orderBy', plain]]))
        .map(([select, order]) => ({ chain: [...select, ...order], order: 'none' })),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(...selected), fc.constantFrom(...totals))
        .map(([select, order]) => ({ chain: [...select, ...order, ['first']], order: 'total' })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...selected),
          fc.constantFrom(...partial),
          fc.constantFrom<Chain>(
            [['first']],
            [['first']],
            [['limit', 2]],
            [
              ['limit', 1],
              ['offset', 1],
            ],
          ),
        )
        .map(([select, order, end]) => ({ chain: [...select, ...order, ...end], order: 'doubtful' })),
    },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom<Chain>(
          [['count', '* as n']],
          [['count', { n: '*' }]],
          [['count']],
          [['count', plain]],
          [['count', '* as n'], ['first']],
          [['countDistinct', `${plain} as n`]],
          [
            ['max', `${columns[0] ?? plain} as m`],
            ['min', plain],
            ['count', '* as n'],
          ],
          [['count', { n: '*', m: plain }], ['first']],
          [
            ['sum', `${plain} as s`],
            ['avg', { a: plain }],
          ],
          [['count', `* as ${column}`]],
        )
        .map((chain) => ({ chain, order: 'none' })),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom<Chain>(
          [...total, ['pluck', plain]],
          [...total, ['limit', 2]],
          [...total, ['limit', 2], ['offset', 1]],
          [['orderBy', plain, 'desc'], ...total, ['limit', 3]],
          [['select', ...columns.slice(1)], ['orderBy', plain], ...total, ['limit', 1], ['offset', 1]],
          [['select', `${plain} as p`, '*'], ...total, ['limit', 1]],
          [...total, ['limit', 2], ['pluck', columns[0] ?? plain]],
          [['orderBy', plain, 'asc', 'last'], ...total, ['limit', 2]],
          [...total, ['offset', 1], ['first']],
          [
            ['select', plain],
            ['max', `${columns[0] ?? plain} as m`],
            ['groupBy', plain],
            ['orderBy', 'm'],
            ['orderBy', plain],
          ],
          [
            ['groupBy', plain],
            ['orderBy', plain],
            ['pluck', plain],
          ],
          [['max', `${plain} as m`], ['first']],
          [['select', { $raw: 'count(*) as n' }]],
          [
            ['distinct', plain],
            ['orderBy', plain],
          ],
          [
            ['select', plain],
            ['count', '* as n'],
            ['groupBy', plain],
            ['orderBy', plain],
          ],
          [...total, ['forShare']],
        )
        .map((chain) => ({ chain, order: 'total' })),
    },
  ]
  return fc.oneof(...ends)
}
