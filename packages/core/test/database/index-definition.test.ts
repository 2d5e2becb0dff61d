import { describe, expect, it } from 'vitest'
import { type IndexKey, indexBodySql, indexKeySql, sharedKeys } from '../../src/database/index-definition.ts'

describe('indexKeySql', () => {
  const key = {
    column: 'a"`b',
    isDescending: true,
    collation: 'de_DE',
    operatorClass: 'ext.Own_ops',
    nulls: 'last',
    prefixLength: 9,
  } as const

  it('writes the parts of a key that the dialect supports', () => {
    expect(indexKeySql(key, 'postgresql')).toBe('"a""`b" COLLATE "de_DE" ext."Own_ops" DESC NULLS LAST')
    expect(indexKeySql(key, 'mysql')).toBe('`a"``b`(9) DESC')
    expect(indexKeySql(key, 'sqlite')).toBe('"a""`b" COLLATE "de_DE" DESC')
  })

  it('puts an expression in parentheses, even if it starts and ends like a call', () => {
    const expression = 'lower(a) || upper(b)'
    for (const dialect of ['postgresql', 'mysql', 'sqlite'] as const)
      expect(indexKeySql({ column: 'a', expression }, dialect)).toBe('(lower(a) || upper(b))')
  })
})

describe('indexBodySql', () => {
  const index = {
    table: 't',
    keys: [{ column: 'a' }, { column: 'b' }],
    method: 'gin',
    isUnique: false,
    where: 'c > 1',
    include: ['d'],
  } as const

  it('writes the parts of an index that the dialect supports', () => {
    expect(indexBodySql(index, 'postgresql')).toBe('USING gin ("a", "b") INCLUDE ("d") WHERE c > 1')
    expect(indexBodySql(index, 'mysql')).toBe('(`a`, `b`)')
    expect(indexBodySql(index, 'sqlite')).toBe('("a", "b") WHERE c > 1')
  })

  it('omits the default method', () => {
    expect(indexBodySql({ ...index, method: 'btree', include: [] }, 'postgresql')).toBe(
      '("a", "b") WHERE c > 1',
    )
  })
})

const called = (expression: string): IndexKey => ({ column: 'name', expression })

describe('sharedKeys', () => {
  it('counts the leading keys that both have', () => {
    expect(
      sharedKeys([{ column: 'a' }, { column: 'b' }], [{ column: 'a' }, { column: 'b' }, { column: 'c' }]),
    ).toBe(2)
    expect(sharedKeys([{ column: 'a' }, { column: 'b' }], [{ column: 'a' }])).toBe(1)
    expect(sharedKeys([{ column: 'a' }, { column: 'b' }], [{ column: 'b' }, { column: 'a' }])).toBe(0)
  })

  it('treats keys with all directions reversed as the same, including the position of nulls', () => {
    const keys: IndexKey[] = [{ column: 'a' }, { column: 'b', isDescending: true, nulls: 'last' }]
    expect(
      sharedKeys(keys, [
        { column: 'a', isDescending: true },
        { column: 'b', nulls: 'first' },
      ]),
    ).toBe(2)
    expect(
      sharedKeys(keys, [
        { column: 'a', isDescending: true },
        { column: 'b', nulls: 'last' },
      ]),
    ).toBe(1)
    expect(sharedKeys(keys, [{ column: 'a', isDescending: true }, { column: 'b' }])).toBe(1)
    expect(sharedKeys(keys, [{ column: 'a' }, { column: 'b', isDescending: true }])).toBe(1)
  })

  it('compares collations without regard to case', () => {
    expect(sharedKeys([{ column: 'a', collation: 'NOCASE' }], [{ column: 'a', collation: 'nocase' }])).toBe(1)
    expect(sharedKeys([{ column: 'a', collation: 'NOCASE' }], [{ column: 'a' }])).toBe(0)
  })

  it.each([
    ['lower(name)', 'lower("name")'],
    ['lower(name)', 'lower(`name`)'],
    ['lower(name)', 'lower((name)::text)'],
    ['lower(name)', '( LOWER( name::character varying ) )'],
    ['(name || b)', '(name)::text||b'],
    [`name ->> 'A'`, `(name ->> 'A'::text)`],
  ])('treats %s and %s as the same', (one, other) => {
    expect(sharedKeys([called(one)], [called(other)])).toBe(1)
  })

  it.each([
    ['lower(name)', 'upper(name)'],
    [`name ->> 'A'`, `name ->> 'a'`],
    [`name || '(a)'`, `name || 'a'`],
    [`(name ->> 'a')::integer`, `name ->> 'a'`],
    ['name::varchar(3)', 'name'],
    ['(name + b) * c', 'name + (b * c)'],
    ['(name + b) * (b + c)', 'name + b) * (b + c'],
  ])('distinguishes %s from %s', (one, other) => {
    expect(sharedKeys([called(one)], [called(other)])).toBe(0)
  })
})
