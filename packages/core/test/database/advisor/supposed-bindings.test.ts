import { describe, expect, it } from 'vitest'
import { CatalogStatistics } from '../../../src/database/advisor/statistics.ts'
import { supposedBindings } from '../../../src/database/advisor/supposed-bindings.ts'
import type { ParameterRole, StatementUse } from '../../../src/database/advisor/table-use.ts'
import type { ColumnStatistics, TableSnapshot } from '../../../src/database/inspectors/database-snapshot.ts'

const column = (name: string, statistics?: Partial<ColumnStatistics>) => ({
  name,
  type: 'integer' as const,
  databaseType: 'integer',
  nullable: true,
  ...(statistics === undefined
    ? {}
    : { statistics: { distinct: 100, nullShare: 0, common: [], bounds: [], ...statistics } }),
})
const hundred = Array.from({ length: 101 }, (_, at) => at)
const table: TableSnapshot = {
  id: 'public.city',
  schema: 'public',
  name: 'city',
  kind: 'table',
  rows: 1_000,
  bytes: -1,
  indexBytes: -1,
  primaryKey: ['id'],
  indexes: [],
  columns: [
    column('id', { bounds: hundred }),
    column('region', {
      common: [
        { value: 'a', share: 0.5 },
        { value: 'b', share: 0.2 },
        { value: 'c', share: 0.1 },
      ],
    }),
    column('size', { common: [{ value: 7, share: 0.3 }], bounds: hundred }),
    column('rank', {
      common: [
        { value: '10', share: 0.5 },
        { value: '9', share: 0.3 },
        { value: '100', share: 0.2 },
      ],
    }),
    column('unknown'),
  ],
}
const role = (
  name: string,
  operator: Extract<ParameterRole, { kind: 'column' }>['operator'] = '=',
  isUpperBound = false,
): ParameterRole => {
  return { kind: 'column', table, column: name, operator, isUpperBound }
}

const bindings = (
  parameters: readonly (ParameterRole | undefined)[],
  observed: readonly (readonly unknown[])[] = [],
) => supposedBindings({ parameters } as StatementUse, observed, new CatalogStatistics())

describe('supposedBindings', () => {
  it('returns the most common value, and a typical one', () => {
    expect(bindings([role('size')])).toEqual([[7], [50]])
    expect(bindings([role('region')])).toEqual([['a'], ['b']])
    expect(bindings([role('id')])).toEqual([[50], [50]])
  })

  it('returns different values for the elements of a list', () => {
    expect(bindings([role('region', 'in'), role('region', 'in'), role('size')])?.[0]).toEqual(['a', 'b', 7])
    expect(bindings([role('id', 'in'), role('id', 'in')])?.[1]).toEqual([50, 51])
  })

  it('returns 20 for a limit and 0 for an offset', () => {
    expect(bindings([{ kind: 'limit' }, { kind: 'offset' }])).toEqual([
      [20, 0],
      [20, 0],
    ])
  })

  it('sorts the ends of a range, regardless of the order in the statement', () => {
    const between = [role('size', 'between'), role('size', 'between', true)]
    expect(bindings(between)).toEqual([
      [50, 55],
      [50, 51],
    ])
    expect(bindings([role('size', '<', true), role('size', '>=')])).toEqual([
      [55, 50],
      [51, 50],
    ])
    expect(bindings([role('size', '>')])).toEqual([[50], [90]])
  })

  it('sorts numbers numerically even if they are strings', () => {
    expect(bindings([role('rank', 'between'), role('rank', 'between', true)])?.[0]).toEqual(['10', '100'])
  })

  it('requires an observed pattern', () => {
    expect(bindings([role('region', 'like')])).toBeUndefined()
    expect(bindings([role('size'), role('region', 'like')], [[1, 'par%']])).toEqual([
      [7, 'par%'],
      [50, 'par%'],
    ])
  })

  it('requires an observed value if it is not compared with a column', () => {
    expect(bindings([undefined])).toBeUndefined()
    expect(bindings([undefined], [[2]])).toEqual([[2], [2]])
  })

  it('returns any value for a written column, because plans of writes do not depend on it', () => {
    expect(bindings([{ kind: 'written', table, column: 'unknown' }])).toEqual([[null], [null]])
  })
})
