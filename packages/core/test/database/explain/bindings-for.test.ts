import { describe, expect, it } from 'vitest'
import type { ParameterRole } from '../../../src/database/advisor/table-use.ts'
import { bindingsFor } from '../../../src/database/explain/bindings-for.ts'
import type { ColumnStatistics, TableSnapshot } from '../../../src/database/inspectors/database-snapshot.ts'

const column = (name: string, statistics?: Partial<ColumnStatistics>) => ({
  ...{ name, type: 'integer' as const, databaseType: 'integer', nullable: true },
  ...(statistics === undefined
    ? {}
    : { statistics: { distinct: 1, nullShare: 0, common: [], bounds: [], ...statistics } }),
})
const hundred = Array.from({ length: 101 }, (_, at) => at)
const table: TableSnapshot = {
  ...{
    id: 'public.city',
    schema: 'public',
    name: 'city',
    kind: 'table',
    rows: 1_000,
    bytes: -1,
    indexBytes: -1,
    primaryKey: ['id'],
    indexes: [],
  },
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

describe('bindingsFor', () => {
  it('returns the most common value, and a typical one', () => {
    expect(bindingsFor([role('size')])).toEqual({ heavy: [7], typical: [50] })
    expect(bindingsFor([role('region')])).toEqual({ heavy: ['a'], typical: ['b'] })
    expect(bindingsFor([role('id')])).toEqual({ heavy: [50], typical: [50] })
  })

  it('returns different values for the elements of a list', () => {
    expect(bindingsFor([role('region', 'in'), role('region', 'in'), role('size')])?.heavy).toEqual([
      'a',
      'b',
      7,
    ])
    expect(bindingsFor([role('id', 'in'), role('id', 'in')])?.typical).toEqual([50, 51])
  })

  it('returns 20 for a limit and 0 for an offset', () => {
    expect(bindingsFor([{ kind: 'limit' }, { kind: 'offset' }])).toEqual({ heavy: [20, 0], typical: [20, 0] })
  })

  it('sorts the limits of a range, regardless of the order in the statement', () => {
    const between = [role('size', 'between'), role('size', 'between', true)]
    expect(bindingsFor(between)).toEqual({ heavy: [50, 56], typical: [50, 52] })
    expect(bindingsFor([role('size', '<'), role('size', '>=')])).toEqual({
      heavy: [56, 50],
      typical: [52, 50],
    })
    expect(bindingsFor([role('size', '>')])).toEqual({ heavy: [50], typical: [50] })
  })

  it('sorts numbers numerically even if they are strings', () => {
    expect(bindingsFor([role('rank', 'between'), role('rank', 'between', true)])?.heavy).toEqual([
      '10',
      '100',
    ])
  })

  it('requires an observed pattern', () => {
    expect(bindingsFor([role('region', 'like')])).toBeUndefined()
    expect(bindingsFor([role('size'), role('region', 'like')], undefined, [[1, 'par%']])).toEqual({
      heavy: [7, 'par%'],
      typical: [50, 'par%'],
    })
  })

  it('returns observed values when there are no statistics', () => {
    expect(bindingsFor([role('unknown')])).toBeUndefined()
    expect(bindingsFor([undefined])).toBeUndefined()
    expect(
      bindingsFor([role('unknown'), undefined], undefined, [
        [null, 1],
        [4, 2],
      ]),
    ).toEqual({ heavy: [4, 1], typical: [4, 1] })
  })

  it('returns any value for a written column, because plans of writes do not depend on it', () => {
    const written = { kind: 'written', table, column: 'unknown' } as const
    expect(bindingsFor([written, { ...written, column: 'size' }])?.typical).toEqual([null, 50])
  })

  it('uses the statistics that it receives', () => {
    const statistics = () => ({ distinct: 1, nullShare: 0, common: [{ value: 3, share: 1 }], bounds: [] })
    expect(bindingsFor([role('unknown')], statistics)).toEqual({ heavy: [3], typical: [3] })
  })
})
