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

  it('says what the dialect has words for', () => {
    expect(indexKeySql(key, 'postgresql')).toBe('"a""`b" COLLATE "de_DE" ext."Own_ops" DESC NULLS LAST')
    expect(indexKeySql(key, 'mysql')).toBe('`a"``b`(9) DESC')
    expect(indexKeySql(key, 'sqlite')).toBe('"a""`b" COLLATE "de_DE" DESC')
  })

  it('puts an expression in parentheses, though it begins and ends as a call does', () => {
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

  it('says what the dialect has words for', () => {
    expect(indexBodySql(index, 'postgresql')).toBe('USING gin ("a", "b") INCLUDE ("d") WHERE c > 1')
    expect(indexBodySql(index, 'mysql')).toBe('(`a`, `b`)')
    expect(indexBodySql(index, 'sqlite')).toBe('("a", "b") WHERE c > 1')
  })

  it('leaves out the method that is the default', () => {
    expect(indexBodySql({ ...index, method: 'btree', include: [] }, 'postgresql')).toBe('("a", "b") WHERE c > 1')
  })
})
