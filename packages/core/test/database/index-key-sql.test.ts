import { describe, expect, it } from 'vitest'
import { indexBodySql, indexKeySql } from '../../src/database/index-definition.ts'

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
