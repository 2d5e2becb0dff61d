import { describe, expect, it } from 'vitest'
import type { ColumnType, TableInfo } from '../../src/schema/catalog-data.ts'
import { keyedRows, keyTextOf, type RowKey, rowBucket, rowKeyOf } from '../../src/schema/row-key.ts'
import type { Dialect } from '../../src/sql/dialect.ts'

const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e'

function table(
  types: Readonly<Record<string, ColumnType>>,
  primaryKey: readonly string[],
  declared = false,
): TableInfo {
  const columns = Object.entries(types).map(([name, type]) => ({ name, type, nullable: false }))
  return { name: 't', kind: 'table', columns, primaryKey, uniqueKeys: [], declared }
}

describe('rowKeyOf', () => {
  it('contains the columns of the primary key in its order', () => {
    const { columns, types } = rowKeyOf(table({ a: 'integer', b: 'uuid' }, ['b', 'a']), 'sqlite') ?? {}
    expect([columns, types]).toEqual([
      ['b', 'a'],
      ['uuid', 'integer'],
    ])
  })

  it.each(['text', 'collated', 'decimal', 'float', 'boolean', 'datetime', 'bytes', 'other'] as const)(
    'is undefined with a column of type %s',
    (type) => {
      expect(rowKeyOf(table({ a: 'integer', b: type }, ['a', 'b']), 'sqlite')).toBeUndefined()
    },
  )

  it('is undefined without a primary key, or with an unknown column', () => {
    expect(rowKeyOf(table({ a: 'integer' }, []), 'sqlite')).toBeUndefined()
    expect(rowKeyOf(table({ a: 'integer' }, ['b']), 'sqlite')).toBeUndefined()
  })

  it('has several columns only if the order of the database is known', () => {
    expect(rowKeyOf(table({ a: 'integer', b: 'integer' }, ['a', 'b'], true), 'sqlite')).toBeUndefined()
    expect(rowKeyOf(table({ a: 'integer' }, ['a'], true), 'sqlite')).toBeDefined()
  })
})

describe('keyTextOf', () => {
  it.each([
    [7, '7'],
    [-7, '-7'],
    [0, '0'],
    [-0, '0'],
    [7n, '7'],
    ['7', '7'],
    ['-7', '-7'],
    [9_007_199_254_740_991, '9007199254740991'],
  ])('is the same string for an integer in any type: %o', (value, text) => {
    for (const dialect of ['sqlite', 'postgresql', 'mysql'] as const)
      expect(keyTextOf(value, 'integer', dialect)).toBe(text)
  })

  it.each([
    7.5,
    Number.NaN,
    9_007_199_254_740_992,
    '07',
    '+7',
    ' 7',
    '7 ',
    '7.0',
    '7e0',
    '7abc',
    '-0',
    '',
    'x',
    true,
    null,
    undefined,
    {},
    [7],
  ])('is undefined for a value that may equal another integer, or none: %o', (value) => {
    for (const dialect of ['sqlite', 'postgresql', 'mysql'] as const)
      expect(keyTextOf(value, 'integer', dialect)).toBeUndefined()
  })

  it.each<[Dialect, unknown, string | undefined]>([
    ['postgresql', '9223372036854775807', '9223372036854775807'],
    ['sqlite', -9_223_372_036_854_775_808n, '-9223372036854775808'],
    ['postgresql', 9_223_372_036_854_775_808n, undefined],
    ['sqlite', '92233720368547758070', undefined],
    ['mysql', '9007199254740993', undefined],
    ['mysql', 9_007_199_254_740_993n, undefined],
    ['mysql', '9007199254740991', '9007199254740991'],
  ])('returns on %s for the large integer %o', (dialect, value, text) => {
    expect(keyTextOf(value, 'integer', dialect)).toBe(text)
  })

  it('is a UUID in lowercase only, and in no other format', () => {
    expect(keyTextOf(UUID, 'uuid', 'postgresql')).toBe(UUID)
    for (const value of [
      UUID.toUpperCase(),
      UUID.replaceAll('-', ''),
      `{${UUID}}`,
      ` ${UUID}`,
      `${UUID}\n`,
      7,
    ]) {
      expect(keyTextOf(value, 'uuid', 'postgresql')).toBeUndefined()
    }
  })
})

describe('keyedRows', () => {
  const one: RowKey = { dialect: 'postgresql', columns: ['id'], types: ['integer'] }
  const two: RowKey = { dialect: 'postgresql', columns: ['a', 'b'], types: ['integer', 'integer'] }

  it('identifies a row by the bucket of its key', () => {
    expect(keyedRows(one, [[7]], 15)).toEqual({ buckets: [rowBucket(['7'])], count: 1 })
    expect(keyedRows(two, [[7], ['8']], 15)).toEqual({ buckets: [rowBucket(['7', '8'])], count: 1 })
  })

  it('counts a repeated row once', () => {
    expect(keyedRows(one, [[7, '7', 8n]], 15)?.count).toBe(2)
    expect(keyedRows(one, [[]], 15)).toEqual({ buckets: [], count: 0 })
  })

  it('is undefined if a value is not a key', () => {
    expect(keyedRows(one, [[7, '07']], 15)).toBeUndefined()
    expect(keyedRows(two, [[7], ['x']], 15)).toBeUndefined()
  })

  it('is undefined for more rows than the limit', () => {
    expect(keyedRows(one, [[1, 2, 3]], 3)?.count).toBe(3)
    expect(keyedRows(one, [[1, 2, 3, 4]], 3)).toBeUndefined()
  })

  it('accepts lists only for keys with one column', () => {
    expect(keyedRows(two, [[1, 2], [3]], 15)).toBeUndefined()
    expect(keyedRows(two, [[1], []], 15)).toBeUndefined()
  })
})
